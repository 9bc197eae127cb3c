"""The proxy does the faults that its plan says, and counts them."""

from __future__ import annotations

import asyncio
from typing import List, Tuple

import pytest

from tests.faults import fault_kinds as faults
from tests.faults.fault_kinds import Fault
from tests.faults.http_messages import Request, read_response
from tests.faults.plans import MAKERS, Scripted, Weather
from tests.faults.proxy import FaultProxy, Seen
from tests.scripted_server import Hang, Raw, ScriptedServer, answers

REQUEST = b"POST /api/v1/push HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}"


def port_of(server: ScriptedServer) -> int:
    return int(server.url.rpartition(":")[2])


async def opened(proxy: FaultProxy) -> Tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", int(proxy.url.rpartition(":")[2]))


async def read_to_end(reader: asyncio.StreamReader) -> Tuple[bytes, bool]:
    """What came, and whether the connection was reset then."""
    data = b""
    try:
        while True:
            part = await asyncio.wait_for(reader.read(65536), 10)
            if not part:
                return data, False
            data += part
    except ConnectionError:
        return data, True


async def under(fault: Fault) -> Tuple[bytes, bool, int]:
    """What a client gets for one request, whether it was reset, and how many requests the broker got."""
    async with ScriptedServer(lambda _: answers({"ok": True})) as broker:
        async with FaultProxy(port_of(broker), Scripted({1: fault})) as proxy:
            reader, writer = await opened(proxy)
            writer.write(REQUEST)
            if fault.harmless and not isinstance(fault, faults.CloseIdle):
                response = await read_response(reader)
                got: Tuple[bytes, bool] = (response.head + response.body, False)
            elif isinstance(fault, faults.Instead):
                answer = await read_response(reader)
                got = (answer.head + answer.body, False)
            else:
                got = await read_to_end(reader)
            writer.close()
            assert await proxy.all_closed()
            assert proxy.injected == {fault.kind: 1}
            return (*got, len(broker.received))


