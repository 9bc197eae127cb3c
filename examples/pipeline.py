"""A pipeline of three stages: each takes from one queue and pushes to the next, in one transaction.

A stage that dies in the middle has pushed nothing and acknowledged nothing: the message comes again, and nothing is
lost or there twice. The partition goes along, so that the readings of one sensor stay in order to the end.
"""

from __future__ import annotations

import argparse
import asyncio
import uuid
from typing import Callable, Dict, List

from queen import Message, Queen

Reading = Dict[str, object]

READINGS = [("roof", "21.5 C"), ("cellar", "54.5 F"), ("roof", "broken"), ("cellar", "12.1 C"), ("roof", "71.6 F")]


def parse(reading: Reading) -> Reading:
    value, unit = str(reading["text"]).split()
    return {"value": float(value), "unit": unit}


def to_celsius(reading: Reading) -> Reading:
    value = float(str(reading["value"]))
    return {"celsius": round((value - 32) / 1.8, 1) if reading["unit"] == "F" else value}


async def main(url: str) -> None:
    run = uuid.uuid4().hex[:6]
    raw, parsed, results = (f"{name}-{run}" for name in ("raw", "parsed", "results"))
    async with Queen(url) as queen:
        for queue in (raw, parsed, results):
            await queen.queue(queue).config({"retryLimit": 0}).create()
        for sensor, text in READINGS:
            await queen.queue(raw).partition(sensor).push([{"data": {"text": text}}])

        await asyncio.gather(
            stage(queen, raw, parsed, parse), stage(queen, parsed, results, to_celsius), show(queen, results)
        )
        letters = (await queen.queue(raw).dlq("pipeline").get())["messages"]
        print(f"given up on: {[(letter['data']['text'], letter['errorMessage']) for letter in letters]}")
        for queue in (raw, parsed, results):
            await queen.queue(queue).delete()


async def stage(queen: Queen, source: str, target: str, work: Callable[[Reading], Reading]) -> None:
    async def handler(message: Message) -> None:
        result = work(message.data)
        # The handler settles the message itself; the loop leaves it alone then.
        transaction = queen.transaction().ack(message)
        await transaction.queue(target).partition(message.partition).push([{"data": result}]).commit()

    await queen.queue(source).group("pipeline").idle_millis(500).consume(handler)


async def show(queen: Queen, results: str) -> None:
    found: Dict[str, List[float]] = {}

    def handler(message: Message) -> None:
        found.setdefault(message.partition, []).append(message.data["celsius"])

    await queen.queue(results).group("pipeline").idle_millis(700).consume(handler)
    for sensor, values in sorted(found.items()):
        print(f"{sensor}: {values}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="memory://pipeline", help="a Queen server; the embedded broker by default")
    asyncio.run(main(parser.parse_args().url))
