"""Dead letters: what a group gave up on is kept with the reason, and is tried again when the cause is mended.

A message that fails comes again until the queue's `retryLimit`; then it is a dead letter of that group, and the group
goes on behind it. `redrive` pushes each dead letter once, however often it is said.
"""

from __future__ import annotations

import argparse
import asyncio
import uuid
from typing import Dict, List

from queen import Message, Queen

PRICES = {"teapot": 24.5, "cup": 6.0}


async def main(url: str) -> None:
    orders = f"orders-{uuid.uuid4().hex[:6]}"
    async with Queen(url) as queen:
        await queen.queue(orders).config({"retryLimit": 2}).create()
        for customer, item in (("alice", "teapot"), ("bob", "kettle"), ("carol", "cup")):
            await queen.queue(orders).partition(customer).push([{"data": {"item": item}}])

        print(f"billed: {await bill(queen, orders, PRICES)}")

        letters = queen.queue(orders).dlq("billing")
        for letter in (await letters.get())["messages"]:
            print(f"given up on {letter['data']} after {letter['retryCount']} retries: {letter['errorMessage']}")

        plan = await letters.redrive(dry_run=True)
        print(f"a redrive would push {plan['pushed']} of {plan['found']}")
        done = await letters.redrive()
        print(f"redriven: {done['pushed']}, removed from the dead letters: {done['removed']}")

        print(f"billed, now that there is a price: {await bill(queen, orders, {**PRICES, 'kettle': 39.9})}")
        print(f"dead letters left: {(await letters.get())['total']}")
        await queen.queue(orders).delete()


async def bill(queen: Queen, orders: str, prices: Dict[str, float]) -> List[str]:
    billed: List[str] = []

    async def handler(order: Message) -> None:
        item = order.data["item"]
        if item not in prices:
            # What a handler raises is the reason; it is logged with its traceback, too.
            raise LookupError(f"no price for {item}")
        billed.append(f"{item} {prices[item]:.2f}")

    await queen.queue(orders).group("billing").idle_millis(400).consume(handler)
    return sorted(billed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="memory://dead-letters", help="a Queen server; the embedded broker by default")
    asyncio.run(main(parser.parse_args().url))
