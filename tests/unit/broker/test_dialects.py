"""Which routes a dialect has, how it is chosen, and how it words a refusal."""

from __future__ import annotations

import re
from typing import Any, Set

import pytest

from queen.broker import open_broker
from tests.unit.broker.conftest import Api

ONLY_07 = [
    ("GET", "/api/v1/pop"),
    ("POST", "/api/v1/stream/define"),
    ("POST", "/api/v1/stream/poll"),
    ("POST", "/api/v1/stream/ack"),
    ("POST", "/api/v1/stream/renew-lease"),
    ("POST", "/api/v1/stream/seek"),
    ("GET", "/api/v1/resources/streams"),
    ("GET", "/api/v1/resources/streams/stats"),
    ("GET", "/api/v1/resources/streams/s"),
    ("DELETE", "/api/v1/resources/streams/s"),
    ("GET", "/api/v1/resources/streams/s/consumers"),
]
ONLY_015 = [
    ("POST", "/streams/v1/queries"),
    ("POST", "/streams/v1/cycle"),
    ("POST", "/streams/v1/state/get"),
    ("POST", "/api/v1/consumer-groups/g/queues/q/seek"),
    ("POST", "/api/v1/consumer-groups/g/queues/q/partitions/p/seek"),
    ("DELETE", "/api/v1/consumer-groups/g/queues/q"),
    ("POST", "/api/v1/stats/refresh"),
    ("GET", "/metrics/prometheus"),
    ("GET", "/api/v1/system/shared-state"),
    ("GET", "/api/v1/system/maintenance/pop"),
    ("POST", "/api/v1/system/maintenance/pop"),
    ("GET", "/api/v1/analytics/worker-metrics"),
    ("GET", "/api/v1/analytics/queue-lag"),
    ("GET", "/api/v1/analytics/queue-ops"),
    ("GET", "/api/v1/analytics/queue-parked-replicas"),
    ("GET", "/api/v1/analytics/retention"),
    ("GET", "/api/v1/analytics/postgres-stats"),
]
NOWHERE = [
    ("GET", "/api/v1/pop/queue/q/"),
    ("PUT", "/api/v1/push"),
    ("GET", "/streams/v1/queries"),
    ("GET", "/internal/api/shared-state/stats"),
]


async def missing(dialect: str, method: str, path: str) -> bool:
    broker = open_broker("memory://", dialect=dialect)
    response = await Api(broker).request(method, path, {} if method == "POST" else None)
    await broker.close()
    assert (response.status_code == 404) == ("File Not Found" in response.text)
    return response.status_code == 404


@pytest.mark.parametrize(("method", "path"), ONLY_07)
async def test_routes_of_07_are_missing_in_015_alone(method: str, path: str) -> None:
    assert [await missing(dialect, method, path) for dialect in ("embedded", "0.15", "0.7")] == [False, True, False]


@pytest.mark.parametrize(("method", "path"), ONLY_015)
async def test_routes_of_015_are_missing_in_07_alone(method: str, path: str) -> None:
    assert [await missing(dialect, method, path) for dialect in ("embedded", "0.15", "0.7")] == [False, False, True]


@pytest.mark.parametrize(("method", "path"), NOWHERE)
async def test_other_routes_are_missing_everywhere(method: str, path: str) -> None:
    assert [await missing(dialect, method, path) for dialect in ("embedded", "0.15", "0.7")] == [True] * 3


@pytest.mark.parametrize("dialect", ["embedded", "0.15", "0.7"])
async def test_a_dialect_has_the_operations_that_its_server_has(dialect: str) -> None:
    broker = open_broker("memory://", dialect=dialect)
    api = Api(broker)
    lacking: Set[str] = set()
    expected: Set[str] = set()
    for path, item in (await api.call("GET", "/openapi.json"))["paths"].items():
        for method, operation in item.items():
            name = operation["operationId"]
            target = re.sub(r"\{\w+\}", "x", path)
            response = await api.request(method.upper(), target, {} if method == "post" else None)
            if response.status_code == 404:
                lacking.add(name)
            # The embedded dialect has what either server has.
            if dialect == "0.7" and operation["x-queen-since"] == "0.15":
                expected.add(name)
            if dialect == "0.15" and operation.get("x-queen-until") == "0.7":
                expected.add(name)
    await broker.close()
    assert lacking == expected


@pytest.mark.parametrize(
    ("dialect", "server"),
    [
        ("embedded", "Queen embedded broker (libqueen)"),
        ("0.15", "C++ Queen Server (libqueen)"),
        ("0.7", "C++ Queen Server (Acceptor/Worker)"),
    ],
)
async def test_health_tells_the_generation(dialect: str, server: str) -> None:
    broker = open_broker("memory://", dialect=dialect)
    assert broker.dialect == dialect
    assert (await Api(broker).call("GET", "/health"))["server"] == server
    await broker.close()


async def test_a_broker_that_is_open_keeps_its_dialect() -> None:
    first = open_broker("memory://spoken", dialect="0.7")
    again = open_broker("memory://spoken")
    assert again is first
    with pytest.raises(ValueError, match=r"open already, in the dialect 0\.7 and not embedded"):
        open_broker("memory://spoken", dialect="embedded")
    await first.close()
    await again.close()
    fresh = open_broker("memory://spoken")
    assert fresh.dialect == "embedded"
    await fresh.close()


def test_an_unknown_dialect_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'0\.8' is unknown; accepted are embedded, 0\.15, 0\.7"):
        open_broker("memory://", dialect="0.8")


@pytest.mark.parametrize(("dialect", "status"), [("embedded", 400), ("0.15", 400), ("0.7", 200)])
@pytest.mark.parametrize("path", ["/api/v1/push", "/api/v1/ack", "/api/v1/ack/batch", "/api/v1/transaction"])
async def test_a_body_that_is_refused_is_told_with_the_dialects_status(dialect: str, status: int, path: str) -> None:
    broker = open_broker("memory://", dialect=dialect)
    for body in ({}, [], 5):
        response = await Api(broker).request("POST", path, body)
        assert (response.status_code, list(response.json())) == (status, ["error"])
    response = await Api(broker).request("POST", path)
    assert (response.status_code, response.json()) == (status, {"error": "Empty request body"})
    await broker.close()


@pytest.mark.parametrize(("dialect", "popped"), [("embedded", [1, 2]), ("0.15", [])])
async def test_only_the_exact_dialect_lets_an_ack_skip_a_failure_in_its_batch(dialect: str, popped: Any) -> None:
    broker = open_broker("memory://", dialect=dialect)
    api = Api(broker)
    await api.push("q", 0, 1, 2)
    messages = (await api.pop("q"))["messages"]
    acks = [
        {**{key: message[key] for key in ("transactionId", "partitionId", "leaseId")}, "status": status}
        for message, status in zip(messages, ("completed", "failed", "completed"))
    ]
    await api.call("POST", "/api/v1/ack/batch", {"acknowledgments": acks})
    assert [message["data"] for message in (await api.pop("q"))["messages"]] == popped
    await broker.close()
