"""Hooks that fail, are cancelled or are not there: the client does what it does without them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import contextmanager
from typing import Any, Iterator, List, Tuple

import pytest

from queen import Hooks, Message, Queen, QueenError
from queen.hooks import Commit, Event, Flush, LeaseLost, Pop, Process, Push, Retry, Settlement
from queen.testing import QueenBroker
from tests.telemetry.notes import Notes

KINDS = ("pushing", "flushing", "popping", "processing", "settling", "committing")


class Failing(Hooks):
    """Raises in everything that takes time, at one of its moments."""

    def __init__(self, moment: str, error: BaseException) -> None:
        self._moment = moment
        self._error = error
        for kind in KINDS:
            setattr(self, kind, self._call)

    def _call(self, event: Event) -> Any:
        if self._moment == "call":
            raise self._error
        return self._around()

    @contextmanager
    def _around(self) -> Iterator[None]:
        if self._moment == "enter":
            raise self._error
        try:
            yield
        finally:
            if self._moment == "exit":
                raise self._error

    def retrying(self, retry: Retry) -> None:
        raise self._error

    def lease_lost(self, lost: LeaseLost) -> None:
        raise self._error


@pytest.mark.parametrize("moment", ["call", "enter", "exit"])
async def test_hooks_that_fail_wherever_they_are_called_change_nothing(queen_broker: QueenBroker, moment: str) -> None:
    notes, seen = Notes(), []
    hooks = [notes, Failing(moment, RuntimeError("hook")), Notes()]
    async with Queen(queen_broker.url, hooks=hooks, retry_delay_millis=1) as queen:
        queen_broker.fail_next(1, operation="push")
        await queen.queue("q").push([{"data": 1}, {"data": 2}])
        await queen.queue("q").buffer().push([{"data": 3}])
        await queen.flush_all_buffers()
        [first] = await queen.queue("q").pop()
        await queen.transaction().ack(first).queue("q").push([{"data": 4}]).commit()

        def handler(message: Message) -> None:
            seen.append(message.data)
            if seen == [2]:
                raise ValueError("once")

        await queen.queue("q").limit(4).consume(handler)
    assert [stored.data for stored in queen_broker.pushed()] == [1, 2, 3, 4]
    assert seen == [2, 2, 3, 4]
    assert [stored.data for stored in queen_broker.acked("q")] == [1, 2, 3, 4]
    assert {type(told) for told in notes.told} >= {Push, Flush, Pop, Process, Settlement, Commit, Retry}


@pytest.mark.parametrize("moment", ["call", "enter", "exit"])
async def test_a_cancellation_in_a_hook_passes_when_the_others_are_left(queen_broker: QueenBroker, moment: str) -> None:
    before, behind, cancelled = Notes(), Notes(), asyncio.CancelledError("in a hook")
    hooks = [before, Failing(moment, cancelled), behind]
    async with Queen(queen_broker.url, hooks=hooks) as queen:
        with pytest.raises(asyncio.CancelledError) as raised:
            await queen.queue("q").push([{"data": 1}])
    assert raised.value is cancelled
    [push] = before.of(Push)
    assert push.seconds < 60
    if moment == "exit":
        assert (push.error, len(behind.of(Push)), len(queen_broker.pushed())) == (None, 1, 1)
    else:
        assert (push.error, behind.of(Push), queen_broker.pushed()) == (cancelled, [], [])


async def test_hooks_are_left_in_the_reverse_order(queen_broker: QueenBroker) -> None:
    order: List[Tuple[str, str]] = []

    class Ordered(Hooks):
        def __init__(self, name: str) -> None:
            self._name = name

        @contextmanager
        def pushing(self, push: Push) -> Iterator[None]:
            order.append(("enter", self._name))
            yield
            order.append(("leave", self._name))

    async with Queen(queen_broker.url, hooks=[Ordered("a"), Ordered("b")]) as queen:
        await queen.queue("q").push([{"data": 1}])
    assert order == [("enter", "a"), ("enter", "b"), ("leave", "b"), ("leave", "a")]


async def test_the_log_names_the_hook_that_failed(queen_broker: QueenBroker, caplog: pytest.LogCaptureFixture) -> None:
    class Absent(Hooks):
        @contextmanager
        def pushing(self, push: Push) -> Iterator[None]:
            yield
            raise RuntimeError("at the end")

    async with Queen(queen_broker.url, hooks=[Absent()]) as queen:
        await queen.queue("q").push([{"data": 1}])
    [record] = [record for record in caplog.records if "Hooks" in record.getMessage()]
    assert "Absent.pushing" in record.getMessage()


async def test_cancelled_operations_are_told_and_lose_nothing(queen_broker: QueenBroker) -> None:
    notes, started = Notes(), asyncio.Event()
    async with Queen(queen_broker.url, hooks=[notes]) as queen:

        async def handler(_: Message) -> None:
            started.set()
            await asyncio.Event().wait()

        await queen.queue("q").push([{"data": 1}])
        consuming = asyncio.create_task(queen.queue("q").group("g").consume(handler))
        await started.wait()
        consuming.cancel()
        with pytest.raises(asyncio.CancelledError):
            await consuming
        [process] = notes.of(Process)
        assert isinstance(process.error, asyncio.CancelledError)
        assert notes.of(Settlement) == []
        queen_broker.expire_leases()
        [again] = await queen.queue("q").group("g").pop()
        assert again.data == 1


async def test_a_cancelled_push_is_told(queen_broker: QueenBroker) -> None:
    notes = Notes()
    async with Queen(queen_broker.url, hooks=[notes]) as queen:
        pushing = asyncio.ensure_future(queen.queue("q").push([{"data": 1}]))
        await asyncio.sleep(0)
        pushing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pushing
    [push] = notes.of(Push)
    assert isinstance(push.error, asyncio.CancelledError)
    assert push.results is None


async def test_only_what_a_hook_overrides_is_called(queen_broker: QueenBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pushes(Hooks):
        pushes = 0

        @contextmanager
        def pushing(self, push: Push) -> Iterator[None]:
            self.pushes += 1
            yield

    called: List[str] = []
    for kind in (*KINDS, "opened", "retrying", "lease_lost"):
        monkeypatch.setattr(Hooks, kind, lambda self, event, kind=kind: called.append(kind))
    hook = Pushes()
    async with Queen(queen_broker.url, hooks=[hook]) as queen:
        await queen.queue("q").push([{"data": 1}])
        await queen.queue("q").limit(1).consume(lambda message: None)
    assert (hook.pushes, called) == (1, [])


def test_without_hooks_nothing_of_them_is_imported() -> None:
    program = """
