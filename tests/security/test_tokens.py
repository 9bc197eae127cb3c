"""Tokens: one that stays, and those of a function, which is asked when there is none and when one is refused."""

from __future__ import annotations

import asyncio
import random
from typing import Any, Callable, List

import pytest

from queen import AuthenticationError, ClientClosedError, ConnectionFailedError, Queen, TokenUnavailableError
from queen.config import Secret
from tests.scripted_server import Answer, Drop, Hang, Received, ScriptedServer, answers
from tests.security.guarded import DELETED, EMPTY, Guarded, Issuer, client
from tests.security.tokens import token

pytestmark = pytest.mark.sockets


@pytest.mark.parametrize("key", ["bearer_token", "auth"])
@pytest.mark.parametrize("kind", [str, Secret])
async def test_a_token_may_be_a_text_or_a_secret(key: str, kind: Callable[[str], object]) -> None:
    async with Guarded() as server, client(server, **{key: kind(token(exp=60))}) as queen:
        assert await queen.queue("q").delete() == DELETED


@pytest.mark.parametrize("given", [{}, {"bearer_token": "forged.to.ken"}, {"auth": token(exp=-60)}])
async def test_a_token_that_is_missing_forged_or_expired_is_refused(given: Any) -> None:
    async with Guarded() as server, client(server, retry_attempts=3, **given) as queen:
        with pytest.raises(AuthenticationError) as raised:
            await queen.queue("q").delete()
    assert raised.value.status == 401
    assert len(server.received) == 1


async def test_a_function_is_asked_with_the_first_request_and_its_token_is_kept() -> None:
    async with Guarded() as server:
        issuer = Issuer(server)
        async with client(server, auth=issuer) as queen:
            assert issuer.given == []
            for _ in range(3):
                assert await queen.queue("q").delete() == DELETED
    assert len(issuer.given) == 1
    assert server.authorizations == [f"Bearer {issuer.given[0]}"] * 3


async def test_a_function_may_be_sync_and_may_return_a_secret() -> None:
    async with Guarded() as server, client(server, auth=lambda: Secret(token(exp=60))) as queen:
        assert await queen.queue("q").delete() == DELETED


async def test_it_is_asked_again_when_the_token_has_expired() -> None:
    async with Guarded() as server:
        issuer = Issuer(server)
        async with client(server, auth=issuer) as queen:
            await queen.queue("q").delete()
            server.now = 100
            assert await queen.queue("q").delete() == DELETED
            assert await queen.queue("q").delete() == DELETED
    assert len(issuer.given) == 2
    assert len(server.received) == 4


async def test_a_push_that_must_not_be_repeated_is_sent_again_with_another_token() -> None:
    """A server that answers 401 has done nothing."""
    async with Guarded() as server:
        issuer = Issuer(server)
        async with client(server, auth=issuer) as queen:
            await queen.queue("q").pop()
            server.now = 100
            assert await queen.queue("q").pop() == []
    assert [received.target.split("?")[0] for received in server.received] == ["/api/v1/pop/queue/q"] * 3


async def test_long_polls_get_another_token_too() -> None:
    async with Guarded() as server:
        issuer = Issuer(server)
        async with client(server, auth=issuer) as queen:
            await queen.queue("q").delete()
            server.now = 100
            assert await queen.queue("q").wait().pop() == []
    assert len(issuer.given) == 2


async def test_requests_and_polls_that_are_refused_together_ask_once() -> None:
    async with Guarded() as server:
        issuer = Issuer(server)
        async with client(server, auth=issuer) as queen:
            await queen.queue("q").delete()
            server.now = 100
            calls: List[Any] = [queen.queue("q").delete() for _ in range(10)]
            calls += [queen.queue("q").wait().pop() for _ in range(10)]
            assert await asyncio.gather(*calls) == [DELETED] * 10 + [[]] * 10
    assert len(issuer.given) == 2


async def test_first_requests_that_are_sent_together_ask_once() -> None:
    async with Guarded() as server:
        issuer = Issuer(server)
        async with client(server, auth=issuer) as queen:
            await asyncio.gather(*[queen.queue("q").delete() for _ in range(10)])
    assert len(issuer.given) == 1


async def test_a_new_token_that_is_refused_too_is_an_error_and_asked_for_once() -> None:
    async with Guarded() as server:
        issuer = Issuer(server, seconds=-1)
        async with client(server, auth=issuer, retry_attempts=3) as queen:
            with pytest.raises(AuthenticationError, match="Token has expired") as raised:
                await queen.queue("q").delete()
    assert not isinstance(raised.value, TokenUnavailableError)
    assert len(issuer.given) == 2
    assert len(server.received) == 2


async def test_the_same_token_is_not_sent_again() -> None:
    async with Guarded() as server:
        expired = token(exp=-1)
        async with client(server, auth=lambda: expired) as queen:
            with pytest.raises(AuthenticationError):
                await queen.queue("q").delete()
    assert len(server.received) == 1


