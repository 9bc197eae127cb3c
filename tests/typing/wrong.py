"""Wrong uses that a type checker must refuse: each ignore fails the check when its error goes away."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import ContextManager, List

from queen import Hooks, Message, Queen
from queen.hooks import Flush, Pop, Retry


@dataclass
class Order:
    id: int


@dataclass
class Parcel:
    weight: float


async def wrong(queen: Queen, message: Message) -> None:
    Queen(6632)  # type: ignore[arg-type]  # a port is no URL
    queen.queue(5)  # type: ignore[call-overload]  # names are text
    queen.queue("q").batch("10")  # type: ignore[arg-type]  # a number
    queen.queue("q").consume(None)  # type: ignore[arg-type]  # no handler
    queen.queue("q").push(5)  # type: ignore[arg-type]  # no items
    await queen.renew(5)  # type: ignore[call-overload]  # neither message nor lease
    message.lease_id.upper()  # type: ignore[union-attr]  # there may be no lease
    await queen.send("health")  # type: ignore[arg-type]  # no request
    await queen.queue("q").dlq().redrive(10)  # type: ignore[call-arg]  # its options are said by name
    await queen.queue("q").dlq().purge(True)  # type: ignore[call-arg]  # its options are said by name
    await queen.admin.seek_consumer_group("g", "q", "2026-01-31")  # type: ignore[call-arg]  # where to is said by name
    await queen.admin.list_messages(limit="10")  # type: ignore[arg-type]  # a number


class WrongHooks(Hooks):
    def pushing(self, push: Flush) -> ContextManager[object]:  # type: ignore[override]  # told of another thing
        return nullcontext(push)

    def popping(self, pop: Pop) -> None:  # type: ignore[override]  # no context manager
        pop.messages.append(pop.messages[0])  # type: ignore[attr-defined]  # what was found stays as it is

    def retrying(self, retry: Retry) -> None:
        retry.attempt = 1  # type: ignore[misc]  # a fact


async def wrong_with_models(queen: Queen, order: Order, parcel: Parcel) -> None:
    def parcels(message: Message[Parcel]) -> None: ...

    def many_parcels(messages: List[Message[Parcel]]) -> None: ...

    queue = queen.queue("q", model=Order)
    queen.queue("q", model=order)  # type: ignore[call-overload]  # no class
    queen.queue("q", model=Order, misfits="drop")  # type: ignore[call-overload]  # no such choice
    queen.queue("q", misfits="error")  # type: ignore[call-overload]  # without a model
    queue.push(5)  # type: ignore[arg-type]  # no order
    queue.push(parcel)  # type: ignore[arg-type]  # no order
    queue.push([order, parcel])  # type: ignore[list-item]  # not each an order
    queue.push([{"id": 1}])  # type: ignore[list-item]  # no item
    queue.push([{"data": parcel}])  # type: ignore[list-item]  # no order in it
    queue.buffer().partition("p").push(parcel)  # type: ignore[arg-type]  # no order
    queen.transaction().queue("q", model=Order).partition("p").push([parcel])  # type: ignore[list-item]  # no order
    queue.consume(parcels)  # type: ignore[arg-type]  # a handler of something else
    queue.batch(2).consume(many_parcels)  # type: ignore[arg-type]  # of something else
    assert (await queue.pop())[0].data.weight  # type: ignore[attr-defined]  # an order has none
