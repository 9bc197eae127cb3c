"""How long a repeat waits."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from queen.transport.retry import RetryPolicy, retry_after_seconds


def longest(bound: float) -> float:
    return bound


def test_the_longest_wait_doubles_up_to_half_a_minute() -> None:
    policy = RetryPolicy(attempts=3, delay=1.0, draw=longest)
    assert [policy.wait_before(repeat) for repeat in (1, 2, 3, 5, 9, 1000)] == [1.0, 2.0, 4.0, 16.0, 30.0, 30.0]


def test_waits_are_spread_over_the_whole_range() -> None:
    policy = RetryPolicy(attempts=3, delay=1.0)
    waits = [policy.wait_before(2) for _ in range(500)]
    assert min(waits) < 0.2
    assert max(waits) > 1.8
    assert all(0 <= wait <= 2 for wait in waits)


def test_retry_after_is_the_least_wait() -> None:
    policy = RetryPolicy(attempts=3, delay=1.0, draw=longest)
    assert policy.wait_before(1, retry_after=7.0) == 8.0


@pytest.mark.parametrize("header", [None, "", "soon", "-"])
def test_a_retry_after_that_cannot_be_read_says_nothing(header: str) -> None:
    assert retry_after_seconds(header) is None


def test_retry_after_may_be_seconds_or_a_date() -> None:
    assert retry_after_seconds("3") == 3.0
    in_a_minute = format_datetime(datetime.now(timezone.utc) + timedelta(minutes=1), usegmt=True)
    assert 55 < (retry_after_seconds(in_a_minute) or 0) <= 60
    an_hour_ago = format_datetime(datetime.now(timezone.utc) - timedelta(hours=1), usegmt=True)
    assert retry_after_seconds(an_hour_ago) == 0.0
