"""Each operation asks for the role that the servers ask for."""

from __future__ import annotations

import base64
import json
from typing import Any, Dict, Iterator, Mapping, Tuple

import pytest

pytest.importorskip("jsonschema", reason="the spec is checked where the generator runs")

from tests.contract.replay.scenario import Scenario, scenarios
from tests.contract.spec import DOCUMENT, Operation, operations

ALL = operations()
EACH = pytest.mark.parametrize("operation", ALL, ids=[operation.id for operation in ALL])
# Each may do what those before it may.
LEVELS = ("public", "read-only", "read-write", "admin")

PUBLIC = {"health", "get_metrics", "get_prometheus_metrics"}
ADMIN = {
    "delete_group",
    "delete_group_for_queue",
    "delete_queue",
    "get_maintenance",
    "get_pop_maintenance",
    "get_shared_state",
    "refresh_stats",
    "set_maintenance",
    "set_pop_maintenance",
}
# The only one that reads although it is a POST.
READING_POSTS = {"get_query_state"}


def access(operation: Operation) -> str:
    """What an operation's security asks for."""
    security = operation.raw["security"]
    return str(security[1]["bearer"][0]) if security else "public"


def expected(operation: Operation) -> str:
    """What the servers ask for: nothing where only server 0.7 has the route, which knows no tokens."""
    if operation.id in PUBLIC or operation.raw.get("x-queen-until") == "0.7":
        return "public"
    if operation.id in ADMIN:
        return "admin"
    reads = operation.method == "GET" and not operation.path.startswith("/api/v1/pop")
    return "read-only" if reads or operation.id in READING_POSTS else "read-write"


def test_no_operation_inherits_its_security() -> None:
    assert "security" not in DOCUMENT


@EACH
def test_an_operation_asks_for_the_servers_role(operation: Operation) -> None:
    level = access(operation)
    assert level == expected(operation)
    # Authentication is off by default, which the empty requirement beside the role says.
    assert operation.raw["security"] == ([] if level == "public" else [{}, {"bearer": [level]}])


@EACH
def test_an_operation_that_asks_for_a_role_tells_how_it_refuses(operation: Operation) -> None:
    assert {"401", "403"} & set(operation.responses) == (set() if access(operation) == "public" else {"401", "403"})


def recorded(scenario: Scenario) -> Iterator[Tuple[int, Operation, Mapping[str, Any]]]:
    """The requests with an authorization header that belong to operations of the spec, with their steps."""
    for number, step in enumerate(scenario.steps, 1):
        request: Dict[str, Any] = step.get("request") or {}
        if "authorization" not in request.get("headers", {}):
            continue
        for operation in ALL:
            if operation.matches(request["method"], request["path"]):
                yield number, operation, step
                break


def role(step: Mapping[str, Any]) -> str:
    """The role that the token of a request claims; ``public`` for none."""
    claims = step["request"]["headers"]["authorization"].split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))).get("role", "public"))


def test_recorded_tokens_were_refused_where_their_role_is_too_low() -> None:
    [scenario] = [scenario for scenario in scenarios() if scenario.name == "auth-levels"]
    steps = list(recorded(scenario))
    assert len(steps) > 40
    found = {number: step["response"]["status"] == 403 for number, _, step in steps}
    below = {number: LEVELS.index(role(step)) < LEVELS.index(access(operation)) for number, operation, step in steps}
    assert found == below
