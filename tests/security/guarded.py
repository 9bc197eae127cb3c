"""A server that lets in who has a token that has not expired, by a clock that a test moves on."""

from __future__ import annotations

from typing import Any, List, Optional

from queen import Queen
from tests.scripted_server import Answer, Received, ScriptedServer, answers
from tests.security import tokens

DELETED = {"deleted": True, "existed": True, "queue": "q"}
EMPTY = {"success": True, "messages": []}


class Guarded(ScriptedServer):
    """Answers who is let in; ``now`` is its time in seconds."""

    def __init__(self, **options: Any) -> None:
        super().__init__(self._answer, **options)
        self.now = 0.0

    def _answer(self, received: Received) -> Answer:
        refused = tokens.refusal(received, self.now)
        if refused is not None:
            return refused
        return answers(EMPTY if "/pop" in received.target else DELETED)

    @property
    def authorizations(self) -> List[Optional[str]]:
        return [received.headers.get("authorization") for received in self.received]


class Issuer:
    """Gives tokens that are good for a while, and counts how often it is asked."""

    def __init__(self, server: Guarded, seconds: float = 60) -> None:
        self._server = server
        self._seconds = seconds
        self.given: List[str] = []

    async def __call__(self) -> str:
        self.given.append(tokens.token(role="admin", exp=self._server.now + self._seconds, number=len(self.given)))
        return self.given[-1]


def client(server: ScriptedServer, **options: Any) -> Queen:
    return Queen(server.url, **{"retry_delay_millis": 1, "retry_attempts": 0, "dialect": "0.15", **options})
