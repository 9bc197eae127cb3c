"""What may have been done already is repeated only where that does no harm, and is told as doubtful."""

from __future__ import annotations

from typing import Any

import pytest
from queen_api.api import messages

from queen import ConnectionFailedError, OutcomeUnknownError, QueenError
from tests.scripted_server import Answer, Drop, answers
from tests.unit.client.failover.servers import BAD_GATEWAY, Servers, acked, always, client, counts, lost, pop, push

pytestmark = pytest.mark.sockets


async def test_a_lost_answer_anywhere_makes_the_error_doubtful(servers: Servers) -> None:
    servers[0].play = always(Drop())
    async with client(servers) as queen:
        await servers[1].die()
        await servers[2].die()
        with pytest.raises(ConnectionFailedError) as raised:
            await push(queen)
    assert raised.value.attempts == {server.url: 1 for server in servers}
    assert raised.value.maybe_delivered


@pytest.mark.parametrize("then", [answers({"error": "slow down"}, 429), answers({"error": "bad type"}, 500)])
async def test_a_push_whose_answer_was_lost_stays_doubtful_when_the_next_server_refuses_it(
    servers: Servers, then: Answer
) -> None:
    servers[0].play = always(Drop())
    servers[1].play = servers[2].play = always(then)
    async with client(servers) as queen:
        with pytest.raises(QueenError) as raised:
            await push(queen)
    assert raised.value.maybe_delivered


async def test_a_push_that_a_lost_answer_stored_is_queued_on_the_next_server(servers: Servers) -> None:
    servers[0].play = always(Drop())
    servers[1].play = always(answers([{"status": "duplicate", "transaction_id": "t"}]))
    async with client(servers) as queen:
        [result] = await queen.queue("q").push([{"data": 1, "transactionId": "t"}])
    assert result["status"] == "queued"
    assert servers[0].received[0].json == servers[1].received[0].json


async def test_a_push_without_an_id_goes_to_no_second_server(servers: Servers) -> None:
    for server in servers:
        server.play = always(Drop())
    async with client(servers, retry_attempts=3) as queen:
        with pytest.raises(ConnectionFailedError) as raised:
            await queen.send(messages.push(items=[{"queue": "q", "payload": 1}]))
    assert raised.value.maybe_delivered
    assert sum(counts(servers)) == 1


@pytest.mark.parametrize("failure", [Drop(), BAD_GATEWAY], ids=["dropped", "502"])
@pytest.mark.parametrize("wait", [False, True])
async def test_a_pop_that_may_have_leased_messages_goes_to_no_second_server(
    servers: Servers, failure: Answer, wait: bool
) -> None:
    servers[0].play = always(failure)
    async with client(servers, retry_attempts=3) as queen:
        with pytest.raises(QueenError) as raised:
            await queen.queue("q").wait(wait).pop()
        assert raised.value.maybe_delivered
        assert counts(servers) == [1, 0, 0]
        await queen.queue("q").wait(wait).pop()
    assert counts(servers) == [1, 1, 0]


async def test_an_ack_that_never_left_goes_on_without_doubt(servers: Servers) -> None:
    async with client(servers) as queen:
        message = await pop(queen)
        await servers[0].die()
        await servers[1].die()
        result = await message.ack()
    assert result["success"]
    assert "uncertain" not in result
    assert counts(servers) == [1, 0, 1]


@pytest.mark.parametrize("failure", [Drop(), BAD_GATEWAY], ids=["dropped", "502"])
@pytest.mark.parametrize("error", [None, "Invalid or expired lease"])
async def test_a_lost_answer_of_an_ack_is_repeated_once_on_the_next_server(
    servers: Servers, failure: Answer, error: Any
) -> None:
    servers[0].play = lost("ack", failure)
    servers[1].play = always(acked("t", error))
    async with client(servers, retry_attempts=3) as queen:
        result = await (await pop(queen)).ack()
    assert (result["success"], result.get("uncertain", False)) == (True, error is not None)
    assert counts(servers) == [2, 1, 0]


@pytest.mark.parametrize("status", [True, False, "dlq"])
async def test_an_ack_is_sent_twice_at_most_however_many_servers_there_are(servers: Servers, status: object) -> None:
    for server in servers:
        server.play = lost("ack", Drop())
    async with client(servers, retry_attempts=3) as queen:
        message = await pop(queen)
        with pytest.raises(ConnectionFailedError) as raised:
            await queen.ack(message, status)
    assert raised.value.maybe_delivered
    assert counts(servers) == [2, 1, 0]
    assert servers[0].received[1].json == servers[1].received[0].json


async def test_a_503_with_json_is_as_doubtful_as_one_without_and_its_ack_repeated(servers: Servers) -> None:
    servers[0].play = lost("ack", answers({"error": "no database"}, 503))
    async with client(servers) as queen:
        message = await pop(queen)
        assert (await message.ack())["success"]


async def test_a_transaction_of_acks_with_a_lost_answer_goes_to_no_second_server(servers: Servers) -> None:
    for server in servers:
        server.play = lost("transaction", Drop())
    async with client(servers, retry_attempts=3) as queen:
        message = await pop(queen)
        with pytest.raises(OutcomeUnknownError):
            await queen.transaction().ack(message).commit()
    assert sum(counts(servers)) == 2


async def test_a_transaction_that_knows_itself_again_is_repeated_once_on_another_server(servers: Servers) -> None:
    for server in servers:
        server.play = lost("transaction", Drop())
    async with client(servers, retry_attempts=3) as queen:
        with pytest.raises(OutcomeUnknownError):
            await queen.transaction().queue("q").push([{"data": 1}]).commit()
    assert sorted(counts(servers)) == [0, 1, 1]
