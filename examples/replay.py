"""Replay: messages stay when they are consumed, and a group can read them again.

A report that was wrong from some time on is computed again from there: its group is moved back (server 0.15). Another
group that starts at that time leaves the first one alone, and works with every server.
"""

from __future__ import annotations

import argparse
import asyncio
import uuid
from datetime import datetime, timezone
from typing import Callable, List, Optional

from queen import Message, Queen
from queen.errors import UnsupportedByServerError

Rate = Callable[[float], float]


async def main(url: str) -> None:
    sales = f"sales-{uuid.uuid4().hex[:6]}"
    async with Queen(url) as queen:
        await queen.queue(sales).create()
        await queen.queue(sales).push([{"data": 10.0}, {"data": 20.0}])
        await asyncio.sleep(0.05)
        new_rate_from = datetime.now(timezone.utc)
        await asyncio.sleep(0.05)
        await queen.queue(sales).push([{"data": 30.0}, {"data": 40.0}])

        taxes = await report(queen, sales, "tax", lambda amount: amount * 0.19)
        print(f"all sales, at the old rate: {taxes}")

        try:
            await queen.admin.seek_consumer_group("tax", sales, timestamp=new_rate_from)
        except UnsupportedByServerError:
            print("this server moves no groups back")
        else:
            taxes = await report(queen, sales, "tax", lambda amount: amount * 0.2)
            print(f"the group was moved back, sales since then at the new rate: {taxes}")

        taxes = await report(queen, sales, "check", lambda amount: amount * 0.2, since=new_rate_from)
        print(f"another group that starts there: {taxes}")
        await queen.queue(sales).delete()


async def report(queen: Queen, sales: str, group: str, tax: Rate, since: Optional[datetime] = None) -> List[float]:
    taxes: List[float] = []

    def handler(message: Message) -> None:
        taxes.append(round(tax(message.data), 2))

    reading = queen.queue(sales).group(group).idle_millis(300)
    if since is not None:
        # Only for a group that has not read this queue yet: later it goes on where it was.
        reading = reading.subscription_from(since)
    await reading.consume(handler)
    return taxes


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="memory://replay", help="a Queen server; the embedded broker by default")
    asyncio.run(main(parser.parse_args().url))
