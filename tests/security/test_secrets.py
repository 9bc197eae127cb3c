"""Secrets show nowhere, whatever fails: not in logs, errors, reprs, nor in the locals of the library's frames."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import functools
import logging
import ssl
from typing import Any, AsyncIterator, Callable, Dict, Iterator, List

import pytest

from queen import ConfigurationError, Queen, QueenError
from queen.config import client_config
from tests.scripted_server import Answer, Drop, Hang, Raw, Received, Scripted, ScriptedServer, answers
from tests.security.exposure import Exposure
from tests.security.tunnels import TunnelProxy

pytestmark = pytest.mark.sockets

PASSWORD = "hunter2-pass"
TOKEN = "hunter2.token"
HEADER = "hunter2-header"
COOKIE = "hunter2-cookie"
SECRETS = (PASSWORD, "dXNlcjpodW50ZXIyLXBhc3", TOKEN, HEADER, COOKIE)

SOURCES: Dict[str, Callable[[str], Dict[str, Any]]] = {
    "bearer_token": lambda url: {"url": url, "bearer_token": TOKEN},
    "auth": lambda url: {"url": url, "auth": functools.partial(str, TOKEN)},
    "url": lambda url: {"url": url.replace("://", f"://user:{PASSWORD}@")},
    "urls": lambda url: {"urls": (url.replace("://", f"://user:{PASSWORD}@"),)},
    "headers": lambda url: {"url": url, "headers": {"x-key": HEADER, "Authorization": TOKEN}},
}

COOKIES = {"set-cookie": f"session={COOKIE}; Path=/"}
FAILURES: Dict[str, Answer] = {
    "401": answers({"error": "Token has expired"}, 401, set_cookie=COOKIES["set-cookie"]),
    "403": answers({"error": "Insufficient permissions"}, 403),
    "500": answers({"error": "no"}, 500),
    "502": Scripted(b"<html>", 502, COOKIES),
    "404": Scripted(b"<html>", 404),
    "302": Scripted(b"", 302, {"location": f"https://user:{PASSWORD}@elsewhere.test/{TOKEN}"}),
    "no JSON": Scripted(b"[", headers=COOKIES),
    "dropped": Drop(),
    "half": Raw([f"HTTP/1.1 200 OK\r\nset-cookie: {COOKIE}\r\ncontent-length: 9\r\n\r\n[".encode()]),
    "no HTTP": Raw([b"SSH-2.0 hello\r\n"]),
    "hangs": Hang(),
}


@pytest.fixture
def exposure() -> Iterator[Exposure]:
    """What all loggers say, of the libraries below too, with everything switched on."""
    found = Exposure()
    root = logging.getLogger()
    level = root.level
    root.addHandler(found)
    root.setLevel(logging.DEBUG)
    yield found
    root.removeHandler(found)
    root.setLevel(level)


@contextlib.asynccontextmanager
async def failing(exposure: Exposure, given: Dict[str, Any], timeout_millis: int = 1000) -> AsyncIterator[Queen]:
    options: Dict[str, Any] = {"retry_attempts": 1, "retry_delay_millis": 1, "dialect": "0.15"}
    async with Queen(given, timeout_millis=timeout_millis, **options) as queen:
        yield queen
        exposure.client(queen)


async def drive(queen: Queen, exposure: Exposure) -> None:
    """Each kind of call, and what becomes of each."""
    for call in (
        queen.queue("q").delete(),
        queen.queue("q").push([{"data": 1}]),
        queen.queue("q").pop(),
        queen.queue("q").wait().timeout_millis(10).pop(),
        queen.transaction().queue("q").push([{"data": 1}]).commit(),
        queen.queue("q").limit(1).idle_millis(20).consume(lambda message: None),
        queen.admin.get_overview(),
    ):
        try:
            await call
        except QueenError as error:
            exposure.error(error)


@pytest.mark.parametrize(
    ("failure", "source"), [*((failure, "auth") for failure in FAILURES), *(("502", source) for source in SOURCES)]
)
async def test_what_fails_shows_no_secret(
    exposure: Exposure, source: str, failure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("queen.transport.transport._POLL_GRACE", 0.02)
    timeout_millis = 30 if failure == "hangs" else 1000
    asyncio.get_running_loop().set_debug(True)
    async with ScriptedServer(lambda _: FAILURES[failure]) as server:
        async with failing(exposure, SOURCES[source](server.url), timeout_millis) as queen:
            await drive(queen, exposure)
    sent = repr([received.headers for received in server.received])
    assert any(secret in sent for secret in SECRETS)
    assert exposure.shown
    assert exposure.of(*SECRETS) == []


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("status", [200, 201, 302, 400, 401, 502])
async def test_an_error_page_that_repeats_a_secret_is_not_shown_with_it(
    exposure: Exposure, source: str, status: int
) -> None:
    def repeat(received: Received) -> Answer:
        scheme, _, token = received.headers.get("authorization", "").rpartition(" ")
        words = f"not accepted: {token} of {received.headers}"
        if scheme == "Basic":
            words += f", which is {base64.b64decode(token).decode()}, with the password {PASSWORD}"
        if status == 201:
            return answers([{"status": "failed", "error": words}], status)
        return answers({"error": words}, status) if status == 400 else Scripted(words.encode(), status)

    async with ScriptedServer(repeat) as server:
        async with failing(exposure, SOURCES[source](server.url)) as queen:
            with pytest.raises(QueenError, match=r"not accepted: \*\*\* of") as raised:
                await (queen.queue("q").push([{"data": 1}]) if status == 201 else queen.queue("q").delete())
            exposure.error(raised.value)
    assert exposure.of(*SECRETS) == []


@pytest.mark.parametrize("status", [200, 502])
async def test_a_proxy_that_repeats_its_own_password_is_not_shown_with_it(exposure: Exposure, status: int) -> None:
    def repeat(received: Received) -> Answer:
        return Scripted(f"not accepted: {PASSWORD} of {received.headers}".encode(), status)

    async with ScriptedServer(repeat) as proxy:
        options = {"url": "http://queen.test", "proxy": proxy.url.replace("://", f"://user:{PASSWORD}@")}
        async with failing(exposure, options) as queen:
            with pytest.raises(QueenError, match=r"not accepted: \*\*\* of") as raised:
                await queen.queue("q").delete()
            exposure.error(raised.value)
    assert "proxy-authorization" in proxy.received[0].headers
    assert exposure.of(*SECRETS) == []


@pytest.mark.parametrize("source", SOURCES)
async def test_what_cannot_be_reached_shows_no_secret(
    exposure: Exposure, source: str, localhost: ssl.SSLContext
) -> None:
    async with ScriptedServer(lambda _: answers({}), localhost) as untrusted:
        for url in ("http://127.0.0.1:1", untrusted.url):
            async with failing(exposure, SOURCES[source](url)) as queen:
                await drive(queen, exposure)
    assert exposure.of(*SECRETS) == []


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("answer", "given_by"),
    [
        (b"HTTP/1.1 407 No\r\n\r\n", "configuration"),
        (b"HTTP/1.1 502 No\r\n\r\n", "configuration"),
        (b"HTTP/1.1 502 No\r\n\r\n", "environment"),
        (None, "environment"),
    ],
)
async def test_a_proxy_that_fails_shows_no_secret(
    exposure: Exposure, scheme: str, answer: Any, given_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with TunnelProxy(answer=answer, to_port=1) as proxy:
        url = proxy.url.replace("://", f"://user:{PASSWORD}@")
        options: Dict[str, Any] = {"proxy": url}
        if given_by == "environment":
            monkeypatch.setenv("all_proxy", url)
            options = {}
        async with failing(exposure, {**SOURCES["auth"](f"{scheme}://queen.test"), **options}) as queen:
            await drive(queen, exposure)
    assert any("proxy-authorization: Basic" in asked for asked in proxy.asked)
    assert exposure.of(*SECRETS) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"timeout_millis": 0},
        {"bearer_tokn": TOKEN},
        {"proxy": f"socks5://user:{PASSWORD}@a:1"},
        {"proxy": f"http://user:{PASSWORD}/@a:1"},
        {"bearer_token": TOKEN + "\n"},
        {"auth": TOKEN, "bearer_token": TOKEN},
        {"auth": TOKEN + "ß"},
        {"headers": {"x-key": HEADER + "\n"}},
        {"headers": {"host": HEADER}},
        {"url": f"http://user:{PASSWORD}@a:port"},
        {"url": f"user:{PASSWORD}@a"},
        {"url": [f"http://user:{PASSWORD}@a", f"http://user:{PASSWORD}@a"]},
        {"url": [f"http://user:{PASSWORD}@a", "memory://"]},
        {"engine": "none"},
    ],
)
def test_a_configuration_that_is_refused_shows_no_secret(exposure: Exposure, wrong: Dict[str, Any]) -> None:
    secrets = {"url": "http://a", "headers": {"x": HEADER}, "proxy": f"http://user:{PASSWORD}@a", "auth": TOKEN}
    for given, options in (
        (f"http://user:{PASSWORD}@a", wrong),
        ({**secrets, **wrong}, {}),
        (None, {**secrets, **wrong}),
    ):
        if given is not None and "url" in options:
            continue
        with pytest.raises(ConfigurationError) as raised:
            Queen(given, **options)
        exposure.error(raised.value)
    assert exposure.of(*SECRETS) == []


async def test_a_token_that_cannot_be_had_shows_no_secret(exposure: Exposure) -> None:
    def fail() -> str:
        raise OSError

    for function in (fail, lambda: TOKEN + "\n", lambda: TOKEN.encode()):
        async with failing(exposure, {"url": "http://127.0.0.1:1", "auth": function}) as queen:
            await drive(queen, exposure)
    assert exposure.of(*SECRETS) == []


def test_a_configuration_shows_no_secret() -> None:
    given: List[Dict[str, Any]] = [source("http://a:1") for source in SOURCES.values()]
    for each in given:
        each["proxy"] = f"http://user:{PASSWORD}@a:1"
        shown = repr(client_config(each))
        assert not [secret for secret in SECRETS if secret in shown]
