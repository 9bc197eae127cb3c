"""Users' functions as the async client takes them: it awaits what runs in a thread."""

from __future__ import annotations

import functools
import inspect
from typing import Awaitable, Callable, cast

from typing_extensions import Final

from queen import validation
from queen.sync.threads import Job, Runner

UserFunction = Callable[..., object]
UserCoroutine = Callable[..., Awaitable[object]]

ACCEPTED: Final = "queen.sync calls plain functions, in threads, and queen.Queen takes async ones"


def in_thread(
    argument: str,
    function: UserFunction,
    runner: Runner,
    escape: Callable[[BaseException], bool],
    translated: Callable[[object], object],
) -> UserCoroutine:
    """A function that can be awaited, and runs in a thread.

    Args:
        argument: what it was given as.
        function: the user's.
        runner: says in which thread it runs.
        escape: takes what is no ``Exception``.
        translated: makes what it is called with out of what the async client calls with.

    Raises:
        TypeError: it is async.
    """
    if is_async(function):
        raise TypeError(f"{argument}={validation.shown(function)} is async; {ACCEPTED}")
    if not _is_function(function):
        # The async client says what is wrong with it.
        return cast("UserCoroutine", function)

    def plain(*arguments: object) -> object:
        result = function(*arguments)
        if not inspect.isawaitable(result):
            return result
        if inspect.iscoroutine(result):
            result.close()
        raise TypeError(f"{argument} returned something to be awaited; {ACCEPTED}")

    @functools.wraps(function)
    async def awaited(*arguments: object) -> object:
        job = Job(plain, tuple([translated(given) for given in arguments]), escape)
        runner.take(job)
        return await job.outcome()

    return awaited


def is_async(function: object) -> bool:
    """Whether what a function returns is to be awaited, as far as its definition says."""
    method = getattr(type(function), "__call__", None)  # noqa: B004  (it is looked at, and not whether it is there)
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(method)


def _is_function(function: object) -> bool:
    """Whether something can be called, and does then what it is for."""
    return callable(function) and not inspect.isgeneratorfunction(function) and not inspect.isasyncgenfunction(function)
