"""Servers that play what a test tells them to, and a client of three of them."""

from __future__ import annotations

import asyncio
from typing import Any, Awaitable, Callable, List, Tuple, Union

from queen import Message, Queen
from tests.scripted_server import Answer, Received, Scripted, ScriptedServer, answers

Play = Callable[[Received], Union[Answer, Awaitable[Answer]]]
# The affinity key of all that these tests send where a key matters.
KEY = "q:*:__QUEUE_MODE__"
BAD_GATEWAY = Scripted(b"<html>bad gateway</html>", 502)
TRUNCATED = Scripted(b"[", headers={"content-length": "900"}, close=True)


class Server(ScriptedServer):
    """A server that plays what it is told to, and can die and come back at its address."""

    def __init__(self) -> None:
        super().__init__(lambda received: self.play(received))
        self.play: Play = usual

    async def die(self) -> None:
        await self.__aexit__(None, None, None)

    async def revive(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", int(self.url.rpartition(":")[2]))


Servers = Tuple[Server, Server, Server]


def client(servers: Servers, **options: Any) -> Queen:
    """A client of the servers. They are given in another order than the ring's, so that the two cannot be confused."""
    first, second, third = servers
    given = {"retry_delay_millis": 0, "retry_attempts": 0, "dialect": "0.15", **options}
    return Queen([first.url, third.url, second.url], **given)


def counts(servers: Servers) -> List[int]:
    """How many requests each server received."""
    return [len(server.received) for server in servers]


def always(answer: Answer) -> Play:
    return lambda _: answer


def once(answer: Answer) -> Play:
    """This answer, and then the usual ones."""
    left = [answer]
    return lambda received: left.pop() if left else usual(received)


def lost(what: str, answer: Answer) -> Play:
    """This answer to one route, the usual ones to all others."""
    return lambda received: answer if f"/api/v1/{what}" in received.target else usual(received)


def usual(received: Received) -> Answer:
    if received.method == "GET":
        return batch("t")
    body: Any = received.json
    if received.target.endswith("/push"):
        return answers([{"status": "queued", "transaction_id": item["transactionId"]} for item in body["items"]])
    if received.target.endswith("/transaction"):
        return answers({"success": True, "transactionId": "x", "results": []})
    return acked(body["transactionId"])


def batch(name: str) -> Answer:
    message = {
        "id": name, "transactionId": name, "traceId": None, "data": name, "producerSub": None, "leaseId": "l",
        "createdAt": "2026-01-31T10:20:30.123456Z", "partition": "Default", "partitionId": "p", "consumerGroup": None,
    }  # fmt: skip
    head = {"success": True, "queue": "q", "partition": "Default", "partitionId": "p", "leaseId": "l"}
    return answers({**head, "consumerGroup": None, "partitionsClaimed": 1, "messages": [message]})


def acked(name: str, error: Any = None) -> Answer:
    result = {"index": 0, "transactionId": name, "success": error is None, "error": error, "dlq": False}
    return answers([{**result, "queueName": "q", "partitionName": "Default", "leaseReleased": error is None}])


async def push(queen: Queen) -> Any:
    return await queen.queue("q").push([{"data": 1}])


async def pop(queen: Queen) -> Message:
    [message] = await queen.queue("q").pop()
    return message


async def in_time(awaitable: Awaitable[Any]) -> Any:
    """The result, in 20 seconds of the moved time; what does not end must not hang the tests."""
    return await asyncio.wait_for(awaitable, 20)


async def let_all_run() -> None:
    """Let everything happen for which the time has come."""
    for _ in range(50):
        await asyncio.sleep(0)
