"""Wrong uses of the sync client: each ignore fails the check when its error goes away."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import queen
from queen.sync import Message, Queen


@dataclass
class Order:
    id: int


@dataclass
class Parcel:
    weight: float


async def awaited(client: Queen, message: Message) -> None:
    await client.queue("q").pop()  # type: ignore[misc]  # a list
    await message.ack()  # type: ignore[misc]  # a dict
    async with client:  # type: ignore[attr-defined]  # with
        pass


def wrong(client: Queen, message: Message, popped: queen.Message) -> None:
    client.queue("q").batch("10")  # type: ignore[arg-type]  # a number
    client.queue("q").push(5)  # type: ignore[arg-type]  # no items
    client.queue("q").push([{"data": 1}]).on_success(print)  # type: ignore[attr-defined]  # said with the push
    client.queue("q").push([{"data": 1}], on_success=5)  # type: ignore[arg-type]  # no function
    client.queue("q").consume(None)  # type: ignore[arg-type]  # no handler
    client.queue("q").consume(print, signal=asyncio.sleep)  # type: ignore[arg-type]  # no signal
    client.renew(5)  # type: ignore[call-overload]  # neither message nor lease
    client.admin.list_messages(limit="10")  # type: ignore[arg-type]  # a number
    other: Message = popped  # type: ignore[assignment]  # its actions are awaited
    del other


def wrong_with_models(client: Queen, parcel: Parcel) -> None:
    def parcels(message: Message[Parcel]) -> None: ...

    queue = client.queue("q", model=Order)
    queue.push(parcel)  # type: ignore[arg-type]  # no order
    queue.consume(parcels)  # type: ignore[arg-type]  # a handler of something else
    queue.start_consuming(parcels)  # type: ignore[arg-type]  # of something else
    assert queue.pop()[0].data.weight  # type: ignore[attr-defined]  # an order has none
    client.queue("q", misfits="error")  # type: ignore[call-overload]  # without a model
