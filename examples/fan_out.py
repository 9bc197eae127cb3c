"""Fan-out: each consumer group reads every message, at its own pace; the workers of one group share them.

Nobody tells the producer who reads. A group that comes later starts at the beginning, or with what is new from now on.
"""

from __future__ import annotations

import argparse
import asyncio
import uuid
from typing import Dict, List

from queen import Message, Queen


async def main(url: str) -> None:
    events = f"events-{uuid.uuid4().hex[:6]}"
    async with Queen(url) as queen:
        await queen.queue(events).create()
        for user in ("alice", "bob", "carol"):
            await queen.queue(events).partition(user).push([{"data": f"{user} signed up"}])

        seen: Dict[str, List[str]] = {"mail 1": [], "mail 2": [], "audit": [], "monitor": []}
        # A group that wants only what is new begins at its first pop, to the millisecond.
        await asyncio.sleep(0.01)
        monitor = queen.queue(events).group("monitor").subscription_mode("new")
        await monitor.pop()

        for user in ("alice", "bob"):
            await queen.queue(events).partition(user).push([{"data": f"{user} logged in"}])

        await asyncio.gather(
            consume(queen, events, "mail", seen["mail 1"]),
            consume(queen, events, "mail", seen["mail 2"]),
            audit(queen, events, seen["audit"]),
            monitor.idle_millis(400).consume(lambda message: seen["monitor"].append(message.data)),
        )

        shared = seen["mail 1"] + seen["mail 2"]
        print(f"mail, two workers: {len(shared)} events between them, none twice: {len(set(shared)) == len(shared)}")
        print(f"audit: {len(seen['audit'])} events")
        print(f"monitor, new ones only: {sorted(seen['monitor'])}")
        await queen.queue(events).delete()


async def consume(queen: Queen, events: str, group: str, seen: List[str]) -> None:
    async def handler(message: Message) -> None:
        await asyncio.sleep(0.01)
        seen.append(message.data)

    await queen.queue(events).group(group).idle_millis(400).consume(handler)


async def audit(queen: Queen, events: str, seen: List[str]) -> None:
    def handler(messages: List[Message]) -> None:
        seen.extend(message.data for message in messages)

    # A group that wants throughput takes batches.
    await queen.queue(events).group("audit").batch(100).partitions(10).idle_millis(400).consume(handler)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="memory://fan-out", help="a Queen server; the embedded broker by default")
    asyncio.run(main(parser.parse_args().url))
