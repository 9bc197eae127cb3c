"""Pushes of instances: alone, in dicts, buffered, in transactions; and what is refused before anything is sent."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, List

import pydantic
import pytest

from queen import PushRejectedError, Queen
from tests.unit.client.typed.models import KINDS, DictOrder, Number, PydanticNumber


async def payloads(queen: Queen, queue: str) -> List[Any]:
    return [message["data"] for message in await queen.queue(queue).batch(100).pop()]


@pytest.mark.parametrize("model", [Number, PydanticNumber])
async def test_an_instance_stands_for_its_item_and_alone_for_a_list(queen: Queen, queue_name: str, model: Any) -> None:
    queue = queen.queue(queue_name, model=model)
    await queue.push(model(n=1))
    await queue.push([model(n=2), {"data": model(n=3), "transactionId": "three"}])
    await queue.push({"data": model(n=4)})
    await queue.push(model(n=n) for n in (5, 6))
    results = await queue.push([{"payload": model(n=7), "transaction_id": "three"}])
    assert [result["status"] for result in results] == ["duplicate"]
    assert await payloads(queen, queue_name) == [{"n": n} for n in (1, 2, 3, 4, 5, 6)]


async def test_buffers_take_instances(queen: Queen, queue_name: str, tmp_path: Path) -> None:
    queue = queen.queue(queue_name, model=Number)
    held = Number(1)
    assert await queue.buffer().push([held]) == {"buffered": True, "count": 1}
    held.n = 5  # what was pushed is what was said then
    await queen.flush_all_buffers()
    await queue.buffer({"durable": tmp_path / "outbox.db"}).partition("p").push([Number(2), Number(3)])
    await queen.flush_all_buffers()
    found = [await payloads(queen, queue_name), await payloads(queen, queue_name)]
    assert sorted(found, key=len) == [[{"n": 1}], [{"n": 2}, {"n": 3}]]


async def test_transactions_take_instances(queen: Queen, queue_name: str) -> None:
    source, target = queue_name, f"{queue_name}-next"
    await queen.queue(target).create()
    await queen.queue(source, model=Number).push(Number(1))
    [message] = await queen.queue(source, model=Number).pop()
    transaction = queen.transaction().ack(message)
    transaction.queue(target, model=PydanticNumber).push(PydanticNumber(n=message.data.n + 1))
    transaction.queue(target, model=Number).partition("p").push([{"data": Number(3), "transactionId": "three"}])
    await transaction.commit()
    assert await payloads(queen, source) == []
    found = await payloads(queen, target) + await payloads(queen, target)
    assert sorted(payload["n"] for payload in found) == [2, 3]


async def test_what_is_handed_back_is_json_and_can_be_pushed_without_the_model(queen: Queen, queue_name: str) -> None:
    pushed: List[Any] = []
    await queen.queue(queue_name, model=Number).push(Number(1)).on_success(pushed.extend)
    assert [item["payload"] for item in pushed] == [{"n": 1}]


@pytest.mark.dialects("0.7")
async def test_the_unsent_items_of_a_push_are_json(queen: Queen, queue_name: str) -> None:
    with pytest.raises(PushRejectedError) as caught:
        await queen.queue(f"{queue_name}-that-is-not-there", model=Number).push(Number(1))
    assert [item["data"] for item in caught.value.unsent] == [{"n": 1}]
    assert (await queen.queue(queue_name).push(caught.value.unsent))[0]["status"] == "queued"


@dataclasses.dataclass
class Other:
    n: int


class PydanticOther(pydantic.BaseModel):
    n: int


def mutated(number: Any) -> Any:
    number.n = "text"
    return number


ORDER = KINDS["TypedDict"][1]
WITHOUT_ID = {"total": ORDER["total"]}


@pytest.mark.parametrize(
    ("model", "items", "kind", "words"),
    [
        (Number, [Number(1), Number(2), Other(3)], TypeError, r"items\[2\]=Other.* accepted is an instance of Number"),
        (Number, [{"data": Other(3)}], TypeError, r"items\[0\]\['data'\]=Other.* accepted is an instance of Number"),
        (Number, [{"data": {"n": 1}}], TypeError, r"items\[0\]\['data'\]=.* is a dict; accepted is an instance of"),
        (Number, Other(3), TypeError, "payload=Other.* accepted is an instance of Number, or a dict .*, or a list"),
        (Number, "text", TypeError, "payload='text' is a str"),
        (Number, None, TypeError, "payload=None is a NoneType"),
        (Number, [None], TypeError, r"items\[0\]=None is a NoneType"),
        (Number, [Number(1), mutated(Number(2))], ValueError, r"items\[1\]=.* Number: Expected `int`, got `str`"),
        (Number, [Number(1), {"n": 1}], ValueError, r"items\[1\] .*unknown key 'n'"),
        (Number, [{"n": 1}], ValueError, "of the model Number, accepted is an instance of Number, or a dict whose"),
        (Number, [{"transactionId": "a"}], ValueError, r"items\[0\] has no key 'data'.*of the model Number"),
        (Number, [{"data": Number(1), "id": "a"}], ValueError, r"items\[0\] has the unknown key 'id'"),
        (PydanticNumber, PydanticOther(n=1), TypeError, r"items\[0\]=.* accepted is an instance of PydanticNumber"),
        (PydanticNumber, [mutated(PydanticNumber(n=1))], ValueError, r"items\[0\]=.* PydanticNumber: n: .* integer"),
        (PydanticNumber, [PydanticNumber.model_construct()], ValueError, "n: Field required"),
        (DictOrder, [{"data": ORDER}, ORDER], ValueError, r"items\[1\] has the unknown key.*accepted is a dict whose"),
        (DictOrder, [{"data": ORDER}, {"data": 5}], TypeError, r"items\[1\]\['data'\]=5 is a int; accepted is a dict"),
        (DictOrder, [{"data": WITHOUT_ID}], ValueError, r"items\[0\]\['data'\]=.* DictOrder: .*missing.*id"),
        (DictOrder, [{"data": {**ORDER, "total": object()}}], TypeError, "Encoding objects of type object"),
    ],
)
async def test_what_is_no_instance_is_refused_and_nothing_is_sent(
    queen: Queen, queue_name: str, model: Any, items: Any, kind: Any, words: str
) -> None:
    queue = queen.queue(queue_name, model=model)
    for push in (queue.push, queue.buffer().push, queen.transaction().queue(queue_name, model=model).push):
        with pytest.raises(kind, match=words):
            push(items)
    await queen.flush_all_buffers()
    assert await payloads(queen, queue_name) == []


async def test_what_no_server_keeps_is_refused_in_instances_too(queen: Queen, queue_name: str) -> None:
    too_large = Number(2**70)
    with pytest.raises(ValueError, match=r"items\[1\]\.data\.n is .*beyond the 64 bits"):
        await queen.queue(queue_name, model=Number).push([Number(1), too_large])
    assert await payloads(queen, queue_name) == []
