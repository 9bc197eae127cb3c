"""The outbox of one file: who pushes waits for the disk here, the event loop does not."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Callable, Dict, List, Optional, Sequence, Tuple, TypeVar

import attrs

from queen import logs
from queen.buffering.parcel import Parcel, items_as_given
from queen.errors import OutboxError
from queen.operations.push_callbacks import NO_CALLBACKS, PushCallbacks

if TYPE_CHECKING:
    from queen.buffering.outbox.file import OutboxFile

T = TypeVar("T")


@attrs.define
class Left:
    """What a former process left of one queue and partition, as far as it is not read yet.

    Attributes:
        count: how many messages.
        last: the row of the last of them.
        tail: the parcel that will hold the last of them.
        after: the row behind which they begin.
    """

    count: int
    last: int
    tail: Parcel
    after: int = 0


class Outbox:
    """Messages in a file, and the one thread that uses it.

    The file is opened by what is written first. All pushes that come while the thread writes go into its next commit
    together, and with them the removals: many producers share one wait for the disk.

    Args:
        path: the file.
        on_open: told when the file is open, before anything is written.

    Attributes:
        left: what a former process left in it, by queue and partition.
        left_callbacks: what is told of those messages.
        damaged: the rows that cannot be read; they stay in the file.
    """

    def __init__(self, path: str, on_open: Callable[[Outbox], None]) -> None:
        self.path = path
        self.left: Dict[Tuple[str, str], Left] = {}
        self.left_callbacks: PushCallbacks = NO_CALLBACKS
        self.damaged: List[int] = []
        self._on_open = on_open
        self._file: Optional[OutboxFile] = None
        self._thread = ThreadPoolExecutor(1, "queen-outbox")
        self._adding: List[Tuple[Parcel, asyncio.Future[None]]] = []
        self._removing: List[int] = []
        self._found = 0
        self._held = 0
        self._closed = False
        self._worker: Optional[asyncio.Task[None]] = None

    async def open(self) -> int:
        """Open the file.

        Returns:
            How many messages a former process left in it, if it was not open before; some may be sent already.

        Raises:
            OutboxError: it cannot be used.
        """
        was_open = self._file is not None
        await asyncio.shield(self.put(Parcel([], [], NO_CALLBACKS, 0.0, 0.0)))
        return 0 if was_open else self._found

    def put(self, parcel: Parcel) -> asyncio.Future[None]:
        """Write the messages of a push.

        Returns:
            A future, done when they are on the disk, in the order of the calls. Its error is ``OutboxError``: none of
            them is.
        """
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._adding.append((parcel, stored))
        self._start()
        return stored

    def remove(self, rows: Sequence[int]) -> None:
        """Delete messages, when the thread comes to it."""
        if rows and not self._closed:
            self._removing.extend(rows)
            self._start()

    async def read(self, place: Tuple[str, str], left: Left, count: int) -> List[Tuple[int, bytes]]:
        """The next messages that a former process left: their rows and what is to be sent.

        Raises:
            OutboxError: they cannot be read.
        """
        assert self._file is not None
        return await self._in_thread(self._file.read, *place, left.after, left.last, count)

    async def settle(self) -> None:
        """Wait until all that was said is written, or cannot be."""
        if self._closed:
            return
        if self._adding or self._removing:
            self._start()
        if self._worker is not None:
            await asyncio.wait({self._worker})

    async def close(self) -> None:
        """Write what is to be written, and close the file; what is in it stays there for the next process."""
        await self.settle()
        self._closed = True
        if self._file is not None:
            # One that is cancelled here is repeated: closing a file twice does no harm.
            await self._in_thread(self._file.close)
            self._file = None
            if self._held:
                words = "they stay in the file, and are sent by the client that opens it next"
                logs.event(logging.WARNING, "Outbox.close", path=self.path, messages=self._held, note=words)
        self._thread.shutdown(wait=False)

    def _start(self) -> None:
        if self._worker is None or self._worker.done():
            self._worker = asyncio.ensure_future(self._work())

    async def _work(self) -> None:
        while self._adding or self._removing:
            # Pushes that go on when the commit before has let them come together into the next one.
            await asyncio.sleep(0)
            adding, self._adding = self._adding, []
            removing, self._removing = self._removing, []
            try:
                await self._write([parcel for parcel, _ in adding], removing)
            except Exception as error:  # noqa: BLE001  (whatever it is, those who wait must be told)
                self._removing[:0] = removing
                self._tell_of(error, adding)
                if not self._adding:
                    return
            else:
                for _, stored in adding:
                    stored.set_result(None)

    async def _write(self, added: List[Parcel], removed: List[int]) -> None:
        if self._file is None:
            self._file = await self._in_thread(_opened, self.path)
            self._note_left(self._file)
            self._on_open(self)
        for parcel, rows in zip(added, await self._in_thread(self._file.write, added, removed)):
            parcel.rows = rows
            self._held += len(rows)
        self._held -= len(removed)

    def _note_left(self, file: OutboxFile) -> None:
        now = asyncio.get_running_loop().time()
        for place, found in file.found.items():
            tail = Parcel([], [], self.left_callbacks, now, now, left=True)
            self.left[place] = Left(found.count, found.last, tail)
            self._found += found.count
        self._held += self._found
        if self._found:
            logs.event(logging.INFO, "Outbox.open", path=self.path, left=self._found)

    def _tell_of(self, error: Exception, adding: Sequence[Tuple[Parcel, asyncio.Future[None]]]) -> None:
        if self._removing:
            # Their server has them: they would be sent once more by the next process, and be duplicates.
            logs.event(logging.ERROR, "Outbox.remove", path=self.path, messages=len(self._removing), failed=str(error))
        for parcel, stored in adding:
            stored.set_exception(_for(parcel, error) if isinstance(error, OutboxError) else error)

    async def _in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)


def _opened(path: str) -> OutboxFile:
    # Imported here, since SQLite takes a while that others do without, and in the thread, where nobody waits for it.
    from queen.buffering.outbox.file import OutboxFile

    return OutboxFile(path)


def _for(parcel: Parcel, error: OutboxError) -> OutboxError:
    """The error of one push among those that shared a commit."""
    own = OutboxError(error.path, error.reason, owner=error.owner)
    own.unsent = items_as_given([parcel])
    own.__cause__ = error
    return own
