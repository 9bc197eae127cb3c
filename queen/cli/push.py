"""``queen push``: messages from arguments, a file or a pipe."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import AsyncIterator, Dict, Iterator, List, Optional, Sequence, Tuple

from cyclopts import Parameter
from typing_extensions import Annotated, Final

from queen import validation
from queen.builders.queue import QueueBuilder
from queen.cli import notes
from queen.cli.completion import queue_names
from queen.cli.connection import LOCAL, Server, connect
from queen.cli.exits import CommandError, Exit, bad_input, code_of
from queen.cli.json_lines import BadLineError, Line, Reader, chunks_of_input
from queen.cli.output import AsJson, show_facts
from queen.cli.progress import Tick, progress
from queen.cli.reading import opened
from queen.errors import PushRejectedError, QueenError
from queen.types import PushResponse

_AT_ONCE: Final = 500


async def push(
    queue: Annotated[str, Parameter(completer=queue_names)],
    /,
    *message: str,
    file: Optional[Path] = None,
    partition: Optional[str] = None,
    id: Optional[str] = None,  # noqa: A002  (the name of the option)
    envelope: Annotated[bool, Parameter(negative=())] = False,
    json: AsJson = False,
    server: Server = LOCAL,
) -> int:
    """Push messages: arguments, the lines of a file, or the lines of a pipe, each a JSON value.

    Arguments and files are checked as a whole first: where one line is bad, nothing is sent. The lines of a pipe are
    sent as they come, and a bad one ends it; the error names its number, and says how many messages were sent before.

    Args:
        queue: the queue.
        message: a payload, as JSON.
        file: a file with one JSON value on each line; `-` is standard input. Without messages and without this,
            standard input is read if it is no terminal.
        partition: the partition; messages of one partition keep their order.
        id: the transaction id of a single message, by which the server stores it once.
        envelope: lines are not payloads, but objects with `data`, and perhaps `transactionId`, `traceId` and
            `partition`, as `queen pop --json` writes them.
        json: tell the result as JSON.
    """
    async with connect(server, makes=True) as client:
        # Names a queue that is not accepted before anything is read.
        sender = _Sender(client.queue(queue))
        reader = Reader(queue, partition, envelope=envelope, what="MESSAGE" if message else "line")
        lines, total = await _source(reader, message, file, id)
        await _send(sender, lines, total)
    show_facts(sender.report(), json=json, words=sender.summary())
    return Exit.FINE


async def _source(
    reader: Reader,
    messages: Sequence[str],
    file: Optional[Path],
    identifier: Optional[str],
) -> Tuple[AsyncIterator[List[Line]], Optional[int]]:
    """What is to be sent, and how much that is where it is known.

    Raises:
        CommandError: the arguments contradict each other, or a message is bad.
    """
    if identifier is not None and (len(messages) != 1 or reader.envelope):
        raise bad_input("--id", "it is for one message that is given as an argument")
    if messages and file is not None:
        raise bad_input("--file", "messages are given as arguments too; give one of the two")
    if messages:
        with _nothing_sent():
            checked = [reader.message(number, text) for number, text in enumerate(messages, 1)]
        if identifier is not None:
            checked[0].item["transactionId"] = validation.text("--id", identifier)
        return _at_once(iter(checked)), len(checked)
    if file is None or str(file) == "-":
        if file is None and sys.stdin.isatty():
            raise bad_input("MESSAGE", "there is none; give JSON values, --file, or lines through a pipe")
        return _from_pipe(reader, sys.stdin.fileno()), None
    if _is_pipe(file):
        return _from_pipe(reader, await opened(file)), None
    # Once to check all of it, and once more to send it: a file may be larger than the memory.
    with _nothing_sent():
        total = await _count(_lines_of(reader, file))
    return _at_once(_lines_of(reader, file)), total


async def _count(lines: Iterator[Line]) -> int:
    """How many lines there are; Ctrl-C is listened to meanwhile."""
    total = 0
    async for batch in _at_once(lines):
        total += len(batch)
        await asyncio.sleep(0)
    return total


def _is_pipe(file: Path) -> bool:
    """Whether a file can be read only once."""
    return file.exists() and not file.is_file() and not file.is_dir()


@contextlib.contextmanager
def _nothing_sent() -> Iterator[None]:
    """Says of a bad line that all of it was checked before any of it was sent."""
    try:
        yield
    except BadLineError as error:
        raise CommandError(f"{error}; nothing was sent", Exit.BAD_INPUT) from None


class _Sender:
    """Pushes lines, and knows what became of each."""

    def __init__(self, queue: QueueBuilder) -> None:
        self._queue = queue
        self._counts: Dict[str, int] = {"queued": 0, "duplicate": 0, "buffered": 0}
        self._waiting = 0
        self._unsure = 0

    @property
    def sent(self) -> int:
        """How many the server has."""
        return sum(self._counts.values())

    async def send(self, lines: Sequence[Line]) -> None:
        """Push lines; those of one partition in their order.

        Raises:
            QueenError: some were not sent; ``told`` says how many.
        """
        self._waiting += len(lines)
        by_partition: Dict[Optional[str], List[Dict[str, object]]] = {}
        for line in lines:
            by_partition.setdefault(line.partition, []).append(line.item)
        pushes = [self._push(partition, items) for partition, items in by_partition.items()]
        for outcome in await asyncio.gather(*pushes, return_exceptions=True):
            if outcome is not None:
                raise outcome

    def report(self) -> Dict[str, object]:
        """How many were pushed."""
        return {"pushed": self._counts["queued"], **{key: self._counts[key] for key in ("duplicate", "buffered")}}

    def summary(self) -> str:
        """The same, in words."""
        words = f"{notes.counted(self._counts['queued'], 'message')} pushed"
        if self._counts["duplicate"]:
            words += f", {notes.counted(self._counts['duplicate'], 'duplicate')} of what is there"
        if self._counts["buffered"]:
            words += f", {self._counts['buffered']:,} in the server's file buffer"
        return words

    def told(self) -> str:
        """What was sent of what was read, for one who was interrupted."""
        words = f"{notes.counted(self.sent, 'message')} {'was' if self.sent == 1 else 'were'} sent before"
        if self._unsure:
            words += f", {self._unsure:,} more may have been"
        if self._waiting:
            words += f", {self._waiting:,} that {'was' if self._waiting == 1 else 'were'} read {_not(self._waiting)}"
        return words

    async def _push(self, partition: Optional[str], items: Sequence[Dict[str, object]]) -> None:
        queue = self._queue if partition is None else self._queue.partition(partition)
        self._waiting -= len(items)
        self._unsure += len(items)
        try:
            self._count(await queue.push(items))
        except PushRejectedError as error:
            self._unsure -= len(items)
            for result in error.results:
                status = str(result["status"])
                if status in self._counts:
                    self._counts[status] += 1
            self._waiting += len(error.unsent)
            raise
        except QueenError as error:
            if not error.maybe_delivered:
                self._unsure -= len(items)
                self._waiting += len(items)
            raise

    def _count(self, results: Sequence[PushResponse]) -> None:
        for result in results:
            self._counts[result["status"]] += 1
        self._unsure -= len(results)


async def _send(sender: _Sender, source: AsyncIterator[List[Line]], total: Optional[int]) -> None:
    """Send all of a source, and tell how far it came where something ends that."""
    try:
        with progress("pushing", total) as tick:
            async for lines in source:
                await _send_at_most(sender, lines, tick)
    except (BadLineError, QueenError, OSError) as error:
        raise CommandError(f"{error}; {sender.told()}", code_of(error) or Exit.FAILED) from error
    except asyncio.CancelledError:
        notes.note(sender.told())
        raise


async def _send_at_most(sender: _Sender, lines: Sequence[Line], tick: Tick) -> None:
    for start in range(0, len(lines), _AT_ONCE):
        await sender.send(lines[start : start + _AT_ONCE])
        tick(sender.sent)


async def _at_once(lines: Iterator[Line]) -> AsyncIterator[List[Line]]:
    batch: List[Line] = []
    for line in lines:
        batch.append(line)
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    yield batch


async def _from_pipe(reader: Reader, descriptor: int) -> AsyncIterator[List[Line]]:
    """The messages of a pipe as they come; those before a bad line come before its error."""
    number = 0
    async for chunk in chunks_of_input(descriptor):
        found: List[Line] = []
        try:
            for text in chunk:
                number += 1
                line = reader.line(number, text)
                if line is not None:
                    found.append(line)
        except BadLineError:
            yield found
            raise
        yield found


def _lines_of(reader: Reader, file: Path) -> Iterator[Line]:
    try:
        yield from reader.file(file)
    except OSError as error:
        raise bad_input(f"--file {file}", error.strerror or str(error)) from None


def _not(number: int) -> str:
    return "was not" if number == 1 else "were not"
