"""Payloads as objects: producers push instances of a model, handlers get them, and what does not fit is a dead letter.

The model is a dataclass, read and written by msgspec (`pip install "queen-mq[typed]"`); attrs classes, TypedDicts,
msgspec Structs and pydantic models do as well. On the wire it is JSON: here another program, which knows no model, gets
it wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from typing import List

from queen import Message, Queen


@dataclass
class Line:
    item: str
    price: Decimal
    count: int = 1

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError("an order of nothing")


@dataclass
class Order:
    customer: str
    lines: List[Line] = field(default_factory=list)


async def main(url: str) -> None:
    name = f"orders-{uuid.uuid4().hex[:6]}"
    async with Queen(url) as queen:
        orders = queen.queue(name, model=Order)
        await orders.create()

        teapot, cup = Line("teapot", Decimal("24.50")), Line("cup", Decimal("6.00"), 4)
        await orders.push([Order("alice", [teapot, cup]), Order("bob", [cup])])

        # Another program, in another language perhaps.
        for customer, line in (
            ("carol", {"item": "pot", "price": "many"}),
            ("dave", {"item": "pot", "price": "9", "count": 0}),
        ):
            await queen.queue(name).push([{"data": {"customer": customer, "lines": [line]}}])

        try:
            cup.count = 0
            await orders.push(Order("erin", [cup]))
        except ValueError as error:
            print("not pushed:", str(error).partition("does not fit ")[2])

        async def bill(message: Message[Order]) -> None:
            order = message.data
            print(order.customer, "pays", sum(line.price * line.count for line in order.lines))

        await orders.group("billing").limit(4).consume(bill)
        for letter in (await queen.queue(name).dlq("billing").get())["messages"][::-1]:
            print(letter["data"]["customer"], "pays nothing:", letter["errorMessage"])
        await queen.queue(name).delete()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="memory://typed", help="a Queen server; the embedded broker by default")
    asyncio.run(main(parser.parse_args().url))
