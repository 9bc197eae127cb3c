"""What a client and a queue can be configured with, and the defaults of both."""

from __future__ import annotations

import re
from typing import Callable, Collection, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union
from urllib.parse import urlsplit

import attrs
from typing_extensions import Final

from queen import validation
from queen.errors import ConfigurationError

DIALECTS: Final = ("0.7", "0.15")
ENGINES: Final = ("httpx", "aiohttp")
STRATEGIES: Final = ("affinity", "round-robin", "session")

QueueOption = Union[int, bool]

CLIENT_DEFAULTS: Final[Dict[str, Union[int, bool, str]]] = {
    "timeout_millis": 30000,
    "retry_attempts": 3,
    "retry_delay_millis": 1000,
    "load_balancing_strategy": "affinity",
    "affinity_hash_ring": 128,
    "enable_failover": True,
    "health_retry_after_millis": 5000,
}

QUEUE_DEFAULTS: Final[Dict[str, QueueOption]] = {
    "leaseTime": 300,
    "retryLimit": 3,
    "priority": 0,
    "delayedProcessing": 0,
    "windowBuffer": 0,
    "maxSize": 0,
    "retentionSeconds": 0,
    "completedRetentionSeconds": 0,
    "encryptionEnabled": False,
    "dlqAfterMaxRetries": False,
}

# Options that the servers know beside those of the guide. They have no default here: what is not given is not sent.
_OTHER_QUEUE_OPTIONS: Final[Dict[str, type]] = {
    "retentionEnabled": bool,
    "maxWaitTimeSeconds": int,
    "retryDelay": int,
    "ttl": int,
    "deadLetterQueue": bool,
}


class Secret:
    """Text that never shows in a repr, a log line or an error."""

    __slots__ = ("_text",)

    def __init__(self, secret: str) -> None:
        self._text = secret

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('***')"


@attrs.frozen(kw_only=True)
class ClientConfig:
    """The configuration of one client. Keys may be given in snake_case, as here, or in camelCase."""

    urls: Tuple[str, ...]
    """The servers, ``http://host:port`` or ``https://host:port``; or one ``memory://name`` or ``sqlite:///file.db``."""

    timeout_millis: int = 30000
    """How long one call may take, retries and failover included, in milliseconds. A long poll has its own time."""

    retry_attempts: int = 3
    """How often a failed request is repeated on one server, after the first attempt; 0 repeats nothing."""

    retry_delay_millis: int = 1000
    """The longest wait before the first repeat, in milliseconds. It doubles with each repeat; the wait is a random
    part of it (full jitter), so that clients of a restarted server do not return in step."""

    load_balancing_strategy: str = "affinity"
    """``affinity`` (a consumer group keeps to one server), ``round-robin`` or ``session`` (the client keeps to one)."""

    affinity_hash_ring: int = 128
    """Virtual nodes of each server on the affinity ring."""

    enable_failover: bool = True
    """Whether a request whose server fails goes on to the next server."""

    health_retry_after_millis: int = 5000
    """After how many milliseconds a server that failed is tried again."""

    dialect: Optional[str] = None
    """``0.7`` or ``0.15``, the generation of the servers; where nothing is said, the servers are asked."""

    bearer_token: Optional[Secret] = None
    """The token sent as ``Authorization: Bearer ...``; needed where the server has authentication switched on."""

    engine: Optional[str] = None
    """``httpx`` or ``aiohttp``, the library that moves requests; where nothing is said, ``aiohttp`` if it is installed
    (extra ``speed``)."""

    max_connections: int = 100
    """How many connections may be open to one server at once, beside the long polls, which have one each."""

    connect_timeout_millis: int = 5000
    """How long it may take to open a connection, in milliseconds. A host that drops packets must not take the whole
    time of a call that another server could answer."""

    keep_alive_millis: int = 30000
    """How long a connection is kept open without a request, in milliseconds; 0 opens one for each request. The default
    is below the idle timeouts of common proxies and servers, so that a connection is rarely closed as it is used."""

    max_response_bytes: int = 256 * 1024 * 1024
    """How long an answer may be, in bytes, its head included. A longer one is a ``ProtocolError``, and what has come of
    it is dropped with its connection: no server may fill the memory of this process."""

    @property
    def embedded(self) -> bool:
        """Whether the broker inside this process is meant, and no server."""
        return self.urls[0].startswith(("memory:", "sqlite:"))


def client_config(urls: object = None, options: Optional[Mapping[str, object]] = None) -> ClientConfig:
    """The configuration meant by the arguments of ``Queen``.

    Args:
        urls: a URL, a list of URLs, or a mapping with the key ``urls`` (or ``url``) and options.
        options: keyword arguments, which win over those of the mapping.

    Raises:
        ConfigurationError: a key, a value or a URL is not accepted.
    """
    given: Dict[str, object] = {}
    if isinstance(urls, Mapping):
        given.update({validation.snake_case(key): value for key, value in urls.items()})
        _refuse_double("config", given, urls)
    elif urls is not None:
        given["urls"] = urls
    said = {key: value for key, value in (options or {}).items() if value is not None}
    named = {validation.snake_case(key): value for key, value in said.items()}
    _refuse_double("config", named, said)
    given.update(named)
    if "url" in given:
        if "urls" in given:
            raise ConfigurationError("url and urls are both given; give one of them")
        given["urls"] = given.pop("url")
    try:
        return _checked(given)
    except ConfigurationError:
        raise
    except (TypeError, ValueError) as error:
        raise ConfigurationError(str(error)) from None


