"""``queen.testing`` as a type checker sees it. Read by mypy --strict and pyright, never run."""

from __future__ import annotations

from datetime import datetime
from typing import Any, List, Optional

from typing_extensions import assert_type

from queen import Queen
from queen.testing import DeadLetteredMessage, PushedMessage, QueenBroker


def is_large(data: Any) -> bool:
    return bool(data["amount"] > 1000)


async def steering(queen_broker: QueenBroker) -> None:
    with QueenBroker(dialect="0.7") as broker:
        assert_type(broker, QueenBroker)
        Queen(broker.url)
    queen_broker.advance(0.5)
    assert_type(queen_broker.expire_leases("orders", group="billing"), int)
    queen_broker.fail_next(2, status=429, operation="push")
    queen_broker.lose_answers(operation="commit")
    queen_broker.refuse_connections(3)
    queen_broker.fail_next(operation="puhs")  # type: ignore[arg-type]  # no operation
    queen_broker.fail_next(1, 503)  # type: ignore[call-arg]  # the status is said by name


async def looking(queen_broker: QueenBroker) -> None:
    assert_type(queen_broker.pushed("orders"), List[PushedMessage])
    assert_type(queen_broker.assert_pushed("orders", {"id": 1}, count=1), List[PushedMessage])
    assert_type(queen_broker.assert_acked("orders", is_large, group="billing"), List[PushedMessage])
    assert_type(queen_broker.assert_dead_lettered("orders"), List[DeadLetteredMessage])
    [letter] = queen_broker.dead_letters()
    assert_type(letter.group, Optional[str])
    assert_type(letter.pushed_at, datetime)
    assert_type(await queen_broker.until(lambda: queen_broker.acked("orders")), List[PushedMessage])
    assert_type(queen_broker.wait_until(lambda: len(queen_broker.pushed()) == 3, timeout=1), bool)
    await queen_broker.until(queen_broker.acked)  # type: ignore[arg-type]  # a check takes no arguments
