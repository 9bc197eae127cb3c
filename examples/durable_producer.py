"""A producer that loses nothing when it is killed: its buffer is also in a file, the outbox, until a server has it.

The program starts itself as a producer that reaches no server and is killed in the middle. What it had accepted is sent
by the next start, in order and once.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import uuid
from pathlib import Path

from queen import Queen

NOBODY = "http://127.0.0.1:1"


async def main(url: str) -> None:
    orders = f"orders-{uuid.uuid4().hex[:6]}"
    with tempfile.TemporaryDirectory() as folder:
        outbox = str(Path(folder, "outbox.db"))
        producer = await asyncio.create_subprocess_exec(sys.executable, __file__, "--produce", orders, outbox)
        print(f"the producer ended with {signal.Signals(-await producer.wait()).name}")

        async with Queen(url) as queen:
            await queen.queue(orders).create()
            # A push into the same outbox would send what is left too; this waits for it.
            print(f"the next start sends what is left: {await queen.recover_outbox(outbox)} messages")

            durable = queen.queue(orders).buffer({"durable": outbox})
            await durable.push([{"data": {"id": 4}}])
            await queen.flush_all_buffers()

            found = await queen.queue(orders).batch(10).pop()
            print(f"the server has {[message.data['id'] for message in found]}")
            await queen.queue(orders).delete()


async def produce(orders: str, outbox: str) -> None:
    async with Queen(NOBODY) as queen:
        durable = queen.queue(orders).buffer({"durable": outbox, "message_count": 100, "time_millis": 60_000})
        for number in (1, 2, 3):
            await durable.push([{"data": {"id": number}}])
        # A push that returned is on the disk.
        print("the producer has accepted 3 orders, and no server has any", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="memory://outbox", help="a Queen server; the embedded broker by default")
    parser.add_argument("--produce", nargs=2, metavar=("QUEUE", "OUTBOX"), help="be the producer that is killed")
    arguments = parser.parse_args()
    asyncio.run(produce(*arguments.produce) if arguments.produce else main(arguments.url))
