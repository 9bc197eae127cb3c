"""The messages that a push is given: arguments, the lines of a file, the lines of a pipe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import AsyncIterator, Dict, Iterator, List, NoReturn, Optional, Tuple

import attrs
from typing_extensions import Final

from queen import validation
from queen.cli.reading import read_some
from queen.operations.push import encode_item, push_items

_ITEM_KEYS: Final = ("data", "transactionId", "traceId", "partition")
# What else `queen pop --json`, `queen tail --json` and `queen dlq list --json` say of a message: of no use to a push.
_OTHER_KEYS: Final = frozenset(
    [
        "id", "queue", "partitionId", "createdAt", "consumerGroup", "leaseId", "producerSub", "retryCount", "status",
        "errorMessage", "dlqTimestamp", "failedAt", "isEncrypted", "leaseExpiresAt", "namespace", "task",
    ]
)  # fmt: skip


class BadLineError(ValueError):
    """A line or an argument that is no message.

    Args:
        where: which one.
        reason: why.
    """

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")


@attrs.frozen
class Line:
    """A message to push.

    Attributes:
        number: which line or argument it is, from 1.
        partition: where it goes; None for the default partition.
        item: what ``push`` takes.
    """

    number: int
    partition: Optional[str]
    item: Dict[str, object]


@attrs.frozen
class Reader:
    """Reads messages from text.

    Attributes:
        queue: where they will go.
        partition: the partition of those that name none.
        envelope: whether a line says ``data``, and perhaps ``transactionId``, ``traceId`` and ``partition``; otherwise
            it is the payload.
        what: what a line is called in errors.
    """

    queue: str
    partition: Optional[str]
    envelope: bool
    what: str

    def message(self, number: int, text: str) -> Line:
        """The message that a line holds.

        Raises:
            BadLineError: it holds none, or one that no server takes.
        """
        where = f"{self.what} {number}"
        try:
            value = json.loads(text, parse_constant=_no_constant)
        except RecursionError:
            raise BadLineError(where, "its JSON is nested too deep") from None
        except ValueError as error:
            reason = (
                f"{error.msg} at character {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)
            )
            raise BadLineError(where, f"{validation.shown(text.strip())} is no JSON: {reason}") from None
        item, partition = self._envelope(where, value) if self.envelope else ({"data": value}, self.partition)
        try:
            # What cannot be sent is told with its number, and not when it is sent with others.
            encode_item(push_items(self.queue, partition, item)[0])
        except (TypeError, ValueError) as error:
            raise BadLineError(where, str(error).replace("items[0] ", "").replace("items[0]", "")) from None
        return Line(number, partition, item)

    def line(self, number: int, line: bytes) -> Optional[Line]:
        """The message of a line of input; None for a blank one.

        Raises:
            BadLineError: it holds none.
        """
        if not line.strip():
            return None
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise BadLineError(f"{self.what} {number}", f"no UTF-8: {error.reason} at byte {error.start + 1}") from None
        return self.message(number, text)

    def file(self, path: Path) -> Iterator[Line]:
        """The messages of a file.

        Raises:
            BadLineError: a line holds none.
            OSError: the file cannot be read.
        """
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                message = self.line(number, line)
                if message is not None:
                    yield message

    def _envelope(self, where: str, value: object) -> Tuple[Dict[str, object], Optional[str]]:
        if not isinstance(value, dict):
            raise BadLineError(where, 'no JSON object; with --envelope a line is {"data": ..., "transactionId": ...}')
        for key in value:
            if key not in _ITEM_KEYS and key not in _OTHER_KEYS:
                nearest = validation.nearest(key, _ITEM_KEYS)
                raise BadLineError(
                    where, f"unknown key {validation.shown(key)}{nearest}; accepted are {', '.join(_ITEM_KEYS)}"
                )
        item = {key: value[key] for key in ("data", "transactionId", "traceId") if key in value}
        partition = value.get("partition")
        if partition is None:
            return item, self.partition
        try:
            return item, validation.text("partition", partition)
        except (TypeError, ValueError) as error:
            raise BadLineError(where, str(error)) from None


async def chunks_of_input(descriptor: int) -> AsyncIterator[List[bytes]]:
    """The lines of a pipe, as many at a time as are there.

    Raises:
        OSError: it cannot be read.
    """
    left = b""
    while True:
        chunk = await read_some(descriptor)
        if not chunk:
            break
        *lines, left = (left + chunk).split(b"\n")
        if lines:
            yield lines
    if left:
        yield [left]


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"it knows no {name}")
