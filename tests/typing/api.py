"""The public API as a type checker sees it. Read by mypy --strict and pyright, never run."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, ContextManager, Dict, Generic, Iterator, List, Mapping, Optional, Sequence, TypeVar, Union

import attrs
import msgspec
from pydantic import BaseModel
from queen_api.api import dlq, system
from queen_api.models import (
    DeadLetterList,
    DefineStreamAnswer,
    GroupSummary,
    Health,
    MessageDetail,
    NoValue,
    Overview,
    PushItem,
    SeekAnswer,
)
from typing_extensions import TypedDict, assert_type

from queen import (
    AckResponse,
    BufferedResponse,
    BufferStats,
    ConsumerHandle,
    ConsumerLag,
    ConsumerStatus,
    DLQResponse,
    GroupResetResponse,
    Hooks,
    Message,
    PurgeResponse,
    PushResponse,
    Queen,
    RedriveResponse,
    RenewResponse,
    ServerHealth,
    TransactionResponse,
    TypedItem,
    Window,
)
from queen.hooks import ClientOpened, Process, Push, Retry


class Order(TypedDict):
    id: int


async def clients() -> None:
    Queen("http://localhost:6632")
    Queen(["http://a:6632", "http://b:6632"])
    Queen({"urls": ["http://a:6632"], "timeout_millis": 30000})
    Queen("http://localhost:6632", retry_attempts=1)
    async with Queen("memory://x") as queen:
        assert_type(queen, Queen)


async def guide(queen: Queen) -> None:
    async def handler(message: Message) -> None:
        data: Dict[str, Any] = message["data"]
        del data

    await queen.queue("orders").consume(handler)


async def results(queen: Queen, message: Message) -> None:
    assert_type(await queen.queue("q").push([{"data": 1}]), List[PushResponse])
    assert_type(await queen.queue("q").pop(), List[Message])
    assert_type(await queen.ack(message, True), AckResponse)
    assert_type(await queen.ack([message], True), List[AckResponse])
    assert_type(await queen.renew(message), RenewResponse)
    assert_type(await queen.renew("lease"), RenewResponse)
    assert_type(await queen.renew([message]), List[RenewResponse])
    assert_type(await queen.transaction().ack(message).queue("q").push([{"data": 1}]).commit(), TransactionResponse)
    assert_type(await queen.queue("q").dlq().limit(1).get(), DLQResponse)
    assert_type(await queen.queue("q").dlq("g").redrive(limit=1, to_queue="p", dry_run=True), RedriveResponse)
    assert_type(await queen.queue("q").dlq("g").purge(dry_run=True, remove=True), PurgeResponse)
    assert_type(await queen.send(system.health()), Health)
    assert_type(await queen.send(dlq.list_dead_letters(queue="orders")), Union[DeadLetterList, NoValue])


async def buffers(queen: Queen) -> None:
    buffered = queen.queue("q").buffer({"message_count": 500}).partition("p")
    assert_type(await buffered.push([{"data": 1}]), BufferedResponse)
    assert_type(await buffered.push([{"data": 1}]).on_success(lambda items: None), BufferedResponse)
    assert_type(await queen.flush_all_buffers(), None)
    assert_type(queen.get_buffer_stats(), BufferStats)
    await queen.queue("q").buffer({"durable": Path("outbox.db")}).push([{"data": 1}])
    assert_type(await queen.recover_outbox(Path("outbox.db"), on_error=lambda items, error: None), int)
    assert_type(await queen.recover_outbox("outbox.db"), int)


@dataclass
class Parcel:
    weight: float


@attrs.define
class Stamp:
    price: int


class Letter(msgspec.Struct):
    text: str


class Invoice(BaseModel):
    total: Decimal


Content = TypeVar("Content")


@dataclass
class Box(Generic[Content]):
    content: Content


async def models(queen: Queen, parcel: Parcel, order: Order) -> None:
    parcels = queen.queue("parcels", model=Parcel)
    [message] = await parcels.group("g").batch(10).wait().pop()
    assert_type(message, Message[Parcel])
    assert_type(message.data, Parcel)
    assert_type(message["data"], Any)
    assert_type(await parcels.push(parcel), List[PushResponse])
    assert_type(await parcels.push([parcel, parcel]), List[PushResponse])
    await parcels.push([{"data": parcel, "transactionId": "p-1"}, parcel, {"data": parcel}])
    await parcels.push({"data": parcel})
    await parcels.push(Parcel(n) for n in range(3))
    await parcels.push((parcel,))
    listed: List[TypedItem[Parcel]] = [{"data": parcel, "traceId": "0" * 32}]
    await parcels.push(listed)
    assert_type(await parcels.buffer().partition("p").push([parcel]), BufferedResponse)
    assert_type(await parcels.buffer().pop(), List[Message[Parcel]])
    transaction = queen.transaction().ack(message).queue("next", model=Parcel).partition("p").push([parcel])
    assert_type(await transaction.commit(), TransactionResponse)

    assert_type((await queen.queue("q", model=Stamp).pop())[0].data, Stamp)
    assert_type((await queen.queue("q", model=Letter).pop())[0].data, Letter)
    assert_type((await queen.queue("q", model=Invoice).pop())[0].data, Invoice)
    assert_type((await queen.queue("q", model=Box[int]).pop())[0].data, Box[int])
    assert_type((await queen.queue(model=Stamp).namespace("n").pop())[0].data, Stamp)
    orders = queen.queue("q", model=Order, misfits="error")
    assert_type((await orders.pop())[0].data, Order)
    await orders.push([{"data": order}])
    await orders.push([{"data": {"id": 1}, "transactionId": "o-1"}])


async def handlers(queen: Queen) -> None:
    async def one(message: Message[Parcel]) -> None:
        assert_type(message.data.weight, float)

    def several(messages: List[Message[Parcel]]) -> int:
        return len(messages)

    def any_of_them(messages: Sequence[Message]) -> None: ...

    def a_dict(message: Dict[str, Any]) -> None: ...

    parcels = queen.queue("parcels", model=Parcel)
    seen: List[Message[Parcel]] = []
    assert_type(await parcels.consume(one).on_error(lambda message, error: None), None)
    await parcels.batch(2).consume(several)
    await parcels.batch(2).consume(any_of_them)
    await parcels.consume(a_dict)
    await parcels.consume(seen.append)
    await parcels.consume(lambda message: message.data.weight)

    # Without a model, whatever takes a message or a list of them.
    untyped: List[Message] = []
    await queen.queue("q").consume(untyped.append)
    await queen.queue("q").consume(one)
    await queen.queue("q").batch(2).consume(several)
    await queen.queue("q").batch(2).consume(any_of_them)
    await queen.queue("q").consume(a_dict)
    await queen.queue("q").consume(lambda message: message.data["weight"])
    await queen.queue("q").batch(2).consume(lambda messages: [message.data for message in messages])


async def streams(queen: Queen) -> None:
    def callback(window: Window) -> None:
        assert_type(window.start, datetime)
        assert_type(window.filter(lambda message: message["data"]["n"] > 1), Window)
        assert_type(window.size(), int)

    defined = await queen.stream("s", "n").sources(["q"]).partitioned().tumbling_time(60).define()
    assert_type(defined, DefineStreamAnswer)
    consumer = queen.consumer("s", "g")
    assert_type(await consumer.process(callback, signal=asyncio.Event()), None)
    assert_type(consumer.stop(), None)


async def groups(queen: Queen) -> None:
    assert_type(await queen.update_consumer_group_timestamp("g", "2026-01-31T10:00:00Z"), GroupResetResponse)


async def administration(queen: Queen) -> None:
    assert_type(await queen.admin.get_overview(), Overview)
    assert_type(await queen.admin.get_message("partition", "id"), MessageDetail)
    assert_type(await queen.admin.list_consumer_groups(), List[GroupSummary])
    assert_type(await queen.admin.seek_consumer_group("g", "q", timestamp=datetime.now(timezone.utc)), SeekAnswer)
    assert_type(await queen.admin.prometheus_metrics(), str)


async def messages(message: Message, order: Message[Order]) -> None:
    assert_type(order.data, Order)
    assert_type(message.transaction_id, str)
    assert_type(message.lease_id, Optional[str])
    assert_type(await message.ack(), AckResponse)
    await message["trace"]({"data": {"text": "started"}})


async def liveness(queen: Queen) -> None:
    assert_type(await queen.health(timeout_millis=500, clock=True), List[ServerHealth])
    handle = queen.queue("q").consume(lambda message: None).start()
    assert_type(handle, ConsumerHandle)
    assert_type(handle.status(), ConsumerStatus)
    assert_type(await handle.lag(), ConsumerLag)
    assert_type(handle.last_poll_at, Optional[datetime])
    assert_type(await handle, None)
    assert_type(await handle.stopped(), None)


class Counting(Hooks):
    def __init__(self) -> None:
        self.counts: Dict[str, int] = {}

    @contextmanager
    def pushing(self, push: Push) -> Iterator[None]:
        assert_type(push.items, Sequence[PushItem])
        for item in push.items:
            if push.made_id(item):
                item["transactionId"] = "other"
        yield
        assert_type(push.results, Optional[Sequence[PushResponse]])
        assert_type(push.seconds, Optional[float])
        assert_type(push.error, Optional[BaseException])

    def processing(self, process: Process) -> ContextManager[object]:
        self.counts[process.queue] = len(process.messages)
        return nullcontext()

    def opened(self, client: ClientOpened) -> None:
        assert_type(client.buffered(), Optional[Mapping[str, int]])

    def retrying(self, retry: Retry) -> None:
        assert_type(retry.attempt, int)


def hooks() -> None:
    counting: Hooks = Counting()
    Queen("memory://x", hooks=[counting, Counting()])


async def tasks(queen: Queen, signal: asyncio.Event) -> None:
    def handler(message: Message) -> int:
        return len(message)

    assert_type(await asyncio.create_task(queen.queue("q").consume(handler, signal=signal)), None)
    await queen.queue("q").batch(2).consume(lambda found: len(found)).on_success(lambda found, result: None)
