"""What generated requests are sent to: a dialect of the embedded broker, or a live server."""

from __future__ import annotations

import asyncio
import itertools
import uuid
import zlib
from typing import Any, Optional
from unittest import mock

import schemathesis

from queen import Queen
from queen.broker import Broker, identifiers, open_broker
from queen.broker.clock import SystemClock
from queen.broker.http import Receive, Scope, Send
from tests.contract.conformance import check
from tests.contract.live_faults import fault
from tests.contract.spec import PATH, operations
from tests.contract.tally import TALLY
from tests.populated import populate

_OPERATIONS = {operation.id: operation for operation in operations()}
_CONFIG = schemathesis.Config.from_dict(
    {
        # Values found in whatever is imported would make a run depend on the tests before it.
        "analysis": {"constants": {"enabled": False}},
        # Only links that the spec names; what is wrong is sent to each operation by itself.
        "phases": {"stateful": {"inference": {"algorithms": []}, "generation": {"mode": "positive"}}},
    }
)
_SWITCHES = ("set_maintenance", "set_pop_maintenance")
# Few, so that requests meet.
_NAMES_OF_A_RUN = 2
# Keys and path parameters whose values are names.
_NAMES = frozenset(
    {
        "queue",
        "partition",
        "group",
        "consumerGroup",
        "stream",
        "name",
        "streamName",
        "source_queue",
        "source_queue_names",
    }
)
_QUEUE_MODE = "__QUEUE_MODE__"


class _Clock(SystemClock):
    """The machine's clock, which can be put forward."""

    def __init__(self) -> None:
        self._ahead = 0

    def now(self) -> int:
        return super().now() + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += round(seconds * 1e6)


class Target:
    """One server, and what was sent to it.

    Args:
        dialect: what it speaks.
        url: where it is; without one, it is the embedded broker.
    """

    def __init__(self, dialect: str, url: Optional[str] = None) -> None:
        self.dialect = dialect
        self.live = url is not None
        self.schema = schemathesis.openapi.from_path(str(PATH), config=_CONFIG)
        self._url = f"memory://contract-{dialect}"
        self._clock = _Clock()
        self._prefix = ""
        self._broker: Optional[Broker] = None
        self._called: Optional[str] = None
        if url is None:
            self.schema.app = self._serve
        else:
            self.schema.config.update(base_url=url)

    def start_over(self) -> None:
        """Forget all that was pushed; where others have queues too, other names are used from now on."""
        self._prefix = f"contract-{uuid.uuid4().hex[:8]}-"
        if not self.live:
            self.end()
            self._clock = _Clock()
            self._broker = open_broker(self._url, clock=self._clock, dialect=self.dialect)

    def populate(self) -> None:
        """Let the embedded broker have something to show in each answer; what a live server has is its own."""

        async def population() -> None:
            async with Queen(self._url) as client:
                await populate(client, self._clock, with_stream=self.dialect != "0.15")

        if not self.live:
            asyncio.run(population())

    def make_queues(self) -> None:
        """Create the queues whose names are this run's own: server 0.7 creates none at a push."""
        configure = self.schema["/api/v1/configure"]["POST"]
        for number in range(_NAMES_OF_A_RUN):
            body = {"queue": f"{self._prefix}{number}", "namespace": "", "task": "", "options": {}}
            assert configure.Case(body=body).call().json()["configured"]

    def end(self) -> None:
        """Give up what was pushed."""
        if self._broker is not None:
            asyncio.run(self._broker.close())
            self._broker = None

    def hold(self, case: schemathesis.Case[Any]) -> None:
        """Send a request of the operation under test, and fail unless the answer is as the spec says."""
        if case.operation.label != self._called:
            self._called = case.operation.label
            self.start_over()
            self.populate()
        self.prepare(case, rename=self.live)
        if not self.may_be_sent(case):
            return
        self.examine(case, case.call(), "each operation")
        if operation_id(case) in _SWITCHES:
            case.operation.Case(body={"enabled": False}).call()

    def prepare(self, case: schemathesis.Case[Any], *, rename: bool) -> None:
        """Let no poll wait, and name only what is this run's own if asked for."""
        if case.query and "wait" in case.query:
            case.query["timeout"] = 1
        if rename and operation_id(case) == "pop_matching":
            # Without a namespace it takes messages from everybody's queues.
            case.query = {**(case.query or {}), "namespace": self._prefix}
        polls = operation_id(case) == "poll_window" and isinstance(case.body, dict)
        if polls and isinstance(case.body.get("timeout", 0), (int, float)):
            case.body["timeout"] = 1
        if rename:
            case.path_parameters = self._renamed(case.path_parameters)
            case.query = self._renamed(case.query)
            case.body = self._renamed(case.body)

    def may_be_sent(self, case: schemathesis.Case[Any]) -> bool:
        """Whether a request runs into no known fault of a live server."""
        return not self.live or fault(self.dialect, operation_id(case), case.body) is None

    def examine(self, case: schemathesis.Case[Any], response: schemathesis.Response, how: str) -> None:
        """Fail unless an answer is as the spec says, and count it.

        Args:
            case: the request.
            response: the answer.
            how: in which line of the table it counts.
        """
        operation = _OPERATIONS[operation_id(case)]
        line = f"{self.dialect}{' (live)' if self.live else ''}, {how}"
        TALLY.sent(line, operation.id)
        try:
            check(operation, self.dialect, case, response)
        except BaseException:
            TALLY.failed(line, operation.id)
            raise

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._broker is not None
        await self._broker.app(scope, receive, send)

    def _renamed(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._renamed(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {
            key: self._own(item) if key in _NAMES else item if key in ("payload", "data") else self._renamed(item)
            for key, item in value.items()
        }

    def _own(self, value: Any) -> Any:
        """A name of this run for a name, which a path can hold."""
        if isinstance(value, list):
            return [self._own(item) for item in value]
        if not isinstance(value, str) or value == _QUEUE_MODE or value.startswith(self._prefix):
            return value
        return f"{self._prefix}{zlib.crc32(value.encode('utf-8', 'surrogatepass')) % _NAMES_OF_A_RUN}"


def operation_id(case: schemathesis.Case[Any]) -> str:
    """The operation of a request."""
    return str(case.operation.definition.raw["operationId"])


def counted_identifiers() -> Any:
    """Lets the embedded broker count its ids up: Hypothesis demands the same answers to the same requests."""
    numbers = itertools.count(1)

    def identifier(_now: int = 0) -> str:
        return str(uuid.UUID(int=4 << 76 | 2 << 62 | next(numbers)))

    return mock.patch.multiple(identifiers, random=identifier, time_ordered=identifier)
