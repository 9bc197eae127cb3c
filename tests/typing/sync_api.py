"""The sync client as a type checker sees it. Read by mypy --strict and pyright, never run."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Dict, List, Union

from queen_api.api import dlq, system
from queen_api.models import ConfigureAnswer, DeadLetterList, DefineStreamAnswer, Health, NoValue, Overview
from typing_extensions import TypedDict, assert_type

from queen import (
    AckResponse,
    BufferedResponse,
    BufferStats,
    ConsumerLag,
    ConsumerStatus,
    DLQResponse,
    GroupResetResponse,
    PushResponse,
    RedriveResponse,
    RenewResponse,
    ServerHealth,
    TraceResponse,
    TransactionResponse,
    Window,
)
from queen.sync import ConsumerHandle, Message, Queen


class Order(TypedDict):
    id: int


@dataclass
class Parcel:
    weight: float


def clients() -> None:
    Queen(["http://a:6632", "http://b:6632"])
    Queen({"urls": ["http://a:6632"], "timeout_millis": 30000})
    Queen("http://localhost:6632", retry_attempts=1)
    with Queen("memory://x") as queen:
        assert_type(queen, Queen)


def results(queen: Queen, message: Message) -> None:
    assert_type(queen.queue("q").create(), ConfigureAnswer)
    assert_type(queen.queue("q").push([{"data": 1}]), List[PushResponse])
    assert_type(queen.queue("q").partition("p").batch(2).pop(), List[Message])
    assert_type(queen.ack(message, True), AckResponse)
    assert_type(queen.ack([message], True), List[AckResponse])
    assert_type(queen.renew(message), RenewResponse)
    assert_type(queen.renew("lease"), RenewResponse)
    assert_type(queen.renew([message]), List[RenewResponse])
    assert_type(queen.transaction().ack(message).queue("q").push([{"data": 1}]).commit(), TransactionResponse)
    assert_type(queen.queue("q").dlq().limit(1).get(), DLQResponse)
    assert_type(queen.queue("q").dlq("g").redrive(limit=1, to_queue="p", dry_run=True), RedriveResponse)
    assert_type(queen.send(system.health()), Health)
    assert_type(queen.send(dlq.list_dead_letters(queue="orders")), Union[DeadLetterList, NoValue])
    assert_type(queen.update_consumer_group_timestamp("g", "2026-01-31T10:00:00Z"), GroupResetResponse)
    assert_type(queen.admin.get_overview(), Overview)
    assert_type(queen.close(), None)


def buffers(queen: Queen) -> None:
    buffered = queen.queue("q").buffer({"message_count": 500}).partition("p")
    assert_type(buffered.push([{"data": 1}]), BufferedResponse)
    assert_type(buffered.push([{"data": 1}], on_success=lambda items: None), BufferedResponse)
    assert_type(queen.flush_all_buffers(), None)
    assert_type(queen.get_buffer_stats(), BufferStats)
    assert_type(queen.recover_outbox(Path("outbox.db"), on_error=lambda items, error: None), int)


def consuming(queen: Queen) -> None:
    def handler(message: Message) -> None:
        data: Dict[str, Any] = message["data"]
        del data

    def several(messages: List[Message]) -> int:
        return len(messages)

    def lost(messages: List[Message], error: Exception) -> None:
        assert_type(messages[0].nack(), AckResponse)

    assert_type(queen.queue("orders").consume(handler, signal=threading.Event()), None)
    queen.queue("q").batch(2).consume(several, on_success=lambda found, result: None, on_lease_lost=lost)


def streams(queen: Queen) -> None:
    def callback(window: Window) -> None:
        assert_type(window.start, datetime)

    assert_type(queen.stream("s", "n").sources(["q"]).tumbling_time(60).define(), DefineStreamAnswer)
    consumer = queen.consumer("s", "g")
    assert_type(consumer.process(callback, signal=threading.Event()), None)
    assert_type(consumer.stop(), None)


def models(queen: Queen, parcel: Parcel) -> None:
    def one(message: Message[Parcel]) -> None:
        assert_type(message.data.weight, float)

    def several(messages: List[Message[Parcel]]) -> int:
        return len(messages)

    parcels = queen.queue("parcels", model=Parcel)
    [message] = parcels.group("g").batch(10).wait().pop()
    assert_type(message, Message[Parcel])
    assert_type(message.data, Parcel)
    assert_type(parcels.push([parcel, {"data": parcel, "transactionId": "p-1"}]), List[PushResponse])
    assert_type(parcels.buffer().partition("p").push(parcel), BufferedResponse)
    assert_type(parcels.consume(one), None)
    assert_type(parcels.start_consuming(one), ConsumerHandle)
    parcels.batch(2).consume(several)
    parcels.consume(lambda message: message.data.weight)
    transaction = queen.transaction().ack(message).queue("next", model=Parcel).partition("p").push([parcel])
    assert_type(transaction.commit(), TransactionResponse)


def handles(queen: Queen) -> None:
    with queen.queue("q").start_consuming(print) as handle:
        assert_type(handle, ConsumerHandle)
        assert_type(handle.status(), ConsumerStatus)
        assert_type(handle.lag(), ConsumerLag)
    assert_type(queen.health(), List[ServerHealth])


def messages(message: Message, order: Message[Order]) -> None:
    assert_type(order.data, Order)
    assert_type(message.transaction_id, str)
    assert_type(message.ack(), AckResponse)
    assert_type(message.renew(60), RenewResponse)
    assert_type(message.trace({"data": {"text": "started"}}), TraceResponse)
