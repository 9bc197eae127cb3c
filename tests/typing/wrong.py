"""Wrong uses that a type checker must refuse: each ignore fails the check when its error goes away."""

from __future__ import annotations

from queen import Message, Queen


async def wrong(queen: Queen, message: Message) -> None:
    Queen(6632)  # type: ignore[arg-type]  # a port is no URL
    queen.queue(5)  # type: ignore[arg-type]  # names are text
    queen.queue("q").batch("10")  # type: ignore[arg-type]  # a number
    queen.queue("q").consume(None)  # type: ignore[arg-type]  # no handler
    queen.queue("q").push(5)  # type: ignore[arg-type]  # no items
    await queen.renew(5)  # type: ignore[call-overload]  # neither message nor lease
    message.lease_id.upper()  # type: ignore[union-attr]  # there may be no lease
    await queen.send("health")  # type: ignore[arg-type]  # no request
    await queen.queue("q").dlq().redrive(10)  # type: ignore[call-arg]  # its options are said by name
    await queen.queue("q").dlq().purge(True)  # type: ignore[call-arg]  # its options are said by name
    await queen.admin.seek_consumer_group("g", "q", "2026-01-31")  # type: ignore[call-arg]  # where to is said by name
    await queen.admin.list_messages(limit="10")  # type: ignore[arg-type]  # a number
