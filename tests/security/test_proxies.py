"""Proxies: which requests go through one, what it sees, and what is made of its refusals."""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import Any, Dict, List, Optional

import pytest

from queen import ConfigurationError, ConnectionFailedError, HttpStatusError, Queen
from queen.config import client_config
from queen.transport.engines.proxy import proxies
from tests.scripted_server import Hang, Scripted, ScriptedServer, answers
from tests.security.authority import Authority
from tests.security.guarded import DELETED, client
from tests.security.tunnels import TunnelProxy

pytestmark = pytest.mark.sockets

# The base64 of `user:hunter2`.
BASIC = "Basic dXNlcjpodW50ZXIy"


def with_user(url: str) -> str:
    return url.replace("http://", "http://user:hunter2@")


async def test_an_http_server_is_asked_for_through_the_proxy_in_absolute_form() -> None:
    async with ScriptedServer(lambda _: answers(DELETED)) as proxy:
        async with Queen("http://queen.test:6632/mq", proxy=with_user(proxy.url), bearer_token="t") as queen:
            for _ in range(2):
                assert await queen.queue("q").delete() == DELETED
    for received in proxy.received:
        assert received.target == "http://queen.test:6632/mq/api/v1/resources/queues/q"
        assert received.headers["host"] == "queen.test:6632"
        assert received.headers["proxy-authorization"] == BASIC
        assert received.headers["authorization"] == "Bearer t"
        assert received.connection == 1


async def test_a_proxy_without_a_user_name_gets_none() -> None:
    async with ScriptedServer(lambda _: answers(DELETED)) as proxy:
        async with Queen("http://queen.test", proxy=proxy.url.replace("http://", "")) as queen:
            await queen.queue("q").delete()
    assert "proxy-authorization" not in proxy.received[0].headers


async def test_an_https_server_is_reached_through_a_tunnel_that_hides_all(
    authority: Authority, localhost: ssl.SSLContext
) -> None:
    async with ScriptedServer(lambda _: answers(DELETED), localhost) as server, TunnelProxy() as proxy:
        options: Dict[str, Any] = {"ca_file": authority.file, "bearer_token": "t", "proxy": with_user(proxy.url)}
        async with client(server, **options) as queen:
            for _ in range(2):
                assert await queen.queue("q").delete() == DELETED
            assert await queen.queue("q").delete() == DELETED
    authority_asked = server.url.partition("://")[2]
    assert proxy.asked == [
        f"CONNECT {authority_asked} HTTP/1.1\r\nhost: {authority_asked}\r\nproxy-authorization: {BASIC}\r\n\r\n"
    ]
    for received in server.received:
        assert received.target == "/api/v1/resources/queues/q"
        assert received.headers["authorization"] == "Bearer t"
        assert "proxy-authorization" not in received.headers
        assert received.connection == 1


async def test_the_certificate_behind_a_tunnel_is_the_servers(authority: Authority, localhost: ssl.SSLContext) -> None:
    """A proxy that leads somewhere else is found out before anything is sent."""
    async with ScriptedServer(lambda _: answers(DELETED), localhost) as server:
        port = int(server.url.rpartition(":")[2])
        async with TunnelProxy(to_port=port) as proxy:
            async with Queen("https://queen.test", proxy=proxy.url, ca_file=authority.file, retry_attempts=0) as queen:
                with pytest.raises(ConnectionFailedError, match=r"not valid for 'queen\.test'") as raised:
                    await queen.queue("q").delete()
    assert f"(through the proxy {proxy.url})" in str(raised.value)
    assert server.received == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "asks for a user name and a password (407)"),
        (b"HTTP/1.0 502 Bad Gateway\r\n\r\nno route", "cannot reach queen.test:6632 (502)"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "does not let this client through to queen.test:6632 (403)"),
        (b"HTTP/1.1 200\r\n\r\n", "the connection was closed as it was made (through the proxy"),
        (b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "sent more than its answer to CONNECT"),
        (b"HTTP/1.1 200 OK\r\nx: ", "there is no answer of an HTTP proxy to CONNECT"),
        (b"\x05\xff", "there is no answer of an HTTP proxy to CONNECT"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"x" * 100_000, "there is no answer of an HTTP proxy to CONNECT"),
        (b"", "there is no answer of an HTTP proxy to CONNECT"),
    ],
    ids=["407", "502", "403", "nobody behind it", "too much", "half", "socks", "endless", "nothing"],
)
async def test_a_tunnel_that_is_not_opened_is_a_failed_connection(answer: bytes, words: str) -> None:
    async with TunnelProxy(answer=answer) as proxy:
        async with Queen("https://queen.test:6632", proxy=with_user(proxy.url), retry_attempts=0) as queen:
            with pytest.raises(ConnectionFailedError) as raised:
                await asyncio.wait_for(queen.queue("q").delete(), 10)
    assert words in str(raised.value)
    assert proxy.url in str(raised.value)
    assert "hunter2" not in str(raised.value)
    assert not raised.value.maybe_delivered


async def test_a_proxy_that_asks_an_http_request_for_a_password_is_a_failed_connection() -> None:
    async with ScriptedServer(lambda _: Scripted(b"<html>", 407)) as proxy:
        async with Queen("http://queen.test", proxy=with_user(proxy.url), retry_attempts=0) as queen:
            with pytest.raises(ConnectionFailedError, match=r"asks for a user name and a password \(407\)") as raised:
                await queen.queue("q").delete()
    assert not raised.value.maybe_delivered
    assert "hunter2" not in str(raised.value)


