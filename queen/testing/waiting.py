"""Waiting until a check of the broker holds, looked at again whenever the broker may have changed."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from typing import Callable, Generic, Iterator, Set, TypeVar, Union

import attrs

from queen import validation
from queen.waiting import wait_at_most

T = TypeVar("T")


class Changes:
    """Tells those who wait that the broker may have changed; from any thread, to any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watchers: Set[Callable[[], object]] = set()

    def tell(self) -> None:
        """Something may have changed."""
        # Under the lock, so that nobody is told who has stopped watching.
        with self._lock:
            for watcher in self._watchers:
                watcher()

    @contextlib.contextmanager
    def watched_by(self, watcher: Callable[[], object]) -> Iterator[None]:
        """Tell it of all changes while the block runs."""
        with self._lock:
            self._watchers.add(watcher)
        try:
            yield
        finally:
            with self._lock:
                self._watchers.discard(watcher)


@attrs.frozen
class _Met(Generic[T]):
    value: T


@attrs.frozen
class _Unmet:
    words: str


def _look(check: Callable[[], T]) -> Union[_Met[T], _Unmet]:
    try:
        value = check()
    except AssertionError as error:
        return _Unmet(str(error))
    if value is False or (isinstance(value, list) and not value):
        return _Unmet(f"the check returned {value!r}")
    return _Met(value)


async def until(changes: Changes, check: Callable[[], T], timeout: float) -> T:
    """What a check returns when it holds; other tasks run meanwhile.

    Raises:
        AssertionError: the time ran out; the words are the check's.
    """
    __tracebackhide__ = True
    _check_arguments(check, timeout)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    changed = asyncio.Event()
    with changes.watched_by(lambda: loop.call_soon_threadsafe(changed.set)):
        while True:
            changed.clear()
            found = _look(check)
            if isinstance(found, _Met):
                return found.value
            left = deadline - loop.time()
            if left <= 0:
                raise _too_late(timeout, found)
            await wait_at_most(changed, left)


def wait_until(changes: Changes, check: Callable[[], T], timeout: float) -> T:
    """As ``until``, while other threads run."""
    __tracebackhide__ = True
    _check_arguments(check, timeout)
    deadline = time.monotonic() + timeout
    changed = threading.Event()
    with changes.watched_by(changed.set):
        while True:
            changed.clear()
            found = _look(check)
            if isinstance(found, _Met):
                return found.value
            left = deadline - time.monotonic()
            if left <= 0:
                raise _too_late(timeout, found)
            changed.wait(left)


def seconds(argument: str, value: object) -> float:
    """A number of seconds, 0 or more.

    Raises:
        TypeError, ValueError: it is none.
    """
    wanted = "a number of seconds, 0 or more"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise validation.wrong_type(argument, value, wanted)
    if not 0 <= value < float("inf"):
        raise ValueError(f"{argument}={value!r} is out of range; accepted is {wanted}")
    return value


def _check_arguments(check: object, timeout: object) -> None:
    if not callable(check):
        raise validation.wrong_type("check", check, "a function without arguments")
    seconds("timeout", timeout)


def _too_late(timeout: float, found: _Unmet) -> AssertionError:
    return AssertionError(f"not within {timeout:g} seconds: {found.words}")
