"""Orders through a queue with retries and dead letters: run it with ``make demo``.

Without arguments everything happens inside this process, on the embedded broker. ``--url http://localhost:6632`` runs
the same program against a server.
"""

from __future__ import annotations

import argparse
import asyncio
import uuid
from typing import Dict, List

from queen import Message, Queen

ORDERS: List[Dict[str, object]] = [
    {"customer": "alice", "item": "teapot", "price": 24.5},
    {"customer": "alice", "item": "cup", "price": 6.0},
    {"customer": "bob", "item": "kettle", "price": 39.9},
    {"customer": "bob", "item": "poison", "price": -1},
    {"customer": "carol", "item": "tea", "price": 8.2},
]


async def main(url: str) -> None:
    # Names of their own for each run, so that a server can be used many times.
    run = uuid.uuid4().hex[:6]
    orders, invoices = f"orders-{run}", f"invoices-{run}"

    async with Queen(url) as queen:
        print(f"1. two queues on {url}: {orders} (two retries, then a dead letter) and {invoices}")
        await queen.queue(orders).config({"leaseTime": 30, "retryLimit": 2, "dlqAfterMaxRetries": True}).create()
        await queen.queue(invoices).create()

        print("2. push: each customer is a partition, so that the orders of one customer keep their order")
        for order in ORDERS:
            [result] = await queen.queue(orders).partition(str(order["customer"])).push([{"data": order}])
            print(f"   {order['customer']:<6} {order['item']:<7} {result['status']}")

        print("3. two consumer groups read the same orders, each at its own pace")
        await asyncio.gather(bill(queen, orders), count(queen, orders))

        print("4. what billing gave up on is kept, with the reason")
        letters = await queen.queue(orders).dlq("billing").get()
        for letter in letters["messages"]:
            print(f"   {letter['data']} : {letter['errorMessage']} (after {letter['retryCount']} retries)")

        print("5. a transaction: acknowledge the order and push its invoice, both or neither")
        await invoice_first_order(queen, orders, invoices)

        for name in (orders, invoices):
            await queen.queue(name).delete()
    print("done")


async def bill(queen: Queen, orders: str) -> None:
    attempts: Dict[str, int] = {}

    async def handler(message: Message) -> None:
        order = message.data
        attempts[message.transaction_id] = attempts.get(message.transaction_id, 0) + 1
        if order["price"] < 0:
            attempt = attempts[message.transaction_id]
            print(f"   billing    {order['customer']:<6} {order['item']:<7} fails, attempt {attempt}")
            raise ValueError("the price is negative")
        print(f"   billing    {order['customer']:<6} {order['item']:<7} {order['price']:.2f}")

    await queen.queue(orders).group("billing").idle_millis(500).consume(handler)


async def count(queen: Queen, orders: str) -> None:
    items: List[str] = []

    def handler(messages: List[Message]) -> None:
        items.extend(message.data["item"] for message in messages)

    await queen.queue(orders).group("statistics").batch(10).idle_millis(500).consume(handler)
    print(f"   statistics counted {len(items)} items: {', '.join(sorted(items))}")


async def invoice_first_order(queen: Queen, orders: str, invoices: str) -> None:
    [order] = await queen.queue(orders).group("invoicing").partition("alice").pop()
    await queen.transaction().ack(order).queue(invoices).push([{"data": {"invoice": order.data["price"]}}]).commit()
    [invoice] = await queen.queue(invoices).pop()
    print(f"   {order.data['item']} was acknowledged, and its invoice is {invoice.data}")
    await invoice.ack()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="memory://quickstart", help="a Queen server; the embedded broker by default")
    asyncio.run(main(parser.parse_args().url))
