"""Whatever is decided for messages, in whatever order: each ends completed or as a dead letter, and none is skipped."""

from __future__ import annotations

import random
from typing import Any, Dict, List, Set

import pytest

from queen import Message, Queen

STATUSES = [True, True, True, False, "dlq", "retry"]


@pytest.mark.dialects("embedded", "0.15")
@pytest.mark.parametrize("seed", range(40))
async def test_every_message_is_settled_in_the_end(queen: Queen, queue_name: str, seed: int) -> None:
    draw = random.Random(seed)
    await queen.queue(queue_name).config({"leaseTime": 3600, "retryLimit": draw.choice([0, 1, 3])}).create()
    for name in "ab":
        await queen.queue(queue_name).partition(name).push([{"data": f"{name}{n}"} for n in range(8)])
    completed: Dict[str, int] = {}
    buried: Set[str] = set()
    for _ in range(400):
        batch = await queen.queue(queue_name).batch(draw.randint(1, 8)).partitions(draw.randint(1, 2)).pop()
        if not batch:
            break
        await settle_somehow(queen, draw, batch, completed, buried)
    else:
        pytest.fail("the queue never became empty")
    everything = {f"{name}{n}" for name in "ab" for n in range(8)}
    letters = {letter["data"] for letter in (await queen.queue(queue_name).dlq().get())["messages"]}
    assert buried <= letters
    assert set(completed) | letters == everything
    assert not set(completed) & letters
    assert set(completed.values()) <= {1}


async def settle_somehow(
    queen: Queen, draw: random.Random, batch: List[Message], completed: Dict[str, int], buried: Set[str]
) -> None:
    """Decide for each message of a batch, one by one or together, in any order; note what truly took effect."""
    shuffled = draw.sample(batch, len(batch))
    decisions: Dict[str, Any] = {message.data: draw.choice(STATUSES) for message in batch}
    if draw.random() < 0.5:
        for message in shuffled:
            message["_status"] = decisions[message.data]
        await queen.ack(shuffled)
    else:
        for message in shuffled:
            await queen.ack(message, decisions[message.data])
    # Asked again, each message tells what became of it.
    for message in batch:
        result = await queen.ack(message, decisions[message.data])
        assert "pending" not in result
        if result["success"] and decisions[message.data] is True:
            completed[message.data] = completed.get(message.data, 0) + 1
        if result["dlq"]:
            buried.add(message.data)
