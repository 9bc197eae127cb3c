"""Windows of time: clicks are counted by the second and page (server 0.7, and the embedded broker).

A window is closed by newer messages, not by the clock: each source queue needs a message from after the window's end
and its grace period. That is why the program pushes a last one, which is in none of the windows that it waits for.
"""

from __future__ import annotations

import argparse
import asyncio
import time
import uuid
from typing import Dict

from queen import Queen, Window

CLICKS = [("/home", 12), ("/cart", 30), ("/home", 8)]


async def main(url: str) -> None:
    run = uuid.uuid4().hex[:6]
    clicks, stream = f"clicks-{run}", f"seconds-{run}"
    async with Queen(url) as queen:
        await queen.queue(clicks).create()
        await queen.stream(stream, "examples").sources([clicks]).tumbling_time(1).grace_period(0).define()

        await begin_of_a_second()
        for page, millis in CLICKS:
            await queen.queue(clicks).push([{"data": {"page": page, "millis": millis}}])
        await begin_of_a_second()
        await queen.queue(clicks).push([{"data": {"page": "/home", "millis": 5}}])

        consumer = queen.consumer(stream, "statistics")

        async def show(window: Window) -> None:
            print(
                f"a window of {(window.end - window.start).total_seconds():g} second with {len(window.messages)} clicks"
            )
            print(f"  {window.aggregate({'count': True, 'avg': ['data.millis'], 'max': ['data.millis']})}")
            pages: Dict[str, int] = {page: len(found) for page, found in window.group_by("data.page").items()}
            print(f"  {pages}")
            # A program that runs on hands `process` a signal, as `consume` takes it.
            consumer.stop()

        await consumer.process(show)
        await queen.admin.delete_stream(stream)
        await queen.queue(clicks).delete()


async def begin_of_a_second() -> None:
    """Windows begin at whole seconds: the clicks of this program shall be in one."""
    await asyncio.sleep(1.02 - time.time() % 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="memory://windows", help="a Queen server; the embedded broker by default")
    asyncio.run(main(parser.parse_args().url))
