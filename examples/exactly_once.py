"""Effects that happen exactly once, although a message may be delivered twice.

A worker may die after its work and before its ack; the message comes again then. Two ways to do no work twice: what
goes into another queue is pushed in the transaction that acknowledges; what goes into a database is written under the
message's transaction id, which is the same each time.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import uuid

from queen import Message, Queen

ORDERS = [{"id": 1, "price": 24.5}, {"id": 2, "price": 6.0}]


async def main(url: str) -> None:
    run = uuid.uuid4().hex[:6]
    orders, receipts = f"orders-{run}", f"receipts-{run}"
    async with Queen(url) as queen:
        for queue in (orders, receipts):
            await queen.queue(queue).create()
        # An id that the producer chooses: pushed twice, the order is stored once.
        for _ in range(2):
            await queen.queue(orders).push(
                [{"data": order, "transactionId": f"order-{order['id']}"} for order in ORDERS]
            )

        await push_and_ack_together(queen, orders, receipts)
        await write_under_the_id(queen, orders)
        for queue in (orders, receipts):
            await queen.queue(queue).delete()


async def push_and_ack_together(queen: Queen, orders: str, receipts: str) -> None:
    attempts = 0

    async def handler(order: Message) -> None:
        nonlocal attempts
        attempts += 1
        receipt = {"order": order.data["id"], "paid": order.data["price"]}
        transaction = queen.transaction().ack(order).queue(receipts).push([{"data": receipt}])
        if attempts == 1:
            raise RuntimeError("the worker fails before the commit")
        await transaction.commit()

    await queen.queue(orders).group("receipts").idle_millis(300).consume(handler)
    pushed = await queen.queue(receipts).batch(10).pop()
    print(f"{attempts} attempts, {len(pushed)} receipts: {[receipt.data for receipt in pushed]}")


async def write_under_the_id(queen: Queen, orders: str) -> None:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE payments (transaction_id TEXT PRIMARY KEY, amount REAL)")
    attempts = 0

    async def handler(order: Message) -> None:
        nonlocal attempts
        attempts += 1
        with database:
            database.execute(
                "INSERT INTO payments VALUES (?, ?) ON CONFLICT DO NOTHING", [order.transaction_id, order.data["price"]]
            )
        if attempts == 1:
            raise RuntimeError("the worker fails between the write and the ack")

    await queen.queue(orders).group("payments").idle_millis(300).consume(handler)
    payments = database.execute("SELECT * FROM payments").fetchall()
    print(f"{attempts} attempts, {len(payments)} payments: {payments}")
    database.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="memory://exactly-once", help="a Queen server; the embedded broker by default")
    asyncio.run(main(parser.parse_args().url))
