"""Dead letters, made and counted through the public interface."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from queen import Message, Queen, RedriveResponse

GROUP = "g"
NOTHING: Dict[str, Any] = {
    "found": 0, "pushed": 0, "already": 0, "removed": 0, "kept": 0, "failed": 0, "reasons": []
}  # fmt: skip


def counts(report: RedriveResponse) -> Dict[str, int]:
    """The numbers of a report that are not 0."""
    return {name: number for name, number in report.items() if isinstance(number, int) and number}


def reasons(report: RedriveResponse) -> List[str]:
    return [reason["reason"] for reason in report["reasons"]]


async def bury(
    queen: Queen, queue: str, *payloads: Any, group: Optional[str] = GROUP, partition: str = "Default", **item: Any
) -> None:
    """Push messages and make dead letters of them."""
    await queen.queue(queue).partition(partition).push([{"data": payload, **item} for payload in payloads])
    await fail(queen, queue, group=group)


async def fail(queen: Queen, queue: str, group: Optional[str] = GROUP) -> None:
    for message in await pop(queen, queue, group):
        assert (await message.nack("broken", status="dlq"))["dlq"]


async def pop(queen: Queen, queue: str, group: Optional[str] = GROUP) -> List[Message]:
    popping = queen.queue(queue).batch(100)
    return await (popping if group is None else popping.group(group)).pop()


async def data(queen: Queen, queue: str, group: Optional[str] = GROUP) -> List[Any]:
    """The payloads that a group gets, settled."""
    popped = await pop(queen, queue, group)
    await queen.ack(popped, True)
    return [message.data for message in popped]


async def letters(queen: Queen, queue: str) -> List[Any]:
    return [letter["data"] for letter in (await queen.queue(queue).dlq().get())["messages"]]
