"""Asking each server for itself, once: how it is, and not how it can be reached all the same."""

from __future__ import annotations

import asyncio
from typing import Optional, Union

import attrs
from queen_api import Operation, Request

from queen.errors import QueenError
from queen.transport import answer, codec
from queen.transport.engine import (
    DeadlinePassedError,
    Engine,
    EngineError,
    Headers,
    IdleClosedError,
    NoTokenError,
    Reply,
)
from queen.transport.redaction import redacted

# An engine ends by itself at its deadline, which leaves its connection in a better state.
_GRACE_SECONDS = 0.25


@attrs.frozen
class Probe:
    """What one server answered to one question.

    Attributes:
        url: the server.
        in_rotation: whether requests go to it.
        seconds: how long the answer took; None where there is none.
        value: the answer, also one that comes with an error status; None where it is none of a Queen server.
        error: what is wrong, in words; None for nothing.
    """

    url: str
    in_rotation: bool
    seconds: Optional[float]
    value: Optional[object]
    error: Optional[str]


@attrs.frozen
class Prober:
    """Asks one server, without repeats and without another in its place.

    Attributes:
        engine: moves the question.
        headers: its headers.
        seconds: how long the answer may take.
    """

    engine: Engine
    headers: Headers = attrs.field(repr=False)
    seconds: float

    async def ask(self, request: Request[object], url: str, *, in_rotation: bool) -> Probe:
        """Ask one server; what goes wrong is in the result."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        asked = asyncio.ensure_future(self._send(request.operation, request.target, url))
        try:
            # The broker inside this process knows no deadline.
            await asyncio.wait({asked}, timeout=self.seconds + _GRACE_SECONDS)
            spent = loop.time() - started
            reply = asked.result() if asked.done() else self._late()
        finally:
            asked.cancel()
        if isinstance(reply, str):
            return Probe(url, in_rotation, None, None, reply)
        return self._read(request, reply, Probe(url, in_rotation, spent, None, None))

    async def _send(self, operation: Operation, target: str, url: str) -> Union[Reply, str]:
        deadline = asyncio.get_running_loop().time() + self.seconds
        try:
            try:
                return await self.engine.send(url, target, operation.method, self.headers, None, deadline)
            except IdleClosedError:
                # It says nothing of the server but that it closes idle connections.
                return await self.engine.send(url, target, operation.method, self.headers, None, deadline)
        except DeadlinePassedError:
            return self._late()
        except (EngineError, NoTokenError) as error:
            return str(error)

    def _late(self) -> str:
        return f"no answer within {round(self.seconds * 1000)} ms"

    @staticmethod
    def _read(request: Request[object], reply: Reply, probe: Probe) -> Probe:
        shown = redacted(reply)
        try:
            return attrs.evolve(probe, value=answer.read(request, shown, probe.url))
        except QueenError as error:
            return attrs.evolve(probe, value=_value_of(shown), error=str(error))


def _value_of(reply: Reply) -> Optional[object]:
    """What a server says with an error status; None where the status is none of a server that is ill."""
    if reply.status != 503:
        return None
    try:
        return codec.decode(reply.body)
    except ValueError:
        return None
