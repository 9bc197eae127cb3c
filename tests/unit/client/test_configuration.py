"""What a client can be configured with, and how a wrong configuration is refused."""

from __future__ import annotations

from typing import Any

import pytest

from queen import ConfigurationError, Queen
from queen.config import client_config


@pytest.mark.parametrize(
    ("arguments", "urls"),
    [
        (("http://a:6632",), ("http://a:6632",)),
        (("http://a:6632/",), ("http://a:6632",)),
        ((["http://a:1", "https://b:2"],), ("http://a:1", "https://b:2")),
        (({"urls": ["http://a:1"]},), ("http://a:1",)),
        (({"url": "http://a:1"},), ("http://a:1",)),
    ],
)
def test_servers_may_be_given_in_each_form_of_the_guide(arguments: Any, urls: Any) -> None:
    assert client_config(*arguments).urls == urls


def test_keys_may_be_snake_case_or_camel_case_and_keywords_win() -> None:
    given = {"urls": ["http://a:1"], "timeoutMillis": 5, "retry_attempts": 7}
    config = client_config(given, {"retry_attempts": 1})
    assert (config.timeout_millis, config.retry_attempts) == (5, 1)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "no server was given"),
        ([], "names no server"),
        ("localhost:6632", "url='localhost:6632' has no scheme"),
        ("ftp://a:1", "begins with 'ftp://'"),
        ("postgres://user:secret@host/db", "begins with 'postgres://'; accepted are http://host:port"),
        ("http://", "not the address of a server"),
        ("sqlite:////no/such/folder/queen.db", "unable to open database file"),
        ("http://a:port", "accepted are http://host:port"),
        ("http://a:1?x=1", "not the address of a server"),
        ("http://a:1/größe", "not the address of a server"),
        ({"urls": ["http://a:1"], "dialect": "0.8"}, "dialect='0.8' is unknown; accepted are '0.7', '0.15'"),
        (["http://a:1", "http://a:1/"], "twice"),
        (["memory://x", "http://a:1"], "stands alone"),
        ({"urls": ["http://a:1"], "timeout_milis": 1}, "did you mean 'timeout_millis'"),
        ({"urls": ["http://a:1"], "timeout_millis": "1"}, "timeout_millis='1' is a str"),
        ({"urls": ["http://a:1"], "retry_attempts": -1}, "retry_attempts=-1 is out of range"),
        ({"urls": ["http://a:1"], "enable_failover": 1}, "enable_failover=1 is a int; accepted is True or False"),
        ({"urls": ["http://a:1"], "load_balancing_strategy": "afinity"}, "did you mean 'affinity'"),
        ({"urls": ["http://a:1"], "url": "http://a:1"}, "both given"),
        ({"urls": ["http://a:1"], "bearer_token": ""}, "bearer_token"),
        (
            {"urls": ["http://a:1"], "engine": "requests"},
            "engine='requests' is unknown; accepted are 'httpx', 'aiohttp'",
        ),
        ({"urls": ["http://a:1"], "max_connections": 0}, "max_connections=0 is out of range"),
        ({"urls": ["http://a:1"], "connectTimeoutMillis": 0}, "connect_timeout_millis=0 is out of range"),
        ({"urls": ["http://a:1"], "keep_alive_millis": -1}, "keep_alive_millis=-1 is out of range"),
        (5, "names no server"),
    ],
)
def test_a_wrong_configuration_names_the_key_and_what_is_accepted(given: Any, words: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Queen(given)
    assert words in str(raised.value)
    assert isinstance(raised.value, ValueError)
