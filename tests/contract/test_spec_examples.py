"""The example of each component schema is one that a real server was sent, or sent."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

import pytest

pytest.importorskip("jsonschema", reason="the spec is checked where the generator runs")

from tests.contract.replay.matching import difference
from tests.contract.replay.scenario import filled
from tests.contract.spec import DOCUMENT, resolved
from tests.contract.test_recordings_against_spec import EXCHANGES, Exchange

SCHEMAS: Mapping[str, Dict[str, Any]] = DOCUMENT["components"]["schemas"]
EACH = pytest.mark.parametrize("name", SCHEMAS)

# What the recordings do not show, by schema; their examples are from what is known of the servers otherwise.
UNRECORDED: Mapping[str, str] = {
    **dict.fromkeys(
        ("BufferStats", "FailedFiles", "MessageAge", "QueueConfigCache", "WorkerLoad", "WorkerSummary"),
        "the recordings keep no more than that there is an object, or a list",
    ),
    **dict.fromkeys(
        ("BufferConfig", "CacheReads", "CacheSummary", "DatabaseCache", "PostgresStats", "TableSize"),
        "nothing is kept of the statistics of a database",
    ),
    **dict.fromkeys(
        ("NamespaceRefresh", "PartitionRefresh", "QueueRefresh", "StatsCleanup", "SystemRefresh", "TaskRefresh"),
        "nothing is kept of a refresh, whose numbers depend on all that the server did before",
    ),
    "StatsRefreshSkipped": "answered only while another server refreshes",
    **dict.fromkeys(
        ("CpuReadings", "DatabaseReadings", "MemoryReadings", "Reading", "ReplicaMetrics", "SystemReadings",
         "RegistryReadings", "SystemSample", "ThreadPool", "ThreadPools"),
        "the time range that was asked for has no samples",
    ),
    **dict.fromkeys(
        ("ErrorCount", "ParkedPoint", "QueueLag", "QueueLagList", "QueueOperationsPoint", "QueueTraffic", "Replica",
         "ThroughputPoint", "WorkerPoint"),
        "the recorded lists of these are empty",
    ),
    **dict.fromkeys(
        ("ErrorRate", "QueueDepth", "TrafficDeadLetters", "TrafficDepths", "TrafficErrors", "TrafficLatency",
         "TrafficReport", "TrafficThroughput", "TrafficTotals"),
        "the analytics of server 0.7 were not recorded",
    ),
}  # fmt: skip


class _Captured(Dict[str, Any]):
    """Stands for whatever earlier steps captured: any text."""

    def __missing__(self, name: str) -> str:
        return "<string>"


def parts(schema: Dict[str, Any], pattern: Any) -> Iterator[Tuple[str, Any]]:
    """The component schemas of a recorded value, each with the pattern of the part that it describes."""
    if "$ref" in schema:
        yield schema["$ref"].rpartition("/")[2], pattern
    schema = resolved(schema)
    for alternative in schema.get("anyOf", []):
        yield from parts(alternative, pattern)
    if "items" in schema:
        for item in _items(pattern):
            yield from parts(schema["items"], item)
    elif isinstance(pattern, dict):
        others = schema.get("additionalProperties")
        for key, value in pattern.items():
            of_key = schema.get("properties", {}).get(key, others)
            if isinstance(of_key, dict):
                yield from parts(of_key, value)


def _items(pattern: Any) -> List[Any]:
    if isinstance(pattern, dict):
        lists = [pattern[key] for key in ("<contains>", "<unordered>") if key in pattern]
        return lists[0] if lists else [pattern["<each>"]] if "<each>" in pattern else []
    return pattern if isinstance(pattern, list) else []


def bodies(exchange: Exchange) -> Iterator[Tuple[Dict[str, Any], Any]]:
    """The schema and the pattern of the answer, and of the request where the server accepted it."""
    answer = exchange.operation.responses.get(str(exchange.response["status"]), {}).get("content", {})
    if "json" in exchange.response and "application/json" in answer:
        yield answer["application/json"]["schema"], exchange.response["json"]
    if exchange.succeeded and "json" in exchange.request and "requestBody" in exchange.operation.raw:
        yield exchange.operation.raw["requestBody"]["content"]["application/json"]["schema"], exchange.request["json"]


def recordings() -> Dict[str, List[Any]]:
    """The patterns of what was recorded of each component schema."""
    found: Dict[str, List[Any]] = {name: [] for name in SCHEMAS}
    for exchange in (exchange for exchanges in EXCHANGES.values() for exchange in exchanges):
        for schema, pattern in bodies(exchange):
            for name, part in parts(schema, filled(pattern, _Captured({"@run": "12345678"}))):
                # Where a recording kept nothing but the kind of a value, it shows no example of it.
                if not (isinstance(part, str) and part.startswith("<")):
                    found[name].append(part)
    return found


RECORDED = recordings()


def why_unrecorded(name: str, value: Any) -> Optional[str]:
    """How a value differs from all that was recorded of a component schema; None when it was recorded."""
    differences = [difference(pattern, value) for pattern in RECORDED[name]]
    return None if None in differences else f"none of {len(differences)} recordings, the last as {differences[-1:]}"


@EACH
def test_an_example_was_recorded(name: str) -> None:
    problem = why_unrecorded(name, SCHEMAS[name]["example"])
    if name in UNRECORDED:
        assert problem is not None, "was recorded: take it off the list"
    else:
        assert problem is None


def test_the_list_names_schemas() -> None:
    assert set(UNRECORDED) <= set(SCHEMAS)


@EACH
def test_another_example_was_not(name: str) -> None:
    example = SCHEMAS[name]["example"]
    made_up = {**example, "made up": 1} if isinstance(example, dict) else "made up"
    assert why_unrecorded(name, [made_up] if isinstance(example, list) else made_up) is not None
