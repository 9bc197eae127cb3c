"""Every operation of the spec, called with generated data, valid and not, and in sequences along the spec's links.

``make test`` calls each dialect of the embedded broker, the same way each time. ``make contract`` sends more, and
``make contract QUEEN_URL=http://...`` sends it to a live server.
"""

from __future__ import annotations

import os
from typing import Any, Callable, Dict

import pytest

pytest.importorskip("schemathesis", reason="the contract is checked where the generator runs")

import schemathesis
from hypothesis import HealthCheck, Phase, settings

from tests.conftest import DIALECTS, dialect_of
from tests.contract.sequences import follow
from tests.contract.target import Target

EXAMPLES = int(os.environ.get("QUEEN_CONTRACT_EXAMPLES", "10"))
URL = os.environ.get("QUEEN_URL") or None
EACH = settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
SEQUENCES = settings(
    EACH,
    max_examples=5 * max(EXAMPLES, 10),
    stateful_step_count=12,
    # Shrinking a sequence takes minutes, and a failure tells its requests anyway.
    phases=[Phase.generate],
    # What meets a known fault of a live server is not sent.
    suppress_health_check=[HealthCheck.filter_too_much],
)

# The embedded broker speaks each dialect; a live server has its own.
TARGETS: Dict[str, Target] = {dialect: Target(dialect, URL) for dialect in ((dialect_of(URL),) if URL else DIALECTS)}
POPS = ("pop_queue", "pop_partition")
OF_A_MESSAGE = ("record_trace", "list_message_traces", "get_message", "delete_message")
OF_A_STREAM = ("poll_window", "ack_window", "renew_window", "seek_stream", "get_stream", "delete_stream")
SETTLING = ("ack", "ack_batch", "commit")


def operations(dialect: str) -> Callable[[Callable[..., None]], Any]:
    """Gives a test generated requests of each operation; it is skipped where nothing speaks the dialect."""
    target = TARGETS.get(dialect)
    if target is None:
        return pytest.mark.skip(reason=f"the server does not speak {dialect}")
    return lambda test: target.schema.parametrize()(EACH(test))


@operations("embedded")
def test_the_embedded_dialect_answers_as_the_spec_says(case: schemathesis.Case[Any]) -> None:
    TARGETS["embedded"].hold(case)


@operations("0.15")
def test_the_dialect_015_answers_as_the_spec_says(case: schemathesis.Case[Any]) -> None:
    TARGETS["0.15"].hold(case)


@operations("0.7")
def test_the_dialect_07_answers_as_the_spec_says(case: schemathesis.Case[Any]) -> None:
    TARGETS["0.7"].hold(case)


@pytest.mark.parametrize("dialect", TARGETS)
def test_messages_are_pushed_popped_and_settled_as_the_spec_says(dialect: str) -> None:
    followed = follow(TARGETS[dialect], SEQUENCES, "push", *POPS, *SETTLING, "extend_lease")
    assert any(followed["push", pop] for pop in POPS), "no pop followed a push"
    assert any(followed[pop, ack] for pop in POPS for ack in SETTLING), "no ack followed a pop"


@pytest.mark.parametrize("dialect", TARGETS)
def test_messages_are_looked_at_traced_and_deleted_as_the_spec_says(dialect: str) -> None:
    followed = follow(TARGETS[dialect], SEQUENCES, "push", "pop_queue", *OF_A_MESSAGE)
    assert any(operation in OF_A_MESSAGE for _, operation in followed), "no link led to a message"


@pytest.mark.parametrize("dialect", TARGETS)
def test_windowed_streams_are_defined_sought_and_deleted_as_the_spec_says(dialect: str) -> None:
    followed = follow(TARGETS[dialect], SEQUENCES, "define_stream", *OF_A_STREAM)
    if dialect != "0.15":
        assert followed["define_stream", "get_stream"]
        assert followed["define_stream", "delete_stream"]


@pytest.mark.parametrize("dialect", TARGETS)
def test_queries_are_registered_run_and_read_as_the_spec_says(dialect: str) -> None:
    followed = follow(TARGETS[dialect], SEQUENCES, "register_query", "run_cycle", "get_query_state")
    if dialect != "0.7":
        assert followed["register_query", "get_query_state"]