import asyncio, sys
from queen import Queen

async def main():
    async with Queen("memory://no-hooks") as queen:
        await queen.queue("q").push([{"data": 1}])
        await queen.queue("q").buffer().push([{"data": 2}])
        await queen.flush_all_buffers()
        await queen.queue("q").limit(1).consume(lambda message: None)
        [message] = await queen.queue("q").pop()
        await queen.transaction().ack(message).queue("q").push([{"data": 3}]).commit()

asyncio.run(main())
print([name for name in sys.modules if "hook" in name and name.startswith("queen")])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


async def test_what_is_told_holds_no_secrets() -> None:
    notes = Notes()
    options = {"hooks": [notes], "retry_attempts": 1, "retry_delay_millis": 1, "headers": {"x-key": "s3cret-key"}}
    async with Queen("http://somebody:s3cret-word@127.0.0.1:1", **options) as queen:
        with pytest.raises(QueenError):
            await queen.queue("q").push([{"data": 1}])
    async with Queen("http://127.0.0.1:1", bearer_token="s3cret-token", **options) as queen:
        with pytest.raises(QueenError):
            await queen.queue("q").push([{"data": 1}])
    assert len(notes.of(Push)) == 2
    assert notes.of(Retry)
    shown = [repr(told) + str(getattr(told, "error", "")) + repr(getattr(told, "servers", "")) for told in notes.told]
    assert "s3cret" not in "".join(shown)