async def test_a_function_that_raises_sends_nothing_and_is_the_cause() -> None:
    reason = OSError("the issuer is away, and here is a secret")

    def fail() -> str:
        raise reason

    async with Guarded() as server, client(server, auth=fail, retry_attempts=3) as queen:
        with pytest.raises(AuthenticationError, match="the function given as auth raised OSError") as raised:
            await queen.queue("q").delete()
    assert isinstance(raised.value, TokenUnavailableError)
    assert raised.value.__cause__ is reason
    assert (raised.value.operation, raised.value.url, raised.value.status) == ("delete_queue", server.url, 0)
    assert not raised.value.maybe_delivered
    assert "secret" not in str(raised.value)
    assert server.received == []


async def test_what_was_sent_before_the_token_was_lost_is_told() -> None:
    calls: List[int] = []

    def once() -> str:
        calls.append(1)
        if len(calls) > 1:
            raise OSError
        return "first"

    script: List[Answer] = [Drop(), answers({"error": "Token has expired"}, 401)]
    async with ScriptedServer(lambda _: script.pop(0)) as server, client(server, auth=once, retry_attempts=1) as queen:
        with pytest.raises(TokenUnavailableError) as raised:
            await queen.queue("q").delete()
    assert raised.value.maybe_delivered


@pytest.mark.parametrize("given", [None, b"token", "", "two\r\nlines", "größe", " token"])
async def test_what_is_no_token_is_not_sent(given: Any) -> None:
    async with Guarded() as server, client(server, auth=lambda: given) as queen:
        with pytest.raises(TokenUnavailableError, match="is no token"):
            await queen.queue("q").delete()
    assert server.received == []


async def test_a_function_that_does_not_return_is_waited_for_as_long_as_the_call_may_take() -> None:
    async def never() -> str:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    async with Guarded() as server, client(server, auth=never, timeout_millis=20) as queen:
        with pytest.raises(TokenUnavailableError, match="did not return in time"):
            await queen.queue("q").delete()
    assert server.received == []


async def test_a_consumer_waits_for_a_token_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda least, longest: 0.0)
    async with Guarded() as server:
        issuer = Issuer(server)
        failures = [OSError(), OSError()]

        async def sometimes() -> str:
            if failures:
                raise failures.pop()
            return await issuer()

        async with client(server, auth=sometimes) as queen:
            stop = asyncio.Event()
            consuming = asyncio.ensure_future(queen.queue("q").consume(lambda message: None, signal=stop))
            await asyncio.wait_for(server.arrived.wait(), 10)
            stop.set()
            await consuming
    assert failures == []


async def test_a_consumer_ends_when_the_server_refuses_every_token() -> None:
    async with Guarded() as server, client(server, auth=lambda: token(exp=-1)) as queen:
        with pytest.raises(AuthenticationError):
            await asyncio.wait_for(queen.queue("q").consume(lambda message: None), 10)


async def test_a_buffer_keeps_what_could_not_be_sent_for_want_of_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda least, longest: 0.0)

    def script(received: Received) -> Answer:
        return answers([{"status": "queued", "transaction_id": item["transactionId"]} for item in items(received)])

    given: List[Any] = [OSError(), "token"]

    def sometimes() -> str:
        if isinstance(given[0], OSError):
            raise given.pop(0)
        return str(given[0])

    async with ScriptedServer(script) as server, client(server, auth=sometimes) as queen:
        await queen.queue("q").buffer({"message_count": 2}).push([{"data": 1}, {"data": 2}])
        await asyncio.wait_for(server.arrived.wait(), 10)
    assert [item["payload"] for item in items(server.received[0])] == [1, 2]


async def test_a_caller_that_is_cancelled_leaves_the_token_to_the_others() -> None:
    asked = asyncio.Event()
    answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def ask() -> str:
        asked.set()
        return await answered

    async with Guarded() as server, client(server, auth=ask) as queen:
        first, second = (asyncio.ensure_future(queen.queue("q").delete()) for _ in range(2))
        await asked.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        answered.set_result(token(exp=60))
        assert await second == DELETED
    assert len(server.received) == 1


async def test_a_client_that_is_closed_waits_for_no_token() -> None:
    asked = asyncio.Event()

    async def never() -> str:
        asked.set()
        return await asyncio.get_running_loop().create_future()

    async with Guarded() as server:
        queen = client(server, auth=never)
        deleting = asyncio.ensure_future(queen.queue("q").delete())
        await asked.wait()
        await queen.close()
        with pytest.raises(ClientClosedError):
            await deleting


async def test_a_poll_that_waits_is_not_disturbed_by_another_token() -> None:
    def script(received: Received) -> Answer:
        return Hang() if "wait=true" in received.target else answers(EMPTY)

    async with ScriptedServer(script) as server, client(server, auth=lambda: "token") as queen:
        poll = asyncio.ensure_future(queen.queue("q").wait().pop())
        await server.arrived.wait()
        assert await queen.queue("q").pop() == []
        assert not poll.done()
        poll.cancel()
        with pytest.raises(asyncio.CancelledError):
            await poll


async def test_the_embedded_broker_takes_a_client_with_a_function() -> None:
    async with Queen("memory://", auth=lambda: "token") as queen:
        await queen.queue("q").create()


async def test_a_server_that_cannot_be_reached_is_still_that() -> None:
    async with Queen("http://127.0.0.1:1", auth=lambda: "token", retry_attempts=0) as queen:
        with pytest.raises(ConnectionFailedError):
            await queen.queue("q").delete()


def items(received: Received) -> List[Any]:
    body: Any = received.json
    found: List[Any] = body["items"]
    return found
