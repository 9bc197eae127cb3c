"""Calling what users pass in, sync or async."""

from __future__ import annotations

import inspect
from typing import Awaitable, Callable, TypeVar, Union

from queen import validation

R = TypeVar("R")

MaybeAwaitable = Union[R, Awaitable[R]]


def check_callable(argument: str, function: object, count: int) -> None:
    """Refuse what cannot be called with so many arguments, before anything is done for it.

    Raises:
        TypeError: no function, a function of another number of arguments, or a generator, whose body would never run.
    """
    accepted = f"accepted is a function of {'one argument' if count == 1 else f'{count} arguments'}"
    if not callable(function):
        raise TypeError(f"{argument}={validation.shown(function)} is a {type(function).__name__}; {accepted}")
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        raise TypeError(
            f"{argument}={validation.shown(function)} is a generator, whose body would never run; {accepted}"
        )
    try:
        signature = inspect.signature(function)
    except ValueError:  # some functions written in C do not tell theirs
        return
    try:
        signature.bind(*[object()] * count)
    except TypeError as error:
        raise TypeError(f"{argument}={validation.shown(function)}: {error}; {accepted}") from None


async def call(function: Callable[..., MaybeAwaitable[R]], *arguments: object) -> R:
    """Call a sync or async function and return its result."""
    result = function(*arguments)
    if inspect.isawaitable(result):
        awaited: R = await result
        return awaited
    return result
