"""Credentials in the configuration: which are accepted, who gets them, and where they do not go."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest

from queen import ConfigurationError, HttpStatusError, Queen
from queen.config import ClientConfig, Secret, client_config
from tests.scripted_server import Answer, Drop, Received, Scripted, ScriptedServer, answers
from tests.security.guarded import DELETED, EMPTY, client

# The base64 of `user:pass word/@:#?`.
BASIC = "Basic dXNlcjpwYXNzIHdvcmQvQDojPw=="
USERINFO = "user:pass%20word%2F%40%3A%23%3F"


@pytest.mark.sockets
async def test_a_user_name_in_a_url_is_sent_as_basic_authentication_and_shows_nowhere() -> None:
    async with ScriptedServer(lambda _: Scripted(b"<html>", 502)) as server:
        url = server.url.replace("http://", f"http://{USERINFO}@")
        async with Queen(url + "/", retry_attempts=0) as queen:
            with pytest.raises(HttpStatusError) as raised:
                await queen.queue("q").delete()
    assert server.received[0].headers["authorization"] == BASIC
    assert server.received[0].headers["host"] == server.url.partition("://")[2]
    assert raised.value.url == server.url
    assert raised.value.attempts == {server.url: 1}
    assert "user" not in str(raised.value)


@pytest.mark.sockets
async def test_each_server_gets_the_user_name_of_its_own_url() -> None:
    async with ScriptedServer(lambda _: Drop()) as first, ScriptedServer(lambda _: answers(DELETED)) as second:
        urls = [first.url.replace("http://", f"http://{USERINFO}@"), second.url]
        async with Queen(urls, retry_attempts=0, load_balancing_strategy="session") as queen:
            assert await queen.queue("q").delete() == DELETED
    assert first.received[0].headers["authorization"] == BASIC
    assert "authorization" not in second.received[0].headers


def test_urls_and_their_credentials_are_parted() -> None:
    config = client_config([f"https://{USERINFO}@a:1/mq", "https://b:2"])
    assert config.urls == ("https://a:1/mq", "https://b:2")
    assert {url: secret.reveal() for url, secret in config.url_credentials.items()} == {"https://a:1/mq": BASIC}


def test_a_user_without_a_password_has_an_empty_one() -> None:
    assert client_config("http://user@a").url_credentials["http://a"].reveal() == "Basic dXNlcjo="


@pytest.mark.parametrize(
    "url",
    [
        "http://us%3Aer:hunter2@a",
        "http://:hunter2@a",
        "http://user:hunter2/x@a:1",
        "http://user:12/hunter2@a:1",
        "http://user:hunter2#x@a:1",
        "http://user:hunter2?x@a:1",
        "http://user:hunter2@x@a:1",
        "http://user:hunter2@",
        "http://user:hunter2@a:port",
        "http://user:hunter2@[::1",
        "user:hunter2@a:port",
        "postgres://user:hunter2@a:1",
        "http://user:hunter2ß@a:1",
    ],
)
def test_a_url_whose_password_cannot_be_told_from_the_rest_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Queen(url)
    assert "hunter2" not in str(raised.value)
    with pytest.raises(ConfigurationError) as raised:
        Queen("http://a", proxy=url)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"bearer_token": "t", "auth": "t"}, "bearer_token and auth are both given"),
        ({"auth": lambda: "t", "headers": {"Authorization": "t"}}, "auth and the header 'authorization'"),
        ({"urls": "http://user:pw@b", "bearer_token": "t"}, "bearer_token and the user name in a url"),
        ({"urls": "http://user:pw@b", "auth": "t"}, "auth and the user name in a url"),
        ({"urls": "http://user:pw@b", "headers": {"authorization": "t"}}, "'authorization' and the user name in a url"),
    ],
)
def test_one_source_of_authorization_is_enough(options: Any, named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        client_config({"url": "http://a", **options} if "urls" not in options else options)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (5, "auth is a int; accepted is a token, or a function"),
        ("", "auth is not a token"),
        ("two\nlines", "auth is not a token"),
        (Secret("größe"), "auth is not a token"),
        (functools.partial(print, "hunter2", end=5, no_such_thing="hunter2"), None),
        (lambda server: server, "auth is a function; accepted is a token, or a function without arguments"),
    ],
)
def test_what_can_give_no_token_is_refused(value: Any, words: Any) -> None:
    if words is None:
        assert "hunter2" not in repr(client_config("http://a", {"auth": value}))
        return
    with pytest.raises(ConfigurationError, match=words):
        client_config("http://a", {"auth": value})


@pytest.mark.sockets
async def test_headers_go_into_every_request_and_replace_the_clients_own() -> None:
    given = {"X-Tenant": "größe one", "User-Agent": "mine", "authorization": "ApiKey 5"}

    def script(received: Received) -> Answer:
        return answers(EMPTY if "/pop" in received.target else DELETED)

    async with ScriptedServer(script) as server, client(server, headers=given) as queen:
        await queen.queue("q").delete()
        await queen.queue("q").wait().pop()
    for received in server.received:
        assert received.headers["x-tenant"] == "größe one"
        assert received.headers["user-agent"] == "mine"
        assert received.headers["authorization"] == "ApiKey 5"
    assert len(server.received) == 2


@pytest.mark.parametrize(
    "value",
    ["hunter2\r\nx: y", "hunter2\n", "hunter2\r", "hunter2\0", "hunter2\x7f", "hunter2€", " hunter2", "hunter2\t"],
)
def test_a_header_that_cannot_be_sent_is_named_and_its_value_is_not(value: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        client_config("http://a", {"headers": {"X-Key": value}})
    assert "'x-key'" in str(raised.value)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"Host": "b"}, "'host' cannot be set"),
        ({"Content-Length": "5"}, "'content-length' cannot be set"),
        ({"transfer-encoding": "chunked"}, "'transfer-encoding' cannot be set"),
        ({"CONNECTION": "close"}, "'connection' cannot be set"),
        ({"Proxy-Authorization": "Basic hunter2"}, "'proxy-authorization' cannot be set"),
        ({"a b": "x"}, "'a b' is not the name of a header"),
        ({"a\r\nb": "x"}, "is not the name of a header"),
        ({"": "x"}, "'' is not the name of a header"),
        ({"größe": "x"}, "is not the name of a header"),
        ({"Authorization: Bearer hunter2": ""}, "'Authorization' is not the name of a header"),
        ({5: "x"}, "a name is a int"),
        ({"x": 5}, "'x' is a int"),
        ({"x": "1", "X": "2"}, "'x' twice"),
        (["x"], "headers is a list; accepted is a mapping"),
    ],
)
def test_a_header_that_is_no_header_or_not_the_users_is_refused(headers: Any, words: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        client_config("http://a", {"headers": headers})
    assert words in str(raised.value)
    assert "hunter2" not in str(raised.value)


@pytest.mark.sockets
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("http://user:pw@elsewhere.test:8080/?token=hunter2", "leads to elsewhere.test:8080;"),
        ("/login?token=hunter2", "leads to another path of that server;"),
        ("http://[hunter2", "leads to another path"),
        ("", "leads to another path"),
    ],
)
async def test_a_redirect_is_not_followed_and_says_where_it_leads(status: int, location: str, words: str) -> None:
    def script(_: Received) -> Scripted:
        return Scripted(b"", status, {"location": location})

    async with ScriptedServer(script) as server, client(server, bearer_token="hunter2", retry_attempts=3) as queen:
        with pytest.raises(HttpStatusError) as raised:
            await queen.queue("q").delete()
    assert raised.value.status == status
    assert words in str(raised.value)
    assert "hunter2" not in str(raised.value)
    assert "pw" not in str(raised.value)
    assert len(server.received) == 1


@pytest.mark.parametrize("key", ["bearer_token", "auth"])
def test_a_token_never_shows(key: str) -> None:
    config = client_config("http://a:1", {key: "s3cret-token"})
    assert "s3cret-token" not in repr(config)
    assert getattr(config, key).reveal() == "s3cret-token"


def test_the_keys_may_be_camel_case(tmp_path: Path) -> None:
    file = tmp_path / "file.pem"
    file.touch()
    given = {"url": "http://a", "caFile": str(file), "clientCert": [file, str(file)], "trustEnv": False}
    config = client_config({**given, "verify": False, "proxy": "proxy.test", "headers": {"X-A": "b"}})
    assert config == ClientConfig(
        urls=("http://a",), ca_file=str(file), client_cert=(str(file), str(file)), trust_env=False, verify=False,
        proxy=config.proxy, headers=config.headers,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ca_fle": "x"}, "unknown configuration key 'ca_fle'; did you mean 'ca_file'"),
        ({"bearer_tokn": "hunter2"}, "did you mean 'bearer_token'"),
        ({"url_credentials": {}}, "unknown configuration key 'url_credentials'"),
        ({"ca_file": 5}, "ca_file=5 is a int; accepted is the path of a file"),
        ({"ca_file": "/no/such/file.pem"}, "ca_file='/no/such/file.pem' cannot be read: No such file or directory"),
        ({"client_cert": ("/no/such/file.pem", "/no/key")}, "client_cert='/no/such/file.pem' cannot be read"),
        ({"client_cert": ("a", "b", "c")}, "client_cert names 3 files; accepted are a certificate and its key"),
        ({"verify": "no"}, "verify='no' is a str; accepted is True or False"),
        ({"trust_env": 1}, "trust_env=1 is a int"),
        ({"proxy": 5}, "proxy is a int; accepted is http://host:port"),
        ({"proxy": "https://a:1"}, "proxy names a proxy of the kind 'https'; accepted is http://host:port"),
        ({"proxy": "socks5://a:1"}, "proxy names a proxy of the kind 'socks5'"),
        ({"proxy": "http://a:1/path"}, "proxy is not the address of a proxy"),
        ({"proxy": "http://"}, "proxy is not the address of a proxy"),
    ],
)
def test_a_wrong_option_names_the_key_and_what_is_accepted(options: Any, words: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        client_config("http://a", options)
    assert words in str(raised.value)
    assert "hunter2" not in str(raised.value)
