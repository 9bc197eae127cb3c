"""What ``window.aggregate`` computes."""

from __future__ import annotations

import math
from typing import Callable, Dict, List, Mapping, Sequence, Union

from typing_extensions import Final, TypedDict

from queen import validation
from queen.streaming.paths import value_at

Number = Union[int, float]
Comparable = Union[int, float, str]


class Aggregates(TypedDict, total=False):
    """The aggregates that were asked for, by the path of their values."""

    count: int
    sum: Dict[str, Number]
    """0 where no message has a number there."""
    avg: Dict[str, Union[float, None]]
    """None where no message has a number there."""
    min: Dict[str, Union[Comparable, None]]
    """The least number, or text; None where there is none."""
    max: Dict[str, Union[Comparable, None]]


def aggregate(messages: Sequence[Mapping[str, object]], wanted: Mapping[str, object]) -> Aggregates:
    """Aggregates over messages.

    Args:
        messages: the messages.
        wanted: ``count`` (True), and lists of paths for ``sum``, ``avg``, ``min`` and ``max``.

    Raises:
        TypeError, ValueError: an aggregate that there is not, or no list of paths; numbers and text at one path, which
            have no least.
    """
    if not isinstance(wanted, Mapping):
        raise TypeError(f"aggregate takes a mapping such as {{'count': True}}, and not {validation.shown(wanted)}")
    known = ["count", *_BY_PATH]
    result: Dict[str, object] = {}
    for name, paths in wanted.items():
        if name == "count":
            if validation.boolean("count", paths):
                result["count"] = len(messages)
            continue
        function = _BY_PATH.get(name)
        if function is None:
            raise ValueError(
                f"unknown aggregate {validation.shown(name)}{validation.nearest(name, known)}; known are {known}"
            )
        result[name] = {path: function(messages, path) for path in _paths(name, paths)}
    return result  # type: ignore[return-value]  # its keys were checked one by one


def _paths(name: str, paths: object) -> List[str]:
    listed = [paths] if isinstance(paths, str) else paths
    if not isinstance(listed, (list, tuple)) or not all(isinstance(path, str) for path in listed):
        raise TypeError(f"{name}={validation.shown(paths)}: accepted is a list of paths such as 'data.amount'")
    return list(listed)


def _numbers(messages: Sequence[Mapping[str, object]], path: str) -> List[Number]:
    values = (value_at(message, path) for message in messages)
    return [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]


def _sum(messages: Sequence[Mapping[str, object]], path: str) -> Number:
    numbers = _numbers(messages, path)
    # Integers stay exact; of floats, the sum does not depend on their order.
    return sum(numbers) if all(isinstance(number, int) for number in numbers) else math.fsum(numbers)


def _average(messages: Sequence[Mapping[str, object]], path: str) -> Union[float, None]:
    numbers = _numbers(messages, path)
    return math.fsum(numbers) / len(numbers) if numbers else None


def _least(messages: Sequence[Mapping[str, object]], path: str) -> Union[Comparable, None]:
    return min(_comparable(messages, path), default=None)


def _greatest(messages: Sequence[Mapping[str, object]], path: str) -> Union[Comparable, None]:
    return max(_comparable(messages, path), default=None)


def _comparable(messages: Sequence[Mapping[str, object]], path: str) -> List[Comparable]:
    numbers: List[Comparable] = list(_numbers(messages, path))
    texts: List[Comparable] = [
        value for value in (value_at(message, path) for message in messages) if isinstance(value, str)
    ]
    if numbers and texts:
        raise ValueError(f"{path!r} holds numbers in some messages and text in others; they cannot be compared")
    return numbers or texts


_BY_PATH: Final[Mapping[str, Callable[[Sequence[Mapping[str, object]], str], object]]] = {
    "sum": _sum,
    "avg": _average,
    "min": _least,
    "max": _greatest,
}
