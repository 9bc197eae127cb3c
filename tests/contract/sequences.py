"""Sequences of generated requests along the links of the spec: a pop follows a push, an ack follows a pop."""

from __future__ import annotations

import contextlib
import json
from typing import Any, Counter, Dict, Tuple, Type, cast

import schemathesis
from hypothesis import assume, seed, settings
from hypothesis.errors import FlakyStrategyDefinition
from schemathesis.generation.stateful.state_machine import APIStateMachine, StepInput, StepOutput

from tests.contract.target import Target, counted_identifiers, operation_id

# How often a link led somewhere: from which operation, to which one.
Followed = Counter[Tuple[str, str]]

_AT_ONCE = 10


def follow(target: Target, limits: settings, *operations: str) -> Followed:
    """Send sequences of requests, and fail unless each answer is as the spec says.

    Args:
        target: the server.
        limits: how many sequences, and how long each may be.
        operations: those that take part. Few that belong together meet more often.
    """
    followed: Followed = Counter()
    machine = _machine(target, followed, operations)
    if not target.live:
        machine.run(settings=limits)
        return followed
    for number in range(limits.max_examples // _AT_ONCE):
        # A live server makes its own ids, and chooses among partitions by them: what comes next may be another thing
        # than what came the last time, which ends Hypothesis' run of this seed.
        with contextlib.suppress(FlakyStrategyDefinition):
            seed(number)(machine).run(settings=settings(limits, max_examples=_AT_ONCE))
    return followed


def _machine(target: Target, followed: Followed, operations: Tuple[str, ...]) -> Type[APIStateMachine]:
    machine = target.schema.include(operation_id=list(operations)).as_state_machine()

    class Sequence(machine):  # type: ignore[valid-type,misc]  # a class made at run time
        def setup(self) -> None:
            self._identifiers = counted_identifiers()
            self._identifiers.start()
            self._sources: Dict[str, str] = {}
            target.start_over()
            target.make_queues()

        def teardown(self) -> None:
            target.end()
            self._identifiers.stop()

        def before_call(self, case: schemathesis.Case[Any]) -> None:
            target.prepare(case, rename=True)
            assume(target.may_be_sent(case))

        def validate_response(
            self, response: schemathesis.Response, case: schemathesis.Case[Any], **_more: object
        ) -> None:
            target.examine(case, response, "in sequences")

        def step(self, input: StepInput) -> StepOutput:  # noqa: A002  (the name that schemathesis gives it)
            output = cast(StepOutput, super().step(input))
            name = operation_id(input.case)
            self._sources[input.case.id] = name
            if input.transition is not None and input.is_applied and _led_somewhere(output.response):
                followed[self._sources[input.transition.parent_id], name] += 1
            return output

    return Sequence


def _led_somewhere(response: schemathesis.Response) -> bool:
    answer = json.loads(response.text or "null") if response.status_code < 300 else None
    first = answer[0] if isinstance(answer, list) and answer else answer
    if not isinstance(first, dict) or first.get("error") or first.get("success") is False:
        return False
    return bool(first.get("messages", True))
