"""What the broker promises beyond the recorded exchanges."""

from __future__ import annotations

import asyncio
import gc
import json
import re
from concurrent.futures import Future, ThreadPoolExecutor
from html import unescape
from pathlib import Path
from typing import Any, Coroutine, List, TypeVar

import pytest

from queen.broker import Broker, ManualClock, open_broker
from tests.unit.broker.conftest import Api, data

T = TypeVar("T")


async def batch_ack(api: Api, popped: Any, *statuses: str) -> Any:
    keys = ("transactionId", "partitionId", "leaseId")
    acks = [
        {**{key: message[key] for key in keys}, "status": status}
        for message, status in zip(popped["messages"], statuses)
    ]
    return await api.call("POST", "/api/v1/ack/batch", {"acknowledgments": acks})


async def test_message_ids_are_in_the_order_of_the_items(api: Api) -> None:
    ids = [result["message_id"] for result in await api.push("q", *range(50))]
    assert ids == sorted(ids)
    assert len(set(ids)) == 50


async def test_a_failure_inside_a_batch_ack_is_never_skipped(api: Api) -> None:
    await api.push("q", 0, 1, 2)
    results = await batch_ack(api, await api.pop("q"), "completed", "failed", "completed")
    assert [result["success"] for result in results] == [True, True, False]
    assert data(await api.pop("q")) == [1, 2]


async def test_failing_a_whole_batch_counts_one_failure_and_loses_nothing(api: Api) -> None:
    await api.configure("q", retryLimit=1)
    await api.push("q", 0, 1, 2)
    await batch_ack(api, await api.pop("q"), "failed", "failed", "failed")
    again = await api.pop("q")
    assert data(again) == [0, 1, 2]
    await batch_ack(api, again, "failed", "failed", "failed")
    letters = await api.call("GET", "/api/v1/dlq", queue="q")
    assert [letter["data"] for letter in letters["messages"]] == [2, 1, 0]


async def test_an_empty_batch_ack_is_answered(api: Api) -> None:
    assert await api.call("POST", "/api/v1/ack/batch", {"acknowledgments": []}) == []


async def test_a_failed_transaction_leaves_nothing_behind(api: Api) -> None:
    await api.push("q", 1)
    [message] = (await api.pop("q"))["messages"]
    answer = await api.call(
        "POST",
        "/api/v1/transaction",
        {
            "operations": [
                {"type": "push", "items": [{"queue": "new.queue", "payload": 1}]},
                {"type": "ack", **{key: message[key] for key in ("transactionId", "partitionId")}, "leaseId": "wrong"},
            ]
        },
    )
    assert (answer["success"], answer["error"]) == (False, "ACK operation failed: Invalid or expired lease")
    assert [queue["name"] for queue in (await api.call("GET", "/api/v1/resources/queues"))["queues"]] == ["q"]


@pytest.mark.parametrize("name", ["user:42", "a@b", "100%", "a%20b", "x+y"])
async def test_names_in_paths_are_not_decoded(api: Api, name: str) -> None:
    await api.push(name, 1, partition=name)
    assert data(await api.pop(name, name)) == [1]


async def test_a_pop_over_a_namespace_says_the_queue_of_each_message(api: Api) -> None:
    await api.push("shop.orders", 1)
    await api.push("shop.invoices", 2)
    await api.push("other.things", 3)
    popped = await api.call("GET", "/api/v1/pop", namespace="shop", batch=9, partitions=9)
    assert sorted((message["queue"], message["data"]) for message in popped["messages"]) == [
        ("shop.invoices", 2),
        ("shop.orders", 1),
    ]


async def test_the_page_shows_every_operation_of_the_spec(api: Api) -> None:
    spec = await api.call("GET", "/openapi.json")
    page = unescape((await api.request("GET", "/docs")).text)
    operations = [operation for item in spec["paths"].values() for operation in item.values()]
    assert len(operations) > 20
    for operation in operations:
        assert f"<h3 id={operation['operationId']}>" in page
        assert operation["summary"] in page
    for field in spec["components"]["schemas"]["AckRequest"]["properties"]:
        assert f"<code>{field}</code>" in page
    assert not re.search(r"(src|href)=.?https?:", page)


async def test_the_page_shows_every_schema_with_the_words_of_its_fields(api: Api) -> None:
    schemas = (await api.call("GET", "/openapi.json"))["components"]["schemas"]
    page = unescape((await api.request("GET", "/docs")).text)
    for name, schema in schemas.items():
        assert f"<h3 id={name}>" in page
        assert json.dumps(schema["example"], indent=1, ensure_ascii=False) in page
    assert set(re.findall("href=#([A-Z]\\w*)>", page)) <= set(schemas)
    traces = "<code>traces</code><td>array of <a href=#NamedTraceEvent>NamedTraceEvent</a> or null<td>The events; null"
    assert traces in page
    data = schemas["TraceRequest"]["properties"]["data"]
    assert f"<a href=#JsonValue>JsonValue</a><td>{data['description']}" in page


async def test_two_who_name_the_same_memory_share_it_and_it_goes_with_the_last() -> None:
    first, second = open_broker("memory://shared"), open_broker("memory://shared")
    assert first is second
    await Api(first).push("q", 1)
    await first.close()
    assert data(await Api(second).pop("q")) == [1]
    await second.close()
    third = open_broker("memory://shared")
    assert data(await Api(third).pop("q")) == []
    await third.close()


