"""Every recorded answer of both servers satisfies the spec, and so does every recorded request that succeeded."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Mapping, Optional

import attrs
import pytest

pytest.importorskip("jsonschema", reason="the spec is checked where the generator runs")

from tests.contract.replay.matching import difference
from tests.contract.replay.scenario import Scenario, filled, scenarios
from tests.contract.spec import Operation, invalid, operations

OPERATIONS = operations()


class UnkeptFields(Dict[str, Any]):
    """Stands for an object whose fields a recording did not keep."""


class UnkeptText(str):
    """Stands for a text that a recording did not keep."""


class Unkept(Dict[str, Any]):
    """Stands for a value of which a recording kept nothing."""


SAMPLES: Dict[str, Any] = {
    "uuid": "5f0c2a1b-3d4e-4f50-8a6b-7c8d9e0f1a2b", "timestamp": "2026-01-31T10:20:30.1Z",
    "string": UnkeptText("text"),
    "timestamp-s": "2026-01-31T10:20:30Z", "timestamp-ms": "2026-01-31T10:20:30.123Z",
    "timestamp-us": "2026-01-31T10:20:30.123456Z", "timestamp-tz": "2026-01-31T10:20:30.1+00:00",
    "timestamp-pg": "2026-01-31 10:20:30.1+00", "int": 1, "number": 1.5, "bool": True, "array": [],
    "object": UnkeptFields(), "any": Unkept(), "text": "text",
}  # fmt: skip
TOKEN = re.compile("<(" + "|".join(sorted(SAMPLES, key=len, reverse=True)) + r")(\??)>")

# Between servers, and for moving the database: the spec leaves them out.
LEFT_OUT = ("/internal/", "/api/v1/migration/")

# What the servers take although the spec, which says what to send, does not offer it: by scenario and step.
TOLERATED: Dict[str, Dict[int, str]] = {
    "ack-validation": {23: "fields of a wrong type count as absent", 24: "fields that are null count as absent"},
    "configure": {5: "a namespace or task that is no string counts as absent"},
    "lease-extend": {8: "a fraction is cut"},
    "limits-long-names": {2: "a name that is too long is taken, and the message never stored"},
    "streams-register": {
        5: "a sink queue or a reset that is null counts as absent",
        6: "a sink queue of any type is taken, and text that reads as a boolean",
    },
    "streams-state-get": {9: "keys that are no list are none", 13: "a limit that is no number is none"},
    "traces": {
        5: "names that are null are none",
        6: "names that are no list are none",
        7: "numbers become text",
    },
    "transaction-push-forms": {
        5: "a transaction id that is null counts as absent",
        6: "a number becomes text",
    },
}


def unkept(error: Any) -> bool:
    """Whether a sample fails only for what the recording did not keep."""
    if isinstance(error.instance, Unkept):
        return True
    if isinstance(error.instance, UnkeptFields):
        return bool(error.validator == "required")
    if isinstance(error.instance, UnkeptText):
        return bool(error.validator == "enum")
    if error.validator != "anyOf":
        return False
    branches: Dict[object, List[Any]] = {}
    for inner in error.context:
        branches.setdefault(inner.schema_path[0], []).append(inner)
    return any(all(unkept(inner) for inner in branch) for branch in branches.values())


@attrs.frozen
class Exchange:
    """A recorded request whose route is in the spec, and the answer to it."""

    step: int
    operation: Operation
    request: Mapping[str, Any]
    response: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"step {self.step} {self.operation.id} {self.response['status']}"

    @property
    def succeeded(self) -> bool:
        """Whether the status and the body, which decides on these servers, say so."""
        body = self.response.get("json")
        parts = body if isinstance(body, list) else [body]
        answers = [part for part in parts if isinstance(part, dict)]
        refused = any(answer.get("error") or answer.get("success") is False for answer in answers)
        return bool(self.response["status"] < 300 and not refused)

    @property
    def body(self) -> Any:
        """The body that was sent; None for none."""
        if "raw" in self.request:
            return json.loads(self.request["raw"].lstrip("\ufeff"))
        return filled(self.request.get("json"), _Captured({"@run": "12345678"}))


class _Captured(Dict[str, Any]):
    """Stands for whatever earlier steps captured, which are identifiers."""

    def __missing__(self, name: str) -> str:
        return str(SAMPLES["uuid"])


def sample(pattern: Any, *, null: bool = False) -> Any:
    """A value that matches a pattern of a recording; with nulls wherever they are allowed if asked for."""
    if isinstance(pattern, str):
        whole = TOKEN.fullmatch(pattern)
        if whole:
            return None if null and whole.group(2) else SAMPLES[whole.group(1)]
        return TOKEN.sub(lambda found: str(SAMPLES[found.group(1)]), pattern)
    if isinstance(pattern, list):
        return [sample(item, null=null) for item in pattern]
    if not isinstance(pattern, dict):
        return pattern
    for key in ("<contains>", "<unordered>", "<at-least>"):
        if key in pattern:
            return sample(pattern[key], null=null)
    if "<each>" in pattern:
        return [sample(pattern["<each>"], null=null)] * pattern["<length>"]
    return {key: sample(value, null=null) for key, value in pattern.items()}


def exchanges(scenario: Scenario) -> List[Exchange]:
    """The answered requests of a recording that belong to operations of the spec."""
    waiting: Dict[str, Mapping[str, Any]] = {}
    found: List[Exchange] = []
    for number, step in enumerate(scenario.steps, 1):
        if "background" in step:
            waiting[step["background"]] = step["request"]
            continue
        request = waiting.pop(step["await"]) if "await" in step else step.get("request")
        operation = _operation(request)
        if request is not None and operation is not None and "status" in step["response"]:
            found.append(Exchange(number, operation, request, step["response"]))
    return found


def _operation(request: Optional[Mapping[str, Any]]) -> Optional[Operation]:
    if request is None:
        return None
    return next((entry for entry in OPERATIONS if entry.matches(request["method"], request["path"])), None)


EXCHANGES = {scenario.name: exchanges(scenario) for scenario in scenarios()}
EACH = pytest.mark.parametrize("scenario", [name for name, found in EXCHANGES.items() if found])


def problem_of_answer(exchange: Exchange) -> Optional[str]:
    """What the spec does not say of an answer; None when it says it all."""
    answer = exchange.operation.responses.get(str(exchange.response["status"]))
    if answer is None:
        return "the status is not in the spec"
    content = answer.get("content", {})
    if "json" in exchange.response:
        if "application/json" not in content:
            return "JSON is not in the spec"
        pattern, schema = exchange.response["json"], content["application/json"]["schema"]
        return invalid(schema, sample(pattern), unkept) or invalid(schema, sample(pattern, null=True), unkept)
    if exchange.response["text"]:
        texts = [media["schema"] for name, media in content.items() if name.startswith("text/")]
        known = any(invalid(schema, sample(exchange.response["text"])) is None for schema in texts)
        return None if known else "text is not in the spec"
    if exchange.response["status"] == 204:
        return "a 204 has no body" if content else None
    raw = exchange.operation.raw
    return None if "x-queen-empty" in raw or raw.get("x-queen-long-poll") else "no body is not in the spec"


def problem_of_request(exchange: Exchange) -> Optional[str]:
    """Why a body that a server took is none of the spec; None when it is one, or none was asked for."""
    if not exchange.succeeded or "requestBody" not in exchange.operation.raw:
        return None
    return invalid(exchange.operation.raw["requestBody"]["content"]["application/json"]["schema"], exchange.body)


@EACH
def test_recorded_answers_satisfy_the_spec(scenario: str) -> None:
    found = {exchange.name: problem_of_answer(exchange) for exchange in EXCHANGES[scenario]}
    assert {name: problem for name, problem in found.items() if problem} == {}


@EACH
def test_recorded_requests_that_succeeded_satisfy_the_spec(scenario: str) -> None:
    found = {exchange.step: problem_of_request(exchange) for exchange in EXCHANGES[scenario]}
    problems = {step: problem for step, problem in found.items() if problem}
    assert set(problems) == set(TOLERATED.get(scenario, {})), problems


def test_what_is_tolerated_was_recorded() -> None:
    assert {name for name in TOLERATED if not EXCHANGES.get(name)} == set()


@EACH
@pytest.mark.parametrize("null", [False, True], ids=["values", "nulls"])
def test_the_samples_match_the_patterns_that_they_stand_for(scenario: str, null: bool) -> None:
    patterns = [exchange.response["json"] for exchange in EXCHANGES[scenario] if "json" in exchange.response]
    assert [difference(pattern, sample(pattern, null=null)) for pattern in patterns] == [None] * len(patterns)


def test_every_route_that_a_server_had_is_in_the_spec_or_left_out_on_purpose() -> None:
    unknown = {
        f"{scenario.name}: {request['method']} {request['path']}"
        for scenario in scenarios()
        for step in scenario.steps
        for request in [step.get("request") or {}]
        if request and step.get("response", {}).get("status") != 404 and request["method"] != "OPTIONS"
        if _operation(request) is None and not request["path"].startswith(LEFT_OUT)
    }
    assert unknown == set()


def test_what_is_left_out_is_not_in_the_spec() -> None:
    assert [operation.path for operation in OPERATIONS if operation.path.startswith(LEFT_OUT)] == []


def test_every_operation_is_shown_by_a_recorded_answer_with_a_body() -> None:
    shown = {
        exchange.operation.id
        for found in EXCHANGES.values()
        for exchange in found
        if exchange.response["status"] == 200 and ("json" in exchange.response or exchange.response["text"])
    }
    # Of a queue that nobody pops there is no lag, and there is no recording of another one.
    assert {operation.id for operation in OPERATIONS} - shown == {"list_queue_lag"}
