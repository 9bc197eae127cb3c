"""Servers that answer pushes, and what they were sent."""

from __future__ import annotations

import asyncio
from typing import Any, Awaitable, Callable, Dict, List

from queen import Queen
from tests.scripted_server import Answer, Received, Scripted, ScriptedServer, answers


def queued(received: Received) -> Scripted:
    """The answer of a server that stores everything."""
    return answers([{"status": "queued", "transaction_id": item["transactionId"]} for item in items_of(received)])


def queued_after(release: asyncio.Event) -> Callable[[Received], Awaitable[Scripted]]:
    """A server that stores everything, and does not answer before an event."""

    async def answer(received: Received) -> Scripted:
        await release.wait()
        return queued(received)

    return answer


def refusing(words: str, *, payload: Any) -> Any:
    """A server that refuses one payload, as 0.7 refuses what does not fit into a queue."""

    def answer(received: Received) -> Answer:
        return answers(
            [
                {"status": "failed", "error": words, "transaction_id": item["transactionId"]}
                if item["payload"] == payload
                else {"status": "queued", "transaction_id": item["transactionId"]}
                for item in items_of(received)
            ]
        )

    return answer


def items_of(received: Received) -> List[Dict[str, Any]]:
    body: Any = received.json
    return list(body["items"])


def payloads(server: ScriptedServer) -> List[List[Any]]:
    """What each push that the server received carried."""
    return [[item["payload"] for item in items_of(received)] for received in server.received]


async def stored(queen: Queen, queue: str, count: int = 1000) -> List[Any]:
    return [message.data for message in await queen.queue(queue).partition("Default").batch(count).pop()]
