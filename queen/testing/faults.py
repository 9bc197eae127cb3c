"""What goes wrong between a client and the broker of a test, on demand."""

from __future__ import annotations

import threading
from typing import Callable, Dict, List, Optional, Tuple, cast

import attrs
from queen_api import Operation, operations
from typing_extensions import Final, Literal, TypeAlias, get_args

from queen import validation
from queen.broker.http import Asgi, AsgiMessage, Receive, Scope, Send
from queen.transport.engine import AnswerLostError, NotSentError

FaultyOperation: TypeAlias = Literal["push", "pop", "ack", "renew", "commit"]
"""Requests that a fault is for: ``commit`` is that of a transaction."""

Kind: TypeAlias = Literal["answer", "lost", "unreachable"]

_HEALTH: Final = operations.HEALTH.path


def _stem(operation: Operation) -> str:
    return operation.path.partition("{")[0]


# How the paths of an operation begin; windows of streams are polled, acknowledged and renewed too.
_PATHS: Final[Dict[FaultyOperation, Tuple[str, ...]]] = {
    "push": (_stem(operations.PUSH),),
    "pop": (_stem(operations.POP_MATCHING), _stem(operations.POLL_WINDOW)),
    "ack": (_stem(operations.ACK), _stem(operations.ACK_WINDOW)),
    "renew": (_stem(operations.EXTEND_LEASE), _stem(operations.RENEW_WINDOW)),
    "commit": (_stem(operations.COMMIT),),
}


@attrs.define
class _Fault:
    kind: Kind
    status: int
    operation: Optional[FaultyOperation]
    left: int


class Gate:
    """The way to a broker, where requests fail as a test has asked for.

    Args:
        changed: called after each request, since it may have changed something.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._lock = threading.Lock()
        self._faults: List[_Fault] = []
        self._closed = False

    def before(self, application: Asgi) -> Asgi:
        """The application behind this gate."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            if self._closed:
                raise NotSentError("the test is over, and its broker with it")
            try:
                await self._pass(application, self._next(str(scope["path"])), scope, receive, send)
            finally:
                self._changed()

        return guarded

    def add(self, count: int, kind: Kind, operation: Optional[str], status: int = 0) -> None:
        """Let the next requests fail, behind those that are to fail already.

        Raises:
            TypeError, ValueError: an argument that is not accepted.
        """
        validation.integer("n", count, minimum=1)
        if operation is not None:
            validation.choice("operation", operation, get_args(FaultyOperation))
        with self._lock:
            self._faults.append(_Fault(kind, status, cast("Optional[FaultyOperation]", operation), count))

    def clear(self) -> None:
        """Let everybody through."""
        with self._lock:
            self._faults.clear()

    def close(self) -> None:
        """Let nobody through any more."""
        self._closed = True

    def _next(self, path: str) -> Optional[_Fault]:
        """The fault of a request. Clients ask for a server's health by themselves: that is no request of a test."""
        if path == _HEALTH:
            return None
        with self._lock:
            for fault in self._faults:
                if fault.operation is None or path.startswith(_PATHS[fault.operation]):
                    fault.left -= 1
                    if not fault.left:
                        self._faults.remove(fault)
                    return fault
        return None

    async def _pass(
        self, application: Asgi, fault: Optional[_Fault], scope: Scope, receive: Receive, send: Send
    ) -> None:
        if fault is None:
            await application(scope, receive, send)
        elif fault.kind == "unreachable":
            raise NotSentError("the test lets this request reach no broker")
        elif fault.kind == "lost":
            await application(scope, receive, _nowhere)
            raise AnswerLostError("the test lets the answer be lost")
        else:
            await _answer(fault.status, send)


async def _nowhere(message: AsgiMessage) -> None:
    """The answer is lost."""


async def _answer(status: int, send: Send) -> None:
    # A 5xx with a JSON body would be a refusal of this one request; broken servers and proxies answer otherwise.
    words = "the test lets this request fail"
    body = f'{{"error":"{words}"}}' if status < 500 else words
    kind = b"application/json" if status < 500 else b"text/plain"
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]})
    await send({"type": "http.response.body", "body": body.encode()})
