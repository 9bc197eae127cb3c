"""Workers that end gracefully: on SIGTERM or Ctrl-C they finish what they have in hand and give back the rest.

The library installs no signal handlers: a program asks for them itself, and hands `consume` an event to end by. Here
it sends itself the signal in the middle of its work, as a container platform would, and then goes on as its next start
would.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import uuid
from typing import List

from queen import Message, Queen

CUSTOMERS = ["alice", "bob", "carol", "dave"]


async def main(url: str) -> None:
    jobs = f"jobs-{uuid.uuid4().hex[:6]}"
    async with Queen(url) as queen:
        await queen.queue(jobs).config({"leaseTime": 60}).create()
        for customer in CUSTOMERS:
            await queen.queue(jobs).partition(customer).push([{"data": f"{customer} {n}"} for n in range(5)])
        print("20 jobs, those of each customer in order; three workers")

        done = await work(queen, jobs, stopping_after=8)
        print(f"stopped with {len(done)} jobs done, none in the middle")

        done += await work(queen, jobs)
        print(f"the next start did the others: {len(set(done))} jobs done, {len(done) - len(set(done))} twice")
        await queen.queue(jobs).delete()


async def work(queen: Queen, jobs: str, stopping_after: int = 0) -> List[str]:
    """Work until there is nothing to do, or a signal comes; what was done."""
    done: List[str] = []
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    async def handler(job: Message) -> None:
        await asyncio.sleep(0.01)  # the work
        done.append(job.data)
        if len(done) == stopping_after:
            print("SIGTERM")
            os.kill(os.getpid(), signal.SIGTERM)

    try:
        # A lease that is renewed need not be as long as the longest job.
        workers = queen.queue(jobs).group("workers").concurrency(3).batch(5).each().renew_lease(True, 20_000)
        await workers.idle_millis(300).consume(handler, signal=stop)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
    return done


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="memory://workers", help="a Queen server; the embedded broker by default")
    asyncio.run(main(parser.parse_args().url))
