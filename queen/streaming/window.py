"""One window of a stream, as a callback gets it."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Callable, Dict, List, Mapping, Tuple, Union, cast

from typing_extensions import Self

from queen.streaming.aggregates import Aggregates, aggregate
from queen.streaming.paths import copied, value_at
from queen.timestamps import moment_of

WindowMessage = Dict[str, Any]


class Window:
    """The messages of one window of time.

    Attributes:
        id: the server's id of the window.
        key: ``__GLOBAL__``, or the name of the partition in a partitioned stream.
        start: the first moment that belongs to it.
        end: the first moment that does not.
        lease_id: the lease under which it is processed.
        messages: what ``filter`` has left; dicts with ``id``, ``created_at`` and ``data``, in the order of their time.
        lease_lost: whether its lease could not be renewed: somebody else may get the window too.
    """

    def __init__(self, wire: Mapping[str, Any]) -> None:
        self.id: str = wire["id"]
        self.key: str = wire["key"]
        self.start = _moment(wire["start"])
        self.end = _moment(wire["end"])
        self.lease_id: str = wire["leaseId"]
        self.lease_lost = False
        self._received: List[WindowMessage] = list(wire["messages"])
        self.messages: List[WindowMessage] = self._copies()

    @property
    def all_messages(self) -> Tuple[WindowMessage, ...]:
        """All messages as they were received, whatever was filtered or changed since; copies of them."""
        return tuple(self._copies())

    def filter(self, condition: Callable[[WindowMessage], object]) -> Self:
        """Keep the messages for which a function returns something true, until ``reset()``."""
        self.messages = [message for message in self.messages if condition(message)]
        return self

    def group_by(self, key: Union[str, Callable[[WindowMessage], Any]]) -> Dict[Any, List[WindowMessage]]:
        """The messages that are left, by a value of theirs.

        Args:
            key: a path such as ``data.userId``, or a function. Messages that have no such value are under None.

        Raises:
            TypeError: a value that cannot be a key, such as a list.
        """
        groups: Dict[Any, List[WindowMessage]] = {}
        for message in self.messages:
            value = value_at(message, key) if isinstance(key, str) else key(message)
            groups.setdefault(value, []).append(message)
        return groups

    def aggregate(self, wanted: Mapping[str, object]) -> Aggregates:
        """Aggregates over the messages that are left.

        Args:
            wanted: ``count`` (True), and lists of paths for ``sum``, ``avg``, ``min`` and ``max``. Values that are no
                numbers are passed over; ``min`` and ``max`` also take text.

        Returns:
            ``{"count": 42, "sum": {"data.amount": 1234.56}, ...}``: what was asked for. Without a value, ``sum`` is 0
            and the others are None.

        Raises:
            TypeError, ValueError: an aggregate that there is not, or numbers and text at one path.
        """
        return aggregate(self.messages, wanted)

    def reset(self) -> Self:
        """Back to the messages as they were received."""
        self.messages = self._copies()
        return self

    def size(self) -> int:
        """How many messages are left."""
        return len(self.messages)

    def original_size(self) -> int:
        """How many messages were received."""
        return len(self._received)

    def __repr__(self) -> str:
        return f"<Window {self.key} {self.start:%Y-%m-%d %H:%M:%S} to {self.end:%H:%M:%S}, {self.size()} messages>"

    def _copies(self) -> List[WindowMessage]:
        return cast("List[WindowMessage]", copied(self._received))


def _moment(text: str) -> datetime:
    return moment_of(text).astimezone(timezone.utc)