WHOLE = b'HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n{"ok": true}'


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (faults.Refuse(0.01), (b"", True, 0)),
        (faults.ResetBefore(delivered=False), (b"", True, 0)),
        (faults.ResetBefore(delivered=True), (b"", True, 1)),
        (faults.ResetDuring(), (WHOLE[: len(WHOLE) // 2], True, 1)),
        (faults.ResetAfter(), (WHOLE, True, 1)),
        (faults.Trickle(), (WHOLE, False, 1)),
        (faults.CutBody(), (WHOLE[:-6], False, 1)),
        (faults.Garbage(b"garbage"), (b"garbage", False, 1)),
        (faults.CloseIdle(), (WHOLE, False, 1)),
        (faults.CloseIdle(0.01), (WHOLE, False, 1)),
        (faults.Delay(0.01), (WHOLE, False, 1)),
    ],
    ids=lambda value: value.kind if not isinstance(value, tuple) else "",
)
async def test_a_fault_is_what_its_name_says(fault: Fault, expected: Tuple[bytes, bool, int]) -> None:
    assert await under(fault) == expected


@pytest.mark.parametrize("delivered", [True, False])
async def test_another_answer_comes_instead_of_the_brokers(delivered: bool) -> None:
    got, _, received = await under(faults.Instead(503, retry_after="7", delivered=delivered))
    assert got.startswith(b"HTTP/1.1 503 X\r\n")
    assert b"\r\nretry-after: 7\r\n" in got
    assert received == delivered


async def test_a_stall_holds_the_answer_until_the_client_goes() -> None:
    seen: List[Seen] = []
    async with ScriptedServer(lambda _: answers({"ok": True})) as broker:
        async with FaultProxy(port_of(broker), Scripted({1: faults.Stall()})) as proxy:
            proxy.see = seen.append
            reader, writer = await opened(proxy)
            writer.write(REQUEST)
            await asyncio.wait_for(broker.arrived.wait(), 10)
            assert proxy.open_connections == 1
            writer.close()
            assert await proxy.all_closed()
            assert await read_to_end(reader) == (b"", False)
    assert [(exchange.fault, exchange.clean) for exchange in seen] == [("stall", False)]


async def test_a_client_that_goes_takes_its_request_to_the_broker_with_it() -> None:
    async with ScriptedServer(lambda _: Hang()) as broker:
        async with FaultProxy(port_of(broker)) as proxy:
            _, writer = await opened(proxy)
            writer.write(b"GET /api/v1/pop/queue/q HTTP/1.1\r\n\r\n")
            await asyncio.wait_for(broker.arrived.wait(), 10)
            writer.close()
            assert await proxy.all_closed()


async def test_refused_connections_are_refused_by_the_system_and_taken_again_at_the_same_port() -> None:
    async with ScriptedServer(lambda _: answers({})) as broker:
        async with FaultProxy(port_of(broker)) as proxy:
            proxy.refuse()
            with pytest.raises(ConnectionRefusedError):
                await opened(proxy)
            proxy.accept()
            reader, writer = await opened(proxy)
            writer.write(REQUEST)
            assert (await read_response(reader)).status == 200
            writer.close()


async def test_a_broker_that_is_away_is_a_connection_that_is_reset() -> None:
    async with ScriptedServer(lambda _: answers({})) as broker:
        port = port_of(broker)
    async with FaultProxy(port) as proxy:
        reader, writer = await opened(proxy)
        writer.write(REQUEST)
        assert await read_to_end(reader) == (b"", True)
        writer.close()


async def test_requests_and_responses_of_one_connection_are_told_apart() -> None:
    chunked = Raw([b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n4\r\nab\r\n\r\n", b"0\r\n\r\n"])
    script = [answers({"n": 1}), answers({"n": 2}), chunked]
    async with ScriptedServer(lambda _: script[len(broker.received) - 1]) as broker:
        async with FaultProxy(port_of(broker)) as proxy:
            reader, writer = await opened(proxy)
            writer.write(REQUEST + REQUEST[:30])
            first = await read_response(reader)
            writer.write(REQUEST[30:])
            second = await read_response(reader)
            writer.write(REQUEST)
            third = await read_response(reader)
            writer.close()
    assert [first.body, second.body, third.body] == [b'{"n": 1}', b'{"n": 2}', b"4\r\nab\r\n\r\n0\r\n\r\n"]
    assert proxy.requests == 3
    assert [received.body for received in broker.received] == [b"{}"] * 3


@pytest.mark.parametrize("body", [b"", b"{}"])
async def test_a_204_has_the_body_that_its_length_says(body: bytes) -> None:
    length = b"content-length: 2\r\n" if body else b""
    raw = b"HTTP/1.1 204 X\r\n" + length + b"\r\n" + body
    async with ScriptedServer(lambda _: Raw([raw])) as broker:
        async with FaultProxy(port_of(broker)) as proxy:
            reader, writer = await opened(proxy)
            writer.write(REQUEST)
            response = await asyncio.wait_for(read_response(reader), 10)
            writer.close()
    assert (response.status, response.body) == (204, body)


async def test_a_script_counts_the_requests_of_its_route() -> None:
    plan = Scripted({2: faults.ResetDuring()}, "/ack")
    asked = [plan.fault_for(Request("POST", target, b"", b"")) for target in ("/ack", "/push?x=/ack", "/ack", "/ack")]
    assert asked == [None, None, faults.ResetDuring(), None]


def test_weather_of_one_seed_is_always_the_same_and_of_another_is_not() -> None:
    rates = dict.fromkeys(MAKERS, 0.05)
    request = Request("GET", "/", b"", b"")

    def drawn(seed: int) -> List[object]:
        weather = Weather(seed, rates)
        return [weather.fault_for(request) for _ in range(500)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    kinds = {fault.kind for fault in drawn(1) if isinstance(fault, faults.Instead)}
    assert {"429", "429 with Retry-After", "502", "504", "204 with a body", "500 without JSON"} <= kinds
