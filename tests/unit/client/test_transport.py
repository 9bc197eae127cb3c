"""Sending over real sockets: what arrives at a server, and what its answers and failures become."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, List

import pytest
from queen_api.api import groups, leases, messages, queues, status, system

from queen import (
    AuthenticationError,
    ClientClosedError,
    ConnectionFailedError,
    HttpStatusError,
    PermissionDeniedError,
    ProtocolError,
    Queen,
    QueenTimeoutError,
    ServerRefusedError,
    UnsupportedByServerError,
)
from tests.scripted_server import Answer, Drop, Hang, Received, Scripted, ScriptedServer, answers

pytestmark = pytest.mark.sockets

QUEUED = [
    {"index": 0, "status": "queued", "transaction_id": "t", "message_id": "m", "partition_id": "p", "queueName": "q"}
]
DELETED = {"deleted": True, "existed": True, "queue": "q"}


def client(server: ScriptedServer, **options: object) -> Queen:
    return Queen(server.url, retry_delay_millis=1, **options)


def unused_url() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


async def test_the_head_and_the_body_leave_in_one_write() -> None:
    async with ScriptedServer(lambda _: answers([{"success": True, "leaseId": "l", "error": None}])) as server:
        async with client(server) as queen:
            for _ in range(3):
                await queen.send(leases.extend_lease(lease_id="l", seconds=5))
    assert [len(received.packets) for received in server.received] == [1, 1, 1]
    assert server.received[0].json == {"seconds": 5}


@pytest.mark.parametrize("name", ["user:42", "a@b", "x+y", "100%", "a%20b", "~", "..."])
async def test_names_in_paths_arrive_byte_for_byte(name: str) -> None:
    async with ScriptedServer(lambda _: answers(DELETED)) as server, client(server) as queen:
        await queen.queue(name).delete()
    assert server.received[0].target == f"/api/v1/resources/queues/{name}"


async def test_a_path_in_the_url_stays_in_front_of_every_target() -> None:
    async with ScriptedServer(lambda _: answers(DELETED)) as server, Queen(server.url + "/mq/") as queen:
        await queen.queue("q").delete()
    assert server.received[0].target == "/mq/api/v1/resources/queues/q"


async def test_connections_are_used_again() -> None:
    async with ScriptedServer(lambda _: answers(DELETED)) as server, client(server) as queen:
        for _ in range(5):
            await queen.queue("q").delete()
    assert {received.connection for received in server.received} == {1}


async def test_a_204_with_a_body_does_not_spoil_the_next_answer() -> None:
    script: List[Answer] = [Scripted(b'{"messages":[],"paused":true}', status=204), answers(DELETED)]
    async with ScriptedServer(lambda _: script.pop(0)) as server, client(server) as queen:
        assert await queen.queue("q").pop() == []
        assert await queen.queue("q").delete() == DELETED
    assert [received.connection for received in server.received] == [1, 2]


async def test_a_hundred_parked_polls_stop_no_push() -> None:
    def script(received: Received) -> Answer:
        return Hang() if received.method == "GET" else answers(QUEUED)

    async with ScriptedServer(script) as server, client(server) as queen:
        polls = [asyncio.ensure_future(queue.pop()) for queue in [queen.queue("q").wait()] * 100]
        while len(server.received) < 100:
            server.arrived.clear()
            await server.arrived.wait()
        await asyncio.wait_for(queen.queue("q").push([{"data": 1}]), 5)
        for poll in polls:
            poll.cancel()
        await asyncio.gather(*polls, return_exceptions=True)


async def test_the_token_is_sent_and_never_told() -> None:
    async with ScriptedServer(lambda _: answers({"error": "Token has expired"}, 401)) as server:
        async with client(server, bearer_token="s3cret") as queen:
            with pytest.raises(AuthenticationError) as raised:
                await queen.queue("q").delete()
    assert server.received[0].headers["authorization"] == "Bearer s3cret"
    assert raised.value.words == "Token has expired"
    assert "s3cret" not in str(raised.value)


async def test_a_refused_connection_names_the_url_and_how_often_it_was_tried() -> None:
    url = unused_url()
    async with Queen(url, retry_delay_millis=1, retry_attempts=2) as queen:
        with pytest.raises(ConnectionFailedError) as raised:
            await queen.queue("q").pop()
    assert raised.value.attempts == {url: 3}
    assert f"connection refused; tried {url} (3 times)" in str(raised.value)
    assert not raised.value.maybe_delivered


async def test_a_lost_answer_is_repeated_only_where_that_is_safe() -> None:
    async with ScriptedServer(lambda _: Drop()) as server, client(server, retry_attempts=2) as queen:
        with pytest.raises(ConnectionFailedError) as raised:
            await queen.send(queues.delete_queue(queue="q"))
        assert len(server.received) == 3
        assert raised.value.maybe_delivered
        with pytest.raises(ConnectionFailedError):
            await queen.queue("q").pop()
        assert len(server.received) == 4


async def test_a_push_without_ids_is_not_repeated_and_one_with_ids_is() -> None:
    async with ScriptedServer(lambda _: Drop()) as server, client(server, retry_attempts=1) as queen:
        with pytest.raises(ConnectionFailedError):
            await queen.send(messages.push(items=[{"queue": "q", "payload": 1}]))
        assert len(server.received) == 1
        with pytest.raises(ConnectionFailedError):
            await queen.send(messages.push(items=[{"queue": "q", "payload": 1, "transactionId": "t"}]))
        assert len(server.received) == 3


async def test_after_a_repeat_of_ours_a_duplicate_is_queued() -> None:
    duplicate = [{**QUEUED[0], "status": "duplicate"}]
    script: List[Answer] = [Drop(), answers(duplicate)]
    async with ScriptedServer(lambda _: script.pop(0)) as server, client(server) as queen:
        results = await queen.queue("q").push([{"data": 1, "transactionId": "t"}])
    assert [result["status"] for result in results] == ["queued"]


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_broken_server_is_tried_again(status: int) -> None:
    script: List[Answer] = [Scripted(b"<html>bad gateway</html>", status), answers(DELETED)]
    async with ScriptedServer(lambda _: script.pop(0)) as server, client(server) as queen:
        assert await queen.queue("q").delete() == DELETED


async def test_a_server_that_stays_broken_is_told_with_its_words() -> None:
    async with ScriptedServer(lambda _: Scripted(b"<html>bad gateway</html>", 502)) as server:
        async with client(server, retry_attempts=1) as queen:
            with pytest.raises(HttpStatusError) as raised:
                await queen.queue("q").delete()
    assert (raised.value.status, raised.value.operation, raised.value.url) == (502, "delete_queue", server.url)
    assert raised.value.words == "<html>bad gateway</html>"
    assert len(server.received) == 2


async def test_a_500_in_the_servers_own_words_is_a_refusal_and_not_repeated() -> None:
    async with ScriptedServer(lambda _: answers({"error": "type must be string"}, 500)) as server:
        async with client(server) as queen:
            with pytest.raises(ServerRefusedError) as raised:
                await queen.queue("q").delete()
    assert (raised.value.status, raised.value.words) == (500, "type must be string")
    assert len(server.received) == 1


@pytest.mark.parametrize("status", [408, 429])
async def test_a_request_that_was_not_processed_is_repeated_even_if_it_is_a_pop(status: int) -> None:
    script: List[Answer] = [
        answers({"error": "not now"}, status, retry_after="0"),
        answers({"success": True, "messages": []}),
    ]
    async with ScriptedServer(lambda _: script.pop(0)) as server, client(server) as queen:
        assert await queen.queue("q").pop() == []
    assert len(server.received) == 2


async def test_a_retry_after_beyond_the_deadline_is_not_waited_for() -> None:
    async with ScriptedServer(lambda _: answers({"error": "slow down"}, 429, retry_after="3600")) as server:
        async with client(server) as queen:
            with pytest.raises(ServerRefusedError):
                await queen.queue("q").delete()
    assert len(server.received) == 1


async def test_no_answer_within_the_timeout_says_what_was_allowed() -> None:
    async with ScriptedServer(lambda _: Hang()) as server, client(server, timeout_millis=50) as queen:
        with pytest.raises(QueenTimeoutError) as raised:
            await queen.queue("q").delete()
    assert raised.value.timeout_millis == 50
    assert raised.value.maybe_delivered
    assert isinstance(raised.value, TimeoutError)


async def test_an_answer_that_stops_halfway_does_not_outlive_the_timeout() -> None:
    async def script(_: Received) -> Answer:
        return Scripted(b"{", headers={"content-length": "1000"})

    async with ScriptedServer(script) as server, client(server, timeout_millis=100) as queen:
        with pytest.raises(QueenTimeoutError):
            await queen.queue("q").delete()


async def test_403_and_404_have_their_own_errors() -> None:
    script: List[Answer] = [
        answers({"error": "Insufficient permissions"}, 403),
        Scripted(b"<html>File Not Found</html>", 404, {"content-type": "text/html"}),
    ]
    async with ScriptedServer(lambda _: script.pop(0)) as server, client(server) as queen:
        with pytest.raises(PermissionDeniedError):
            await queen.queue("q").delete()
        with pytest.raises(UnsupportedByServerError) as raised:
            await queen.send(messages.pop_matching(namespace="n"))
    assert (raised.value.route, raised.value.versions) == ("GET /api/v1/pop", "0.7")
    assert "servers 0.7 have GET /api/v1/pop" in str(raised.value)


@pytest.mark.parametrize("page", [Scripted(b"no backend", 404), answers({"error": "no such path"}, 404)])
async def test_any_404_of_a_route_that_a_server_may_lack_says_who_has_it(page: Answer) -> None:
    async with ScriptedServer(lambda _: page) as server, client(server) as queen:
        with pytest.raises(UnsupportedByServerError, match=r"servers 0\.15 and later have POST .*/seek"):
            await queen.send(groups.seek_group(group="g", queue="q", to_end=True))


async def test_a_404_of_a_route_that_all_servers_have_is_about_the_url() -> None:
    async with ScriptedServer(lambda _: Scripted(b"no backend", 404)) as server, client(server) as queen:
        with pytest.raises(HttpStatusError, match="no backend; every Queen server has this route") as raised:
            await queen.queue("q").delete()
    assert not isinstance(raised.value, UnsupportedByServerError)
    assert raised.value.status == 404


async def test_404_with_a_servers_own_words_is_its_refusal() -> None:
    async with ScriptedServer(lambda _: answers({"error": "Queue not found"}, 404)) as server, client(server) as queen:
        with pytest.raises(ServerRefusedError, match="Queue not found"):
            await queen.queue("q").delete()


@pytest.mark.parametrize(
    ("body", "reason"), [(b"<html>hi</html>", "not JSON"), (b"[]", "pop"), (b"7", "pop"), (b'{"truncated', "not JSON")]
)
async def test_an_answer_of_another_kind_is_a_protocol_error(body: bytes, reason: str) -> None:
    async with ScriptedServer(lambda _: Scripted(body)) as server, client(server) as queen:
        with pytest.raises(ProtocolError) as raised:
            await queen.queue("q").pop()
    assert reason in str(raised.value)
    assert raised.value.excerpt == body.decode()


async def test_an_answer_of_text_is_the_text() -> None:
    text = "# HELP queen_uptime_seconds Seconds, \u00e9\nqueen_uptime_seconds 1\n"
    head = {"content-type": "text/plain; version=0.0.4; charset=utf-8"}
    async with ScriptedServer(lambda _: Scripted(text.encode(), headers=head)) as server, client(server) as queen:
        assert await queen.send(system.get_prometheus_metrics()) == text
    assert "text/plain" in server.received[0].headers["accept"]


@pytest.mark.parametrize(
    ("body", "media_type", "reason"),
    [
        (b"<html>dashboard</html>", "text/html", "the body is text/html, and not text/plain"),
        (b"{}", "", "the body is of no media type, and not text/plain"),
        (b"\xff", "text/plain", "the body is not UTF-8"),
    ],
)
async def test_another_answer_than_the_text_that_was_asked_for_is_a_protocol_error(
    body: bytes, media_type: str, reason: str
) -> None:
    head = {"content-type": media_type}
    async with ScriptedServer(lambda _: Scripted(body, headers=head)) as server, client(server) as queen:
        with pytest.raises(ProtocolError, match=reason):
            await queen.send(system.get_prometheus_metrics())


async def test_a_post_without_a_body_says_that_it_has_none() -> None:
    answer = answers({"skipped": True, "reason": "another_instance_running"})
    async with ScriptedServer(lambda _: answer) as server, client(server) as queen:
        await queen.send(status.refresh_stats())
    received = server.received[0]
    assert (received.method, received.body, received.headers.get("content-length")) == ("POST", b"", "0")
    assert "content-type" not in received.headers


async def test_a_truncated_answer_is_a_lost_one() -> None:
    truncated = Scripted(b'{"status"', headers={"content-length": "900"}, close=True)
    async with ScriptedServer(lambda _: truncated) as server, client(server, retry_attempts=0) as queen:
        with pytest.raises(ConnectionFailedError) as raised:
            await queen.send(system.health())
    assert raised.value.maybe_delivered


async def test_a_closed_client_says_so() -> None:
    queen = Queen("http://127.0.0.1:1")
    await queen.close()
    await queen.close()
    with pytest.raises(ClientClosedError):
        queen.queue("q")
    with pytest.raises(ClientClosedError):
        await queen.send(system.health())


async def test_a_poll_that_the_server_forgot_is_empty_and_one_that_never_left_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("queen.transport.transport._POLL_GRACE", 0.05)
    async with ScriptedServer(lambda _: Hang()) as server, client(server) as queen:
        assert await queen.queue("q").wait().timeout_millis(10).pop() == []
    assert len(server.received) == 1
    async with Queen(unused_url(), retry_attempts=0) as queen:
        with pytest.raises(ConnectionFailedError):
            await queen.queue("q").wait().timeout_millis(10).pop()


async def test_a_client_closed_under_a_request_leaves_no_connection_open() -> None:
    answer = asyncio.Event()

    async def script(_: Received) -> Answer:
        await answer.wait()
        return answers(DELETED)

    async with ScriptedServer(script) as server:
        queen = client(server, retry_attempts=0)
        deleting = asyncio.ensure_future(queen.queue("q").delete())
        await server.arrived.wait()
        closing = asyncio.ensure_future(queen.close())
        answer.set()
        await closing
        await asyncio.gather(deleting, return_exceptions=True)


async def test_what_is_no_request_is_refused_by_name() -> None:
    not_called: Any = system.health
    async with Queen("http://127.0.0.1:1") as queen:
        with pytest.raises(TypeError, match="accepted is what a function of queen_api returns"):
            await queen.send(not_called)


async def test_a_request_that_is_under_way_when_the_client_closes_ends_at_once() -> None:
    async with ScriptedServer(lambda _: Hang()) as server:
        queen = Queen(server.url, retry_attempts=50, retry_delay_millis=60_000)
        pushing = asyncio.ensure_future(queen.queue("q").push([{"data": 1}]))
        await asyncio.wait_for(server.arrived.wait(), 5)
        await queen.close()
        with pytest.raises(ClientClosedError) as raised:
            await asyncio.wait_for(pushing, 5)
    assert raised.value.maybe_delivered
    assert [item["data"] for item in raised.value.unsent] == [1]
