"""Typed payloads without ``await``."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass
from typing import List

import pytest

pytest.importorskip("msgspec")

from queen import PayloadError
from queen.sync import Message, Queen


@dataclass
class Order:
    id: int


def test_pushes_take_instances_and_messages_give_them(client: Queen) -> None:
    orders = client.queue("orders", model=Order)
    assert [result["status"] for result in orders.push([Order(1), {"data": Order(2), "transactionId": "o-2"}])]
    assert orders.buffer().push(Order(3))["buffered"]
    client.flush_all_buffers()
    messages = orders.batch(3).pop()
    assert [message.data for message in messages] == [Order(1), Order(2), Order(3)]
    first = messages[0]
    assert isinstance(first, Message)
    assert (first["data"], first.data is first.data) == ({"id": 1}, True)
    copied = copy.copy(first)
    assert (copied.data, type(copied)) == (Order(1), type(first))
    restored = pickle.loads(pickle.dumps(first))
    assert (restored.data, restored.lease_id) == (Order(1), first.lease_id)
    transaction = client.transaction().ack(messages[:2]).queue("next", model=Order).push(Order(4))
    assert transaction.commit()["success"]
    assert copy.copy(messages[2]).ack()["success"]
    assert client.queue("next", model=Order).pop()[0].data == Order(4)


def test_handlers_get_instances_and_misfits_are_dead_letters(client: Queen) -> None:
    client.queue("orders").push([{"data": {"id": 1}}, {"data": {"id": "two"}}, {"data": {"id": 3}}])
    seen: List[Order] = []
    client.queue("orders", model=Order).idle_millis(50).consume(lambda message: seen.append(message.data))
    assert seen == [Order(1), Order(3)]
    [letter] = client.queue("orders").dlq().get()["messages"]
    assert letter["data"] == {"id": "two"}


def test_a_misfit_is_told_as_the_message_that_it_is(client: Queen) -> None:
    client.queue("orders").push({"data": {"id": "two"}})
    told: List[Message[Order]] = []

    def on_error(message: Message[Order], error: Exception) -> None:
        assert isinstance(error, PayloadError)
        with pytest.raises(PayloadError):
            _ = message.data
        told.append(message)
        message.ack()

    orders = client.queue("orders", model=Order, misfits="error")
    orders.limit(1).consume(lambda message: None, on_error=on_error)
    assert [type(message).__module__ for message in told] == ["queen.sync.typed_message"]


def test_wrong_instances_and_models_are_refused(client: Queen) -> None:
    with pytest.raises(TypeError, match=r"items\[1\]"):
        client.queue("orders", model=Order).push([Order(1), "two"])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="model="):
        client.queue("orders", model=5)  # type: ignore[call-overload]
    assert client.queue("orders").pop() == []