async def test_memory_without_a_name_is_shared_with_nobody() -> None:
    first, second = open_broker("memory://"), open_broker("memory://")
    await Api(first).push("q", 1)
    assert data(await Api(second).pop("q")) == []
    await first.close()
    await second.close()


async def test_a_file_keeps_its_messages_and_is_shared_within_the_process(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/queen.db"
    first, second = open_broker(url), open_broker(url)
    assert first is second
    await Api(first).push("q", 1)
    await first.close()
    await second.close()
    again = open_broker(url)
    assert data(await Api(again).pop("q")) == [1]
    await again.close()


@pytest.mark.parametrize("url", ["memory:", "sqlite://queue.db", "postgres://x", "sqlite:///"])
def test_another_url_is_no_broker(url: str) -> None:
    with pytest.raises(ValueError, match="no embedded broker"):
        open_broker(url)


async def test_an_order_survives_a_clock_that_is_set_back(tmp_path: Any) -> None:
    url, clock = f"sqlite:///{tmp_path}/queen.db", ManualClock()
    broker = open_broker(url, clock=clock)
    await Api(broker).push("q", 1)
    await broker.close()
    earlier = open_broker(url, clock=ManualClock(clock.now() - 3_600_000_000))
    await Api(earlier).push("q", 2)
    popped = await Api(earlier).pop("q")
    assert data(popped) == [1, 2]
    assert popped["messages"][0]["createdAt"] <= popped["messages"][1]["createdAt"]
    await earlier.close()


async def test_an_endpoint_that_fails_says_so_and_the_broker_lives(
    api: Api, broker: Broker, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from queen.broker.domain import counts

    def broken(*arguments: Any) -> Any:
        raise RuntimeError("a defect")

    monkeypatch.setattr(counts, "of_queues", broken)
    response = await api.request("GET", "/api/v1/resources/queues")
    assert response.status_code == 500
    assert "a defect" in caplog.text
    assert (await api.call("GET", "/health"))["status"] == "healthy"


def in_a_loop_of_its_own(work: Coroutine[Any, Any, T]) -> Future[T]:
    """Run a coroutine in another thread's event loop."""
    thread = ThreadPoolExecutor(1)
    running = thread.submit(asyncio.run, work)
    thread.shutdown(wait=False)
    return running


async def parked(broker: Broker, polls: int) -> None:
    while broker.parked_polls < polls:  # noqa: ASYNC110  (the broker has no event for tests)
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("in_file", [False, True])
async def test_a_poll_in_one_event_loop_is_woken_by_a_push_in_another(tmp_path: Path, in_file: bool) -> None:
    broker = open_broker(f"sqlite:///{tmp_path}/loops.db" if in_file else "memory://")
    polling = in_a_loop_of_its_own(Api(broker).pop("q", wait="true", timeout=20_000))
    await parked(broker, 1)
    await Api(broker).push("q", "from here")
    assert data(await asyncio.wait_for(asyncio.wrap_future(polling), 5)) == ["from here"]
    await broker.close()


async def test_the_end_of_a_broker_answers_the_polls_of_all_event_loops() -> None:
    broker = open_broker("memory://")
    polls = [in_a_loop_of_its_own(Api(broker).pop("q", wait="true", timeout=20_000)) for _ in range(2)]
    await parked(broker, 2)
    broker.end_polls()
    assert [data(await asyncio.wait_for(asyncio.wrap_future(poll), 5)) for poll in polls] == [[], []]
    await broker.close()


@pytest.mark.parametrize("in_file", [False, True])
async def test_many_event_loops_take_each_message_once(tmp_path: Path, in_file: bool) -> None:
    broker = open_broker(f"sqlite:///{tmp_path}/loops.db" if in_file else "memory://")
    await Api(broker).push("q", *range(200))

    async def take() -> List[int]:
        taken: List[int] = []
        while True:
            answer = await Api(broker).pop("q", batch=3, autoAck="true")
            if not answer["messages"]:
                return taken
            taken += data(answer)

    taken = await asyncio.gather(*(asyncio.wrap_future(in_a_loop_of_its_own(take())) for _ in range(4)))
    assert sorted(number for numbers in taken for number in numbers) == list(range(200))
    await broker.close()


def leave_a_poll(broker: Broker) -> None:
    """As a program whose event loop ends in the middle, which asyncio would tell."""
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda loop, context: None)
    left = loop.create_task(Api(broker).pop("q", wait="true", timeout=20_000))
    loop.run_until_complete(parked(broker, 1))
    assert not left.done()
    loop.close()


async def test_a_poll_whose_event_loop_is_gone_disturbs_nobody() -> None:
    broker = open_broker("memory://")
    await asyncio.get_running_loop().run_in_executor(None, leave_a_poll, broker)
    assert broker.parked_on == []
    await Api(broker).push("q", 1)
    assert data(await Api(broker).pop("q")) == [1]
    await broker.close()
    # The task that was left fails when it is collected: here, and not in the middle of something else. Its finalizer
    # brings a part of it back to life.
    del broker
    for _ in range(2):
        gc.collect()
