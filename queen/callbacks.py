"""Calling what users pass in, sync or async."""

from __future__ import annotations

import inspect
from typing import Awaitable, Callable, TypeVar, Union

R = TypeVar("R")

MaybeAwaitable = Union[R, Awaitable[R]]


async def call(function: Callable[..., MaybeAwaitable[R]], *arguments: object) -> R:
    """Call a sync or async function and return its result."""
    result = function(*arguments)
    if inspect.isawaitable(result):
        awaited: R = await result
        return awaited
    return result
