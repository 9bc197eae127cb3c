"""A program with a slow handler that is told to stop: its message is finished, and the rest is there for others."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import uuid
from typing import List

from queen import Message, Queen

HANDLER_SECONDS = 0.4
PROGRAM = """
import asyncio, signal, sys
from queen import Queen

async def main(url, queue, seconds):
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)

    async def handler(message):
        print("started", message.data, flush=True)
        await asyncio.sleep(float(seconds))
        print("finished", message.data, flush=True)

    async with Queen(url) as queen:
        await queen.queue(queue).batch(5).each().concurrency(2).consume(handler, signal=stop)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_program_ends_within_its_handlers_time_and_others_get_the_rest_at_once(broker_url: str) -> None:
    queue_name = f"slow-{uuid.uuid4().hex[:8]}"
    async with Queen(broker_url) as queen:
        # A lease of an hour: what is not given back would not come again while this test runs.
        await queen.queue(queue_name).config({"leaseTime": 3600}).create()
        await queen.queue(queue_name).push([{"data": n} for n in range(5)])
        command = [sys.executable, "-W", "error", "-c", PROGRAM, broker_url, queue_name, str(HANDLER_SECONDS)]
        program = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert program.stdout is not None
        assert await program.stdout.readline() == b"started 0\n"
        program.send_signal(signal.SIGTERM)
        # The second worker waits in a long poll of thirty seconds; it must not hold up the end.
        printed, errors = await asyncio.wait_for(program.communicate(), 10)
        assert (program.returncode, printed, errors) == (0, b"finished 0\n", b"")
        seen: List[int] = []

        def second(message: Message) -> None:
            seen.append(message.data)

        consumer = queen.queue(queue_name).batch(5).each().limit(4).consume(second)
        await asyncio.wait_for(consumer, 5)
    assert seen == [1, 2, 3, 4]
