"""Which messages a test means, and what an assertion says when they are not there."""

from __future__ import annotations

import difflib
from pprint import pformat
from typing import List, Optional, Sequence, TypeVar

import attrs
from typing_extensions import Final

from queen import validation
from queen.payloads.models import codec_for
from queen.testing.records import PushedMessage

M = TypeVar("M", bound=PushedMessage)

# So many messages are listed, and looked at for the one that is closest to what was wanted.
_SHOWN: Final = 20
_WIDTH: Final = 100


def _as_json(data: object) -> object:
    """An instance of a model as the JSON that a push makes of it; everything else as it is."""
    if isinstance(data, type):
        return data
    try:
        codec = codec_for(type(data))
    except TypeError:
        return data
    return codec.encode("data", data)


@attrs.frozen(kw_only=True)
class Wanted:
    """Which messages are meant.

    Attributes:
        data: what their payload equals (an instance of a model stands for its JSON), or a function that says whether it
            is one; ``...`` for any.
        partition: their partition; None for any.
        transaction_id: their transaction id; None for any.
        count: how many there must be; None for one or more.
    """

    data: object = attrs.field(converter=_as_json)
    partition: Optional[str]
    transaction_id: Optional[str]
    count: Optional[int]

    def __attrs_post_init__(self) -> None:
        if self.count is not None:
            validation.integer("count", self.count, minimum=0)

    def among(self, messages: Sequence[M]) -> List[M]:
        """Those that are meant."""
        return [message for message in messages if self._is(message)]

    def is_met_by(self, found: Sequence[PushedMessage]) -> bool:
        """Whether so many were found as there must be."""
        return len(found) == self.count if self.count is not None else bool(found)

    def missing(self, done: str, found: Sequence[PushedMessage], others: Sequence[PushedMessage]) -> str:
        """What an assertion says.

        Args:
            done: what should have been done with them, for example ``pushed to 'orders'``.
            found: those that are meant.
            others: all with which it was done.
        """
        if not others:
            return f"{self._headline(done, found)}; nothing was"
        counted = "was 1 message" if len(others) == 1 else f"were {len(others)} messages"
        lines = [self._headline(done, found), f"{done} {counted}:", *listed(others)]
        closest = None if found else self._closest(others)
        if closest is not None:
            lines.append("the closest of them (- wanted, + found):")
            lines += _difference(self.data, closest.data)
        return "\n".join(lines)

    def _headline(self, done: str, found: Sequence[PushedMessage]) -> str:
        named = [
            f"{name}={value if name == 'data' and self._by_function else pformat(value, width=_WIDTH)}"
            for name, value in (
                ("data", getattr(self.data, "__name__", self.data)),
                ("partition", self.partition),
                ("transaction_id", self.transaction_id),
            )
            if value is not None and value is not ...
        ]
        meant = f" with {', '.join(named)}" if named else ""
        if self.count is None:
            return f"no message{meant} was {done}"
        counted = "1 message" if self.count == 1 else f"{self.count} messages"
        return f"{counted}{meant} should have been {done}, and {len(found)} {'was' if len(found) == 1 else 'were'}"

    @property
    def _by_function(self) -> bool:
        # A class is compared, since those of dirty-equals are equal to what they describe.
        return callable(self.data) and not isinstance(self.data, type)

    def _is(self, message: PushedMessage) -> bool:
        if self.partition not in (None, message.partition):
            return False
        if self.transaction_id not in (None, message.transaction_id):
            return False
        if self.data is ...:
            return True
        if callable(self.data) and not isinstance(self.data, type):
            return bool(self.data(message.data))
        # In this order, so that an object that describes what it accepts is asked first.
        return bool(self.data == message.data)

    def _closest(self, others: Sequence[PushedMessage]) -> Optional[PushedMessage]:
        if self.data is ... or self._by_function:
            return None
        wanted = pformat(self.data)

        def likeness(message: PushedMessage) -> float:
            return difflib.SequenceMatcher(None, wanted, pformat(message.data)).ratio()

        closest = max(others[-_SHOWN:], key=likeness)
        # Where the payload is right, something else is wrong with it.
        return None if self.data == closest.data else closest


def listed(messages: Sequence[PushedMessage]) -> List[str]:
    """Messages as lines, the latest of many."""
    left_out = len(messages) - _SHOWN
    lines = [f"  ... {left_out} before these"] if left_out > 0 else []
    return lines + [
        f"  {message.partition}: {validation.shown(message.data)} ({message.transaction_id})"
        for message in messages[-_SHOWN:]
    ]


def _difference(wanted: object, found: object) -> List[str]:
    before, after = (pformat(value, width=_WIDTH).splitlines() for value in (wanted, found))
    return [f"  {line.rstrip()}" for line in difflib.ndiff(before, after)]