async def test_a_407_of_a_server_is_not_taken_for_a_proxys() -> None:
    async with ScriptedServer(lambda _: Scripted(b"<html>", 407)) as server, client(server) as queen:
        with pytest.raises(HttpStatusError, match="answered 407"):
            await queen.queue("q").delete()


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_not_there_is_named(scheme: str) -> None:
    options: Dict[str, Any] = {"proxy": "http://user:hunter2@127.0.0.1:1", "retry_attempts": 0}
    async with Queen(f"{scheme}://queen.test", **options) as queen:
        with pytest.raises(ConnectionFailedError) as raised:
            await queen.queue("q").delete()
    assert "connection refused (through the proxy http://127.0.0.1:1)" in str(raised.value)


async def test_a_tunnel_is_waited_for_as_long_as_a_connection_may_take() -> None:
    arrived = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(hang, "127.0.0.1", 0)
    proxy = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
    async with Queen("https://queen.test", proxy=proxy, retry_attempts=0, connect_timeout_millis=50) as queen:
        with pytest.raises(ConnectionFailedError, match=r"no connection within 0\.05 s \(through the proxy"):
            await queen.queue("q").delete()
        arrived.clear()
        deleting = asyncio.ensure_future(queen.queue("q").delete())
        await arrived.wait()
        deleting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await deleting
    silent.close()


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
async def test_the_environment_names_a_proxy(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    async with ScriptedServer(lambda _: answers(DELETED)) as proxy:
        monkeypatch.setenv(variable, with_user(proxy.url))
        async with Queen("http://queen.test") as queen:
            await queen.queue("q").delete()
        async with ScriptedServer(lambda _: answers(DELETED)) as server, client(server, trust_env=False) as queen:
            await queen.queue("q").delete()
    assert [received.target for received in proxy.received] == ["http://queen.test/api/v1/resources/queues/q"]
    assert proxy.received[0].headers["proxy-authorization"] == BASIC


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
async def test_the_environment_names_a_proxy_for_https(
    monkeypatch: pytest.MonkeyPatch, variable: str, authority: Authority, localhost: ssl.SSLContext
) -> None:
    async with ScriptedServer(lambda _: answers(DELETED), localhost) as server, TunnelProxy() as proxy:
        monkeypatch.setenv(variable, proxy.url)
        async with client(server, ca_file=authority.file) as queen:
            assert await queen.queue("q").delete() == DELETED
    assert len(proxy.asked) == 1


@pytest.mark.parametrize(
    ("url", "no_proxy", "proxied"),
    [
        ("http://queen.test:6632", None, True),
        ("http://localhost:6632", None, True),
        ("http://localhost:6632", "localhost", False),
        ("http://127.0.0.1:6632", "localhost,127.0.0.1", False),
        ("http://[::1]:6632", "localhost,::1", False),
        ("http://[::1]:6632", "localhost", True),
        ("http://queen.test:6632", "test", False),
        ("http://queen.test:6632", ".test", False),
        ("http://queen.test:6632", "queen.test:6632", False),
        ("http://queen.test:6632", "queen.test:1", True),
        ("http://queentest:6632", "test", True),
        ("http://queen.test", "*", False),
        ("https://queen.test", "QUEEN.test", False),
    ],
)
def test_no_proxy_keeps_servers_out(
    monkeypatch: pytest.MonkeyPatch, url: str, no_proxy: Optional[str], proxied: bool
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "proxy.test:3128")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:3128/")
    if no_proxy is not None:
        monkeypatch.setenv("NO_PROXY", no_proxy)
    found = proxies(client_config(url))
    assert [proxy.url for proxy in found.values()] == ["http://proxy.test:3128"] * proxied
    given = proxies(client_config(url, {"proxy": "http://[::1]:80"}))
    assert [proxy.url for proxy in given.values()] == ["http://[::1]:80"]


def test_what_goes_through_a_proxy_is_told_to_who_looks_for_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://user:hunter2@proxy.test:3128")
    with caplog.at_level(logging.DEBUG, "queen"):
        Queen("http://queen.test:6632")
    assert "'proxies': {'http://queen.test:6632': 'http://proxy.test:3128'}" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("value", ["socks5://user:hunter2@a:1", "https://user:hunter2@a:1", "http://user:hunter2@"])
async def test_a_proxy_of_the_environment_that_cannot_be_used_is_not_passed_by(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("all_proxy", value)
    with pytest.raises(ConfigurationError, match="the environment's http_proxy or all_proxy") as raised:
        Queen("http://queen.test")
    assert "hunter2" not in str(raised.value)
    async with Queen("memory://"):
        pass
    Queen("http://queen.test", trust_env=False)
    Queen("http://queen.test", proxy="http://a:1")


async def test_long_polls_go_through_the_proxy_too_and_do_not_stop_pushes() -> None:
    polls: List[asyncio.Future[Any]] = []
    async with ScriptedServer(lambda received: Hang() if "wait=true" in received.target else answers(DELETED)) as proxy:
        async with Queen("http://queen.test", proxy=proxy.url, max_connections=1) as queen:
            polls += [asyncio.ensure_future(queen.queue("q").wait().pop()) for _ in range(3)]
            while len(proxy.received) < 3:
                proxy.arrived.clear()
                await proxy.arrived.wait()
            assert await queen.queue("q").delete() == DELETED
            for poll in polls:
                poll.cancel()
            await asyncio.gather(*polls, return_exceptions=True)
