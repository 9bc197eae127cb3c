"""What the broker measures of itself."""

from __future__ import annotations

import re
from typing import Dict

import pytest

from queen.broker import ManualClock, open_broker
from tests.unit.broker.conftest import Api


async def samples(api: Api) -> Dict[str, int]:
    """The values of the Prometheus text, by name and labels."""
    lines = (await api.request("GET", "/metrics/prometheus")).text.splitlines()
    return {name: int(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


async def test_prometheus_gets_families_one_after_the_other(api: Api) -> None:
    response = await api.request("GET", "/metrics/prometheus")
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"
    assert "access-control-allow-origin" not in response.headers
    family = re.compile(r"# HELP (\w+) .+\n# TYPE \1 (?:gauge|counter)\n(?:\1(?:\{.+\})? \d+\n)+")
    assert family.sub("", response.text) == ""
    assert "# TYPE queen_cpu_user_microseconds_total counter\n" in response.text
    # A family without samples is left out.
    assert "queen_dlq_depth_by_queue" not in response.text


async def test_prometheus_gets_what_the_broker_knows(api: Api, clock: ManualClock) -> None:
    clock.advance(61.5)
    await api.push("a", 0, 1)
    await api.push('b"\\\n', 0)
    for queue, path in (("a", "a"), ("a", "a"), ('b"\\\n', None)):
        popped = await api.pop(path, batch=1) if path else await api.call("GET", "/api/v1/pop", namespace=queue)
        assert (await api.ack(popped["messages"][0], "dlq"))["dlq"]
    await api.call("POST", "/api/v1/system/maintenance", {"enabled": True})
    await api.push("a", 2)
    found = await samples(api)
    assert (found["queen_uptime_seconds"], found["queen_db_pool_size"]) == (61, 1)
    assert (found["queen_maintenance_mode_enabled"], found["queen_file_buffer_pending"]) == (1, 1)
    assert found['queen_dlq_depth{scope="cluster"}'] == 3
    assert found['queen_dlq_depth_by_queue{queue="a"}'] == 2
    assert found['queen_dlq_depth_by_queue{queue="b\\"\\\\\\n"}'] == 1


async def test_cpu_time_only_grows(api: Api) -> None:
    names = ("queen_cpu_user_microseconds_total", "queen_cpu_system_microseconds_total")
    before = await samples(api)
    # More than the smallest step in which the system counts.
    sum(number * number for number in range(1_000_000))
    after = await samples(api)
    assert sum(after[name] for name in names) > sum(before[name] for name in names) > 0


@pytest.mark.parametrize("dialect", ["embedded", "0.15", "0.7"])
async def test_metrics_and_buffers_are_there_in_every_dialect(dialect: str) -> None:
    broker = open_broker("memory://", dialect=dialect)
    api = Api(broker)
    metrics = await api.call("GET", "/metrics")
    assert set(metrics) == {"uptime", "requests", "messages", "database", "memory", "cpu"}
    assert metrics["database"] == {"poolSize": 1, "idleConnections": 1, "waitingRequests": 0}
    buffers = await api.call("GET", "/api/v1/status/buffers")
    assert buffers == {"pending": 0, "failed": 0, "dbHealthy": True, "worker": 0}
    await broker.close()
