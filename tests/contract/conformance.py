"""What must hold of an answer to a generated request: the checks of schemathesis, and those that these servers need."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, Optional, Set, Tuple
from urllib.parse import urlsplit

import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    ensure_resource_availability,
    negative_data_rejection,
    response_schema_conformance,
    unsupported_method,
    use_after_free,
)

from tests.contract.spec import Operation, operations, violated

_OPERATIONS = operations()

# Checks of schemathesis that do not hold of these servers, and why.
EXCLUDED: Dict[Callable[..., Any], str] = {
    unsupported_method: "a path answers 404, not 405, to a method that it lacks; that is checked here",
    negative_data_rejection: "a refusal has status 200 mostly, and the servers take much that is wrong; checked here",
    use_after_free: "a lookup of what was deleted has status 200 and an `error`, or is empty",
    ensure_resource_availability: "a listing may name what no path can address",
}

# What the spec, which says what to send, forbids in bodies, and the servers take: by keyword of its schemas, with what
# they make of it. What lacks a field is refused by all of them.
TAKEN: Dict[str, Tuple[Set[str], str]] = {
    "ack": ({"type"}, "a null counts as absent"),
    "ack_batch": ({"type"}, "a null counts as absent"),
    "commit": ({"type", "anyOf"}, "a null in an item or ack counts as absent, a boolean as a number"),
    "configure": ({"type"}, "an option that is null counts as absent, a boolean as a number"),
    "define_stream": ({"minimum", "type"}, "a boolean counts as a number, and a lease of no length is over at once"),
    "get_query_state": ({"type"}, "a filter of another type counts as absent"),
    "push": ({"maxLength"}, "what is too long to be stored is answered `buffered`"),
    "record_trace": ({"type", "anyOf"}, "names that are no list are none"),
    "register_query": ({"type"}, "a null counts as absent"),
    "seek_group": ({"additionalProperties", "minLength"}, "unknown keys are ignored, and a time beside `toEnd`"),
}


def check(operation: Operation, dialect: str, case: schemathesis.Case[Any], response: schemathesis.Response) -> None:
    """Fail unless an answer is as the spec says.

    Args:
        operation: what was called.
        dialect: what the server speaks.
        case: the request.
        response: the answer to it.
    """
    # A 500 is in the spec, as a refusal of one request; a defect of the embedded broker is not.
    assert not response.text.startswith('{"error":"internal error: '), response.text
    found = _called(case.method.upper(), response)
    if found is None or not found.is_in(dialect):
        # Without a content type, which no spec can say.
        assert response.status_code == 404 or case.method.upper() == "OPTIONS", response.status_code
        return
    if found != operation:
        return
    excluded = list(EXCLUDED)
    if case.meta is not None and case.meta.generation.mode.is_negative:
        excluded.append(not_a_server_error)
        violations = _violations(operation, case)
        taken, _ = TAKEN.get(operation.id, (set(), ""))
        assert violations <= taken or _refuses(response), f"{case.body!r} breaks {violations}: {response.text[:200]}"
    if not response.content:
        assert _may_be_empty(operation, response.status_code), "no body"
        excluded.append(response_schema_conformance)
    case.validate_response(response, excluded_checks=excluded)


def _called(method: str, response: schemathesis.Response) -> Optional[Operation]:
    path = urlsplit(str(response.request.url)).path
    return next((operation for operation in _OPERATIONS if operation.matches(method, path)), None)


def _violations(operation: Operation, case: schemathesis.Case[Any]) -> Set[str]:
    body = operation.raw.get("requestBody")
    if body is None:
        return set()
    if not isinstance(case.body, (dict, list, str, int, float, bool, type(None))):
        return {"required"}
    return violated(body["content"]["application/json"]["schema"], case.body)


def _refuses(response: schemathesis.Response) -> bool:
    if response.status_code >= 400:
        return True
    answer = json.loads(response.text or "null")
    parts = answer if isinstance(answer, list) else [answer]
    return any(
        isinstance(part, dict) and (part.get("error") or part.get("success") is False or part.get("failed"))
        for part in parts
    )


def _may_be_empty(operation: Operation, status: int) -> bool:
    return status == 204 or "x-queen-empty" in operation.raw or operation.raw.get("x-queen-long-poll", False)
