"""Which test stands for which snippet, and what was done with the snippets so far."""

from __future__ import annotations

import functools
from typing import Any, Awaitable, Callable, Dict, List, Set

from tests.guide.snippets import ASSERTED, SNIPPETS

BOUND: Dict[int, List[str]] = {}
"""The tests of each snippet."""

RUN: Set[int] = set()
"""Snippets of which every statement was started as it is written."""

COMPARED: Set[int] = set()
"""Snippets that were compared with the library."""

REPLACED: Set[int] = set()
"""Snippets in whose place a twin was run."""


def runs(**headings: str) -> Callable[[Callable[..., Awaitable[None]]], Callable[..., Awaitable[None]]]:
    """Bind a test to the snippets that it runs; it fails when it passes without having run them.

    Args:
        headings: ``s5="Basic Push and Consume"``: the number, and the heading under which the snippet stands.
    """
    numbers = _checked(headings)
    assert not numbers & set(ASSERTED)

    def bind(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        _note(numbers, test)

        @functools.wraps(test)
        async def checked(*arguments: Any, **fixtures: Any) -> None:
            await test(*arguments, **fixtures)
            left = numbers - fixtures["guide"].finished
            assert not left, f"{test.__name__} is bound to snippets that it does not run: {sorted(left)}"

        return checked

    return bind


def compares(**headings: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Bind a test to the snippets that it compares with the library."""
    numbers = _checked(headings)
    assert numbers <= set(ASSERTED)

    def bind(test: Callable[..., None]) -> Callable[..., None]:
        _note(numbers, test)

        @functools.wraps(test)
        def checked(*arguments: Any, **fixtures: Any) -> None:
            test(*arguments, **fixtures)
            COMPARED.update(numbers)

        return checked

    return bind


def summary() -> str:
    """What was done with the snippets so far, in one line."""
    return (
        f"guide: {len(SNIPPETS)} snippets: {len(RUN)} run, {len(COMPARED)} asserted, {len(REPLACED)} replaced by twins"
    )


def _checked(headings: Dict[str, str]) -> Set[int]:
    found = {int(key[1:]): heading for key, heading in headings.items()}
    for number, heading in found.items():
        assert SNIPPETS[number].heading == heading, f"snippet {number} stands under {SNIPPETS[number].heading!r}"
    return set(found)


def _note(numbers: Set[int], test: Callable[..., object]) -> None:
    for number in numbers:
        BOUND.setdefault(number, []).append(test.__name__)
