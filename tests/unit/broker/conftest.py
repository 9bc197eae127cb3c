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


def data(answer: Dict[str, Any]) -> List[Any]:
    """The payloads of a pop."""
    return [message["data"] for message in answer["messages"]]


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