def queue_options(options: Mapping[str, object]) -> Dict[str, QueueOption]:
    """The options of a queue with the keys of the wire, checked.

    Args:
        options: keys as in ``QUEUE_DEFAULTS``, in camelCase or snake_case.

    Raises:
        TypeError, ValueError: an unknown key (the nearest known one is named), or a value that is not accepted.
    """
    if not isinstance(options, Mapping):
        raise validation.wrong_type("options", options, "a mapping")
    kinds: Dict[str, type] = {key: type(value) for key, value in QUEUE_DEFAULTS.items()}
    kinds.update(_OTHER_QUEUE_OPTIONS)
    checked: Dict[str, QueueOption] = {}
    for key, value in options.items():
        name = _camel(key)
        if name not in kinds:
            raise ValueError(
                f"unknown queue option {key!r}{validation.nearest(name, kinds)}; known are {_listed(kinds)}"
            )
        if kinds[name] is bool:
            checked[name] = validation.boolean(name, value)
        else:
            checked[name] = validation.integer(name, value, minimum=0)
    validation.each_once("config", checked, options)
    return checked


def _checked(given: Dict[str, object]) -> ClientConfig:
    known = [field.name for field in attrs.fields(ClientConfig)]
    for key in given:
        if key not in known:
            raise ConfigurationError(
                f"unknown configuration key {validation.shown(key)}{validation.nearest(key, known)}; "
                f"known are {_listed(known)}"
            )
    checks: Dict[str, Callable[[object], object]] = {
        "urls": _server_urls,
        "timeout_millis": lambda value: validation.integer("timeout_millis", value, minimum=1),
        "retry_attempts": lambda value: validation.integer("retry_attempts", value, minimum=0),
        "retry_delay_millis": lambda value: validation.integer("retry_delay_millis", value, minimum=0),
        "load_balancing_strategy": lambda value: validation.choice("load_balancing_strategy", value, STRATEGIES),
        "affinity_hash_ring": lambda value: validation.integer("affinity_hash_ring", value, minimum=1),
        "enable_failover": lambda value: validation.boolean("enable_failover", value),
        "health_retry_after_millis": lambda value: validation.integer("health_retry_after_millis", value, minimum=0),
        "dialect": lambda value: validation.choice("dialect", value, DIALECTS),
        "bearer_token": _token,
        "engine": lambda value: validation.choice("engine", value, ENGINES),
        "max_connections": lambda value: validation.integer("max_connections", value, minimum=1),
        "connect_timeout_millis": lambda value: validation.integer("connect_timeout_millis", value, minimum=1),
        "keep_alive_millis": lambda value: validation.integer("keep_alive_millis", value, minimum=0),
        "max_response_bytes": lambda value: validation.integer("max_response_bytes", value, minimum=1),
    }
    if given.get("urls") is None:
        raise ConfigurationError(
            "no server was given; accepted is a URL such as 'http://localhost:6632', or a list of them"
        )
    checked = {key: checks[key](value) for key, value in given.items()}
    return ClientConfig(**checked)  # type: ignore[arg-type]  # each value was made by the check of its own key


def _refuse_double(where: str, names: Collection[str], given: Iterable[object]) -> None:
    try:
        validation.each_once(where, names, given)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None


def _server_urls(value: object) -> Tuple[str, ...]:
    if isinstance(value, (bytes, Mapping)):
        raise ConfigurationError(
            f"url={validation.shown(value)} is a {type(value).__name__}; accepted is a URL or a list of URLs"
        )
    listed: Sequence[object] = [value] if isinstance(value, str) else list(value) if isinstance(value, Iterable) else []
    if not listed:
        raise ConfigurationError(f"urls={validation.shown(value)} names no server; accepted is a URL or a list of URLs")
    urls: List[str] = []
    for url in listed:
        cleaned = _server_url(url)
        if cleaned in urls:
            raise ConfigurationError(f"urls names {cleaned} twice")
        urls.append(cleaned)
    if len(urls) > 1 and any(url.startswith(("memory:", "sqlite:")) for url in urls):
        raise ConfigurationError(
            f"urls={validation.shown(value)}: an embedded broker (memory:// or sqlite:///) stands alone"
        )
    return tuple(urls)


def _server_url(url: object) -> str:
    accepted = "accepted are http://host:port, https://host:port, memory://name and sqlite:///file.db"
    if not isinstance(url, str):
        raise ConfigurationError(f"url={validation.shown(url)} is a {type(url).__name__}; {accepted}")
    if url.startswith(("memory://", "sqlite:///")):
        return url
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in ("http", "https"):
        begins = f"begins with {scheme + separator!r}" if separator else "has no scheme, such as http://"
        shown = "" if "@" in url else f"={url!r}"
        raise ConfigurationError(f"url{shown} {begins}; {accepted}")
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise ConfigurationError("a url holds a user name or password; give a token as bearer_token instead")
    try:
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigurationError(f"url={url!r}: {error}; {accepted}") from None
    if not host or parts.query or parts.fragment or not url.isascii() or not url.isprintable():
        raise ConfigurationError(f"url={url!r} is not the address of a server; {accepted}")
    return url.rstrip("/")


def _token(value: object) -> Secret:
    token = value.reveal() if isinstance(value, Secret) else value
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
        raise ConfigurationError("bearer_token is not a token; accepted is printable ASCII text that is not empty")
    return Secret(token)


def _camel(key: object) -> str:
    name = key if isinstance(key, str) else validation.shown(key)
    return re.sub(r"(?<=[a-z0-9])_([a-z])", lambda match: match.group(1).upper(), name)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
