"""Producers: they push until they are told to end, and note what the client says of each push."""

from __future__ import annotations

import asyncio
import random
from typing import Awaitable, Callable, List, Mapping, Sequence

from typing_extensions import Final

from queen import OutcomeUnknownError, Queen, QueenBufferError, QueenError
from tests.faults.soak.accounts import Accounts

FIRST: Final = "first"
_PRODUCERS: Final = {"direct": 4, "buffered": 4, "transactional": 2}
STREAMS: Final = tuple(f"{kind}-{number}" for kind, count in _PRODUCERS.items() for number in range(count))


class Producers:
    """One producer for each stream; the partition has its name.

    Args:
        queen: pushes.
        accounts: are told.
        seed: for their pauses and sizes.
        pause: the mean time between two pushes of one producer, in seconds.
    """

    def __init__(self, queen: Queen, accounts: Accounts, seed: int, pause: float) -> None:
        self._queen = queen
        self._accounts = accounts
        self._draw = random.Random(seed)
        self._pause = pause

    async def run(self, ended: asyncio.Event) -> None:
        """Push until the end, and close the client."""
        pushers = {"direct": self._direct, "buffered": self._buffered, "transactional": self._transactional}
        try:
            await asyncio.gather(*[self._run(stream, pushers[stream.partition("-")[0]], ended) for stream in STREAMS])
        finally:
            await self._close()

    async def _run(self, stream: str, push: Callable[[str], Awaitable[None]], ended: asyncio.Event) -> None:
        while not ended.is_set():
            await push(stream)
            await asyncio.sleep(self._draw.expovariate(1 / self._pause))

    def _next(self, stream: str) -> List[str]:
        return [self._accounts.begin_push(stream) for _ in range(self._draw.choice([1, 1, 1, 2, 5]))]

    async def _direct(self, stream: str) -> None:
        keys = self._next(stream)
        # Half of them with ids of the user's, half with those that the client makes.
        given = self._draw.random() < 0.5
        items = [{"data": {"key": key}, **({"transactionId": key} if given else {})} for key in keys]
        try:
            results = await self._queen.queue(FIRST).partition(stream).push(items)
        except QueenError as error:
            unsent = {str(item["data"]["key"]) for item in error.unsent}  # type: ignore[index]  # what was pushed
            if unsent != set(keys):
                self._accounts.wrong.append(f"a push of {keys} failed, and its error says unsent: {unsent}")
            self._fail(keys, error, maybe_delivered=error.maybe_delivered)
        else:
            if {result["status"] for result in results} != {"queued"}:
                self._accounts.wrong.append(f"a push of {keys} was answered {results}")
            self._accept(keys)

    async def _buffered(self, stream: str) -> None:
        keys = self._next(stream)
        buffer = self._queen.queue(FIRST).partition(stream).buffer({"message_count": 8, "time_millis": 50})
        pushing = buffer.push([{"data": {"key": key}} for key in keys])
        await pushing.on_success(lambda _: self._accept(keys)).on_duplicate(self._called_duplicate)

    async def _transactional(self, stream: str) -> None:
        keys = self._next(stream)
        transaction = self._queen.transaction()
        for key in keys:
            transaction.queue(FIRST).partition(stream).push([{"data": {"key": key}}])
        try:
            await committed(transaction.commit)
        except QueenError as error:
            self._fail(keys, error, maybe_delivered=error.maybe_delivered)
        else:
            self._accept(keys)

    async def _close(self) -> None:
        try:
            await self._queen.close()
        except QueenBufferError as error:
            keys = [str(item["data"]["key"]) for item in error.unsent]  # type: ignore[index]  # what was pushed
            self._fail(keys, error, maybe_delivered=error.maybe_delivered)

    def _called_duplicate(self, items: Sequence[Mapping[str, object]], _: Exception) -> None:
        self._accounts.wrong.append(
            f"the client called its own repeat a duplicate: {[item['payload'] for item in items]}"
        )

    def _accept(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._accounts.accept(key)

    def _fail(self, keys: Sequence[str], error: Exception, *, maybe_delivered: bool) -> None:
        for key in keys:
            self._accounts.fail(key, error, maybe_delivered=maybe_delivered)


async def committed(commit: Callable[[], Awaitable[object]], attempts: int = 3) -> None:
    """Commit, and say it again while the outcome is unknown.

    Args:
        commit: commits one transaction.
        attempts: how often at most.
    """
    for attempt in range(attempts):
        try:
            await commit()
            return
        except OutcomeUnknownError:
            if attempt + 1 == attempts:
                raise
