"""Every recorded answer of both servers satisfies the schema of its operation."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Tuple

import pytest

pytest.importorskip("jsonschema", reason="the spec is checked where the generator runs")

from tests.contract.replay.scenario import Scenario, scenarios
from tests.contract.spec import Operation, invalid, operations

OPERATIONS = operations()
SAMPLES: Dict[str, Any] = {
    "uuid": "5f0c2a1b-3d4e-4f50-8a6b-7c8d9e0f1a2b", "timestamp": "2026-01-31T10:20:30.1Z", "string": "text",
    "timestamp-s": "2026-01-31T10:20:30Z", "timestamp-ms": "2026-01-31T10:20:30.123Z",
    "timestamp-us": "2026-01-31T10:20:30.123456Z", "timestamp-tz": "2026-01-31T10:20:30.1+00:00",
    "timestamp-pg": "2026-01-31 10:20:30.1+00", "int": 1, "number": 1.5, "bool": True, "array": [], "object": {},
    "any": "anything",
}  # fmt: skip

Recorded = Tuple[Operation, int, Any]


def sample(pattern: Any) -> Any:
    """A value that matches a pattern of a recording."""
    if isinstance(pattern, str):
        token = pattern[1:-1].rstrip("?") if pattern.startswith("<") and pattern.endswith(">") else ""
        return SAMPLES.get(token, pattern)
    if isinstance(pattern, list):
        return [sample(item) for item in pattern]
    if not isinstance(pattern, dict):
        return pattern
    for key in ("<contains>", "<unordered>"):
        if key in pattern:
            return sample(pattern[key])
    if "<each>" in pattern:
        return [sample(pattern["<each>"])] * min(pattern["<length>"], 2)
    if "<at-least>" in pattern:
        return None
    return {key: sample(value) for key, value in pattern.items()}


def recorded(scenario: Scenario) -> List[Recorded]:
    """The answers of a recording that belong to operations of the spec and are JSON."""
    waiting: Dict[str, Mapping[str, Any]] = {}
    found: List[Recorded] = []
    for step in scenario.steps:
        request = step.get("request")
        if "background" in step:
            waiting[step["background"]] = step["request"]
            continue
        if "await" in step:
            request = waiting.pop(step["await"])
        operation = _operation(request)
        response = step.get("response", {})
        # Answers of which only a part was recorded cannot be checked as a whole.
        if operation is not None and "json" in response and "<at-least>" not in str(response["json"]):
            found.append((operation, response["status"], sample(response["json"])))
    return found


def _operation(request: Optional[Mapping[str, Any]]) -> Optional[Operation]:
    # "lagging" is a route of its own, which the spec leaves out, and no group.
    if request is None or request["path"].startswith("/api/v1/consumer-groups/lagging"):
        return None
    return next((entry for entry in OPERATIONS if entry.matches(request["method"], request["path"])), None)


@pytest.mark.parametrize("scenario", scenarios(), ids=[scenario.name for scenario in scenarios()])
def test_recorded_answers_satisfy_the_spec(scenario: Scenario) -> None:
    for operation, status, body in recorded(scenario):
        response = operation.responses.get(str(status))
        assert response is not None, f"{operation.id}: status {status} is not in the spec"
        schema = response["content"]["application/json"]["schema"]
        assert invalid(schema, body) is None, f"{operation.id} {status}: {invalid(schema, body)}"


def test_the_recordings_show_nearly_every_operation() -> None:
    shown = {operation.id for scenario in scenarios() for operation, _, _ in recorded(scenario)}
    assert {operation.id for operation in OPERATIONS} - shown == set()
