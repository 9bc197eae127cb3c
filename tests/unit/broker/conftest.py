"""A broker in memory whose clock stands still, and requests to it."""

from __future__ import annotations

import json
from typing import Any, AsyncIterator, Dict, List, Optional
from urllib.parse import urlencode

import httpx
import pytest

from queen.broker import Broker, ManualClock, open_broker


class Api:
    """Requests to a broker, in process."""

    def __init__(self, broker: Broker) -> None:
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app=broker.app), base_url="http://broker")

    async def request(self, method: str, path: str, body: Any = None, **query: Any) -> httpx.Response:
        target = path + ("?" + urlencode(query) if query else "")
        content = None if body is None else json.dumps(body).encode()
        request = self._client.build_request(method, "http://broker/", content=content)
        request.url = httpx.URL("http://broker").copy_with(raw_path=target.encode())
        return await self._client.send(request)

    async def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        response = await self.request(method, path, body, **query)
        return response.json() if response.content else None

    async def push(self, queue: str, *payloads: Any, partition: str = "Default") -> List[Dict[str, Any]]:
        items = [
            {"queue": queue, "partition": partition, "payload": payload, "transactionId": f"t{payload}"}
            for payload in payloads
        ]
        results: List[Dict[str, Any]] = await self.call("POST", "/api/v1/push", {"items": items})
        return results

    async def pop(self, queue: str, partition: Optional[str] = None, **query: Any) -> Dict[str, Any]:
        path = f"/api/v1/pop/queue/{queue}" + (f"/partition/{partition}" if partition is not None else "")
        answer: Dict[str, Any] = await self.call("GET", path, **{"batch": 10, **query})
        return answer

    async def ack(self, message: Dict[str, Any], status: str = "completed", **more: Any) -> Dict[str, Any]:
        keys = ("transactionId", "partitionId", "leaseId", "consumerGroup")
        body = {**{key: message[key] for key in keys}, "status": status, **more}
        [result] = await self.call("POST", "/api/v1/ack", body)
        answer: Dict[str, Any] = result
        return answer

    async def configure(self, queue: str, **options: Any) -> Dict[str, Any]:
        body = {"queue": queue, "namespace": "", "task": "", "options": options}
        answer: Dict[str, Any] = await self.call("POST", "/api/v1/configure", body)
        return answer


class Api07(Api):
    """Requests to a broker in the dialect 0.7."""

    async def pop07(self, queue: str, partition: Optional[str] = None, **query: Any) -> List[Dict[str, Any]]:
        """The messages of a pop, none for ``null``."""
        answer = await self.pop(queue, partition, **query)
        return list(answer["messages"]) if answer else []

    async def ack07(self, message: Dict[str, Any], status: str = "completed", **more: Any) -> str:
        """What became of an ack, or the refusal."""
        keys = ("transactionId", "partitionId", "leaseId")
        group = {"consumerGroup": message["consumerGroup"]} if message["consumerGroup"] is not None else {}
        body = {**{key: message[key] for key in keys}, **group, "status": status, **more}
        answer = await self.call("POST", "/api/v1/ack", body)
        return str(answer.get("status") or answer["error"])

    async def ack_batch07(self, messages: List[Dict[str, Any]], *statuses: str, **more: Any) -> Any:
        """What became of each ack of a batch."""
        acks = [
            {"transactionId": message["transactionId"], "partitionId": message["partitionId"], "status": status}
            for message, status in zip(messages, statuses)
        ]
        answer = await self.call("POST", "/api/v1/ack/batch", {"acknowledgments": acks, **more})
        return [result.get("error", result["message"]) for result in answer["results"]]

    async def dead_letters07(self, queue: str, **query: Any) -> List[Any]:
        """The payloads of the dead letters of a queue, the latest first."""
        answer = await self.call("GET", "/api/v1/dlq", queue=queue, **query)
        return [letter["data"] for letter in answer["messages"]]


def data(answer: Dict[str, Any]) -> List[Any]:
    """The payloads of a pop."""
    return [message["data"] for message in answer["messages"]]


def payloads(messages: List[Dict[str, Any]]) -> List[Any]:
    """The payloads of messages."""
    return [message["data"] for message in messages]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def broker(clock: ManualClock) -> AsyncIterator[Broker]:
    opened = open_broker("memory://", clock=clock)
    yield opened
    await opened.close()


@pytest.fixture
def api(broker: Broker) -> Api:
    return Api(broker)


@pytest.fixture
async def broker07(clock: ManualClock) -> AsyncIterator[Broker]:
    opened = open_broker("memory://", clock=clock, dialect="0.7")
    yield opened
    await opened.close()


@pytest.fixture
async def api07(broker07: Broker) -> Api07:
    api = Api07(broker07)
    await api.configure("q")
    return api
