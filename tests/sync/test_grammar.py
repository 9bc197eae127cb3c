"""The fluent grammar without ``await``: each call does what it does in the async client, and returns it."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import traceback
from pathlib import Path
from typing import List, Sequence

import pytest
from queen_api.api import dlq

import queen.sync
from queen import ClientClosedError, ConfigurationError, PushRejectedError, QueenBufferError, ServerRefusedError
from queen.message_fields import MessageFields
from queen.sync import Message, Queen


def test_messages_go_through_a_queue_and_are_settled(client: Queen) -> None:
    assert client.queue("orders").create()["configured"]
    results = client.queue("orders").partition("user-7").push([{"data": {"id": number}} for number in range(3)])
    assert [result["status"] for result in results] == ["queued"] * 3
    first, second, third = client.queue("orders").batch(3).pop()
    assert [type(message) for message in (first, second, third)] == [Message] * 3
    assert (first.data, first.partition, first["data"]) == ({"id": 0}, "user-7", {"id": 0})
    assert first.ack()["success"]
    assert client.ack([second], True)[0]["success"]
    assert client.ack(third, "dlq", {"error": "no"})["dlq"]
    assert [letter["data"] for letter in client.queue("orders").dlq().get()["messages"]] == [{"id": 2}]
    assert client.queue("orders").dlq().redrive()["pushed"] == 1
    [again] = client.queue("orders").pop()
    assert again.renew(120)["success"]
    assert client.renew([again, again.lease_id or ""])[1]["success"]
    assert again.nack("later", status="retry")["success"]
    assert client.queue("orders").pop()[0].transaction_id == again.transaction_id


def test_a_transaction_happens_as_a_whole(client: Queen) -> None:
    client.queue("orders").push({"data": 1})
    [order] = client.queue("orders").pop()
    done = (
        client.transaction().ack(order).queue("invoices").partition("p").push([{"data": {"of": order.data}}]).commit()
    )
    assert done["success"]
    assert client.queue("orders").pop() == []
    assert [message.data for message in client.queue("invoices").partition("p").pop()] == [{"of": 1}]


def test_callbacks_of_a_push_are_said_with_it(client: Queen) -> None:
    told: List[object] = []
    queue = client.queue("orders")
    queue.push([{"data": 1, "transactionId": "a"}], on_success=lambda items: told.append(len(items)))
    queue.push(
        [{"data": 1, "transactionId": "a"}],
        on_success=told.append,
        on_duplicate=lambda items, error: told.append((items[0]["transactionId"], type(error))),
    )
    assert told == [1, ("a", ServerRefusedError)]


def test_a_refused_push_is_raised_or_told(memory_url: str) -> None:
    told: List[Exception] = []

    def on_error(items: Sequence[object], error: Exception) -> None:
        told.append(error)

    with Queen(memory_url, dialect="0.7") as client:
        with pytest.raises(PushRejectedError) as raised:
            client.queue("nowhere").push([{"data": 1}])
        assert [result["status"] for result in raised.value.results] == ["failed"]
        assert [result["status"] for result in client.queue("nowhere").push({"data": 1}, on_error=on_error)] == [
            "failed"
        ]
    assert [type(error) for error in told] == [PushRejectedError]


def test_buffers_collect_flush_and_are_sent_by_close(memory_url: str) -> None:
    with Queen(memory_url) as reader:
        with Queen(memory_url) as client:
            buffered = client.queue("orders").buffer({"message_count": 100, "time_millis": 60_000})
            assert buffered.push([{"data": 1}, {"data": 2}]) == {"buffered": True, "count": 2}
            assert client.get_buffer_stats()["totalBufferedMessages"] == 2
            client.flush_all_buffers()
            buffered.push([{"data": 3}])
            buffered.flush_buffer()
            assert client.get_buffer_stats()["flushesPerformed"] == 2
            buffered.push([{"data": 4}])
        assert [message.data for message in reader.queue("orders").batch(10).pop()] == [1, 2, 3, 4]


def test_what_close_cannot_send_is_told_and_the_client_is_closed(memory_url: str) -> None:
    with Queen(memory_url, dialect="0.7", timeout_millis=500) as client:
        client.queue("nowhere").buffer().push([{"data": 1}])
        with pytest.raises(QueenBufferError) as raised:
            client.close()
        assert [item["data"] for item in raised.value.unsent] == [1]
        with pytest.raises(ClientClosedError):
            client.queue("orders")


def test_an_outbox_is_written_and_recovered(client: Queen, tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    client.queue("orders").buffer({"durable": path}).push([{"data": 1}])
    client.flush_all_buffers()
    assert client.recover_outbox(path, on_error=lambda items, error: None) == 0
    assert [message.data for message in client.queue("orders").pop()] == [1]


def test_operators_and_single_requests_are_answered(client: Queen) -> None:
    client.queue("orders").create()
    assert [queue["name"] for queue in client.admin.list_queues()["queues"]] == ["orders"]
    assert client.admin.prometheus_metrics()
    assert client.send(dlq.list_dead_letters(queue="orders"))
    with pytest.raises(ServerRefusedError):
        client.admin.get_message("01a21051-57fa-7000-8000-01dfd1f4a099", "unknown")


def test_a_message_is_a_dict_that_keeps_its_actions_in_copies_and_loses_them_when_pickled(client: Queen) -> None:
    client.queue("orders").push({"data": 1})
    [message] = client.queue("orders").pop()
    assert isinstance(message, MessageFields)
    assert message["trace"]({"data": {"text": "started"}})["success"]
    copied = copy.copy(message)
    restored = pickle.loads(pickle.dumps(message))
    assert (dict(restored), type(restored)) == (dict(message), Message)
    with pytest.raises(ValueError, match=r"use queen.ack\(message\)"):
        restored.ack()
    assert not restored.trace({"data": 1})["success"]
    assert copied.ack()["success"]


def test_wrong_arguments_are_refused_where_they_are_said(client: Queen) -> None:
    with pytest.raises(TypeError, match="batch="):
        client.queue("orders").batch("ten")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"items\[1\]"):
        client.queue("orders").push([{"data": 1}, {}])
    with pytest.raises(TypeError, match="on_error="):
        client.queue("orders").push([{"data": 1}], on_error=lambda items: None)  # type: ignore[misc, arg-type]
    with pytest.raises(ConfigurationError):
        Queen("ftp://x")
    assert client.queue("orders").pop() == []


def test_after_close_every_call_says_so(client: Queen) -> None:
    client.queue("orders").push({"data": 1})
    [message] = client.queue("orders").pop()
    queue = client.queue("orders")
    client.close()
    client.close()
    for call in (queue.pop, message.ack, message.nack, client.flush_all_buffers, lambda: client.queue("x")):
        with pytest.raises(ClientClosedError):
            call()
    assert not message.trace({"data": 1})["success"]
    assert client.get_buffer_stats()["activeBuffers"] == 0


def test_the_package_has_what_the_async_one_has() -> None:
    assert sorted(queen.sync.__all__) == queen.sync.__all__
    assert set(queen.sync.__all__) <= set(queen.__all__)


@pytest.mark.parametrize("first", ["queen_sync", "queen_sync.message", "queen.sync"])
def test_it_can_be_imported_from_any_end(first: str) -> None:
    program = f"import {first}, sys; from queen.sync import Queen; print(Queen.__module__)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "queen_sync.client\n"), done.stderr


def test_importing_queen_imports_nothing_of_it() -> None:
    program = "import queen, sys; print([name for name in sys.modules if 'sync' in name and name.startswith('queen')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr


def test_secrets_do_not_show_in_the_locals_of_a_traceback() -> None:
    with pytest.raises(ConfigurationError) as raised:
        Queen("http://user:sesame@localhost", bearer_token="sesame", retry_atempts=1)
    shown = "".join(traceback.TracebackException.from_exception(raised.value, capture_locals=True).format())
    assert "given =" in shown
    # Once, where this test says it.
    assert shown.count("sesame") == shown.count('Queen("http://user:sesame@localhost", bearer_token="sesame"') * 2
