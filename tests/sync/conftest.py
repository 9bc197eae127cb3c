"""A sync client of a fresh embedded broker, and what is left behind by it."""

from __future__ import annotations

import itertools
import threading
import time
from typing import Callable, Iterator, List

import pytest

from queen.sync import Queen

_numbers = itertools.count(1)
_LONGEST_SECONDS = 10.0


@pytest.fixture
def memory_url() -> str:
    return f"memory://sync-{next(_numbers)}"


@pytest.fixture
def client(memory_url: str) -> Iterator[Queen]:
    """A client of a fresh embedded broker."""
    with Queen(memory_url, retry_delay_millis=10) as queen:
        yield queen


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    until(lambda: not queen_threads())


def queen_threads() -> List[threading.Thread]:
    """The threads of sync clients that are there now."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("queen-sync")]


def until(condition: Callable[[], object]) -> None:
    """Wait until something holds that another thread does, and fail where it never does."""
    deadline = time.monotonic() + _LONGEST_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{condition} never held; threads: {threading.enumerate()}"
        time.sleep(0.005)
