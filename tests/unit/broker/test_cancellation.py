"""A caller that goes away while a file is written: what it did is told, what it took is given back."""

from __future__ import annotations

import asyncio
from pathlib import Path

from queen.broker import open_broker
from tests.unit.broker.conftest import Api, data
from tests.unit.broker.test_time import until_parked


async def cancelled_at_once(call: asyncio.Future[object]) -> None:
    # The first steps hand the work to the broker's thread; then the caller is gone.
    for _ in range(3):
        await asyncio.sleep(0)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)


async def test_a_pop_whose_caller_is_gone_gives_its_messages_back(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/queen.db"
    broker = open_broker(url)
    await Api(broker).push("q", 1)
    for _ in range(5):
        await cancelled_at_once(asyncio.ensure_future(Api(broker).pop("q")))
    await broker.close()
    again = open_broker(url)
    assert data(await Api(again).pop("q")) == [1]
    await again.close()


async def test_a_push_whose_caller_is_gone_wakes_a_poll_all_the_same(tmp_path: Path) -> None:
    broker = open_broker(f"sqlite:///{tmp_path}/queen.db")
    poll = asyncio.ensure_future(Api(broker).pop("q", wait="true", timeout=60_000))
    await until_parked(broker)
    await cancelled_at_once(asyncio.ensure_future(Api(broker).push("q", 1)))
    await Api(broker).push("unrelated", 0)
    stored = data(await Api(broker).pop("q", consumerGroup="audit"))
    if stored:
        assert data(await asyncio.wait_for(poll, 5)) == [1]
    poll.cancel()
    await asyncio.gather(poll, return_exceptions=True)
    await broker.close()
