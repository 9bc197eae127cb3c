"""What a client and a queue can be configured with, and the defaults of both."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Dict, Iterable, Mapping, Optional, Tuple, Union, cast

import attrs
from typing_extensions import Final

from queen import callbacks, validation
from queen.addresses import ProxyAddress, is_embedded, proxy_address, server_addresses
from queen.arguments import arguments
from queen.errors import ConfigurationError
from queen.extra_headers import extra_headers
from queen.secret import Secret

if TYPE_CHECKING:
    from queen.hooks.protocol import Hooks

DIALECTS: Final = ("0.7", "0.15")
ENGINES: Final = ("httpx", "aiohttp")
STRATEGIES: Final = ("affinity", "round-robin", "session")

QueueOption = Union[int, bool]
TokenSource = Callable[[], callbacks.MaybeAwaitable[str]]
ClientCertificate = Union[str, Tuple[str, str]]

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


@attrs.frozen(kw_only=True)
class ClientConfig:
    """The configuration of one client. Keys may be given in snake_case, as here, or in camelCase."""

    urls: Tuple[str, ...]
    """The servers, ``http://host:port`` or ``https://host:port``; or one ``memory://name`` or ``sqlite:///file.db``.

    A user name and a password in a URL (``https://user:password@host``) are sent to that server as Basic
    authentication, and stand in ``url_credentials`` from then on."""

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

    auth: Union[Secret, TokenSource, None] = attrs.field(default=None, repr=lambda auth: _shown_auth(auth))
    """Where tokens expire, in place of ``bearer_token``: a function without arguments, sync or async, that returns one.
    It is called before the first request, and again when a server answers 401; requests that wait for a token share
    one call. A function that waits for something should be async, as it runs in the event loop. A text is a
    ``bearer_token``."""

    headers: Mapping[str, Secret] = attrs.field(factory=dict)
    """Headers that are added to every request, by name. Their values are secrets: they are never shown."""

    url_credentials: Mapping[str, Secret] = attrs.field(factory=dict)
    """The ``Authorization`` header for each server whose URL had a user name; taken from ``urls``, and no key of its
    own."""

    ca_file: Optional[str] = None
    """The path of a PEM file with the certificate authorities that servers are trusted by, in place of the usual
    ones. Where nothing is said, ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` are looked at, and then certifi's."""

    client_cert: Optional[ClientCertificate] = None
    """The certificate that the client shows to servers: the path of a PEM file with the certificate and its key, or
    a pair of paths, certificate and key. The key must not be encrypted."""

    verify: bool = True
    """Whether the certificates of servers are verified. Without it anybody on the way can read tokens and messages."""

    proxy: Optional[ProxyAddress] = None
    """The HTTP proxy for all requests, ``http://host:port`` or ``http://user:password@host:port``. An https server is
    reached through a tunnel in which TLS is spoken with the server."""

    trust_env: bool = True
    """Whether the environment is listened to: ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` (in
    lower case too) where no ``proxy`` is given, ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` where no ``ca_file`` is.
    ``NO_PROXY=localhost,127.0.0.1`` keeps servers on this machine out of it."""

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

    hooks: Tuple[Hooks, ...] = attrs.field(default=(), repr=False)
    """Objects that are told what the client does: ``queen.Hooks``."""

    @property
    def embedded(self) -> bool:
        """Whether the broker inside this process is meant, and no server."""
        return is_embedded(self.urls[0])


def client_config(urls: object = None, options: Optional[Mapping[str, object]] = None) -> ClientConfig:
    """The configuration meant by the arguments of ``Queen``.

    Args:
        urls: a URL, a list of URLs, or a mapping with the key ``urls`` (or ``url``) and options.
        options: keyword arguments, which win over those of the mapping.

    Raises:
        ConfigurationError: a key, a value or a URL is not accepted.
    """
    given = arguments(urls, options)
    # What is left of them would show in the locals of a traceback.
    del urls, options
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
    known = [field.name for field in attrs.fields(ClientConfig) if field.name != "url_credentials"]
    for key in given:
        if key not in known:
            raise ConfigurationError(
                f"unknown configuration key {validation.shown(key)}{validation.nearest(key, known)}; "
                f"known are {_listed(known)}"
            )
    if given.get("urls") is None:
        raise ConfigurationError(
            "no server was given; accepted is a URL such as 'http://localhost:6632', or a list of them"
        )
    addresses = server_addresses(given.pop("urls"))
    checked = {key: _CHECKS[key](value) for key, value in given.items()}
    checked["urls"] = tuple(address.url for address in addresses)
    checked["url_credentials"] = {
        address.url: address.credentials for address in addresses if address.credentials is not None
    }
    _check_one_authorization(checked)
    return ClientConfig(**checked)  # type: ignore[arg-type]  # each value was made by the check of its own key


_CHECKS: Final[Dict[str, Callable[[object], object]]] = {
    "timeout_millis": lambda value: validation.integer("timeout_millis", value, minimum=1),
    "retry_attempts": lambda value: validation.integer("retry_attempts", value, minimum=0),
    "retry_delay_millis": lambda value: validation.integer("retry_delay_millis", value, minimum=0),
    "load_balancing_strategy": lambda value: validation.choice("load_balancing_strategy", value, STRATEGIES),
    "affinity_hash_ring": lambda value: validation.integer("affinity_hash_ring", value, minimum=1),
    "enable_failover": lambda value: validation.boolean("enable_failover", value),
    "health_retry_after_millis": lambda value: validation.integer("health_retry_after_millis", value, minimum=0),
    "dialect": lambda value: validation.choice("dialect", value, DIALECTS),
    "bearer_token": lambda value: _token("bearer_token", value),
    "auth": lambda value: _auth(value),
    "headers": extra_headers,
    "ca_file": lambda value: _path("ca_file", value),
    "client_cert": lambda value: _client_certificate(value),
    "verify": lambda value: validation.boolean("verify", value),
    "proxy": lambda value: proxy_address("proxy", value),
    "trust_env": lambda value: validation.boolean("trust_env", value),
    "engine": lambda value: validation.choice("engine", value, ENGINES),
    "max_connections": lambda value: validation.integer("max_connections", value, minimum=1),
    "connect_timeout_millis": lambda value: validation.integer("connect_timeout_millis", value, minimum=1),
    "keep_alive_millis": lambda value: validation.integer("keep_alive_millis", value, minimum=0),
    "max_response_bytes": lambda value: validation.integer("max_response_bytes", value, minimum=1),
    "hooks": lambda value: _hooks(value),
}


def _hooks(value: object) -> Tuple[Hooks, ...]:
    # Imported here, since most clients have none.
    from queen.hooks.protocol import Hooks

    if not isinstance(value, (list, tuple)):
        raise validation.wrong_type("hooks", value, "a list of objects that are queen.Hooks")
    for place, hook in enumerate(value):
        if isinstance(hook, type) or not isinstance(hook, Hooks):
            kind = f"the class {hook.__name__}" if isinstance(hook, type) else f"a {type(hook).__name__}"
            raise TypeError(
                f"hooks[{place}] is {kind}; accepted is an object of a class that inherits from queen.Hooks"
            )
    return tuple(value)


def _check_one_authorization(checked: Mapping[str, object]) -> None:
    """Refuse two sources of one header: nobody could tell which of them the servers see."""
    sources = [key for key in ("bearer_token", "auth") if key in checked]
    if "authorization" in cast("Mapping[str, Secret]", checked.get("headers", {})):
        sources.append("the header 'authorization'")
    if checked["url_credentials"]:
        sources.append("the user name in a url")
    if len(sources) > 1:
        raise ConfigurationError(f"{' and '.join(sources)} are both given; give one of them")


def _token(argument: str, value: object) -> Secret:
    if not isinstance(value, (str, Secret)):
        raise ConfigurationError(f"{argument} is a {type(value).__name__}; accepted is a token as text")
    secret = value if isinstance(value, Secret) else Secret(value)
    if not is_token(secret):
        raise ConfigurationError(f"{argument} is not a token; accepted is visible ASCII text that is not empty")
    return secret


def is_token(secret: Secret) -> bool:
    """Whether a text can stand in an ``authorization`` header as a token."""
    return re.fullmatch(r"[!-~](?:[ -~]*[!-~])?", secret.reveal()) is not None


def _auth(value: object) -> Union[Secret, TokenSource]:
    if isinstance(value, (str, Secret)):
        return _token("auth", value)
    try:
        callbacks.check_callable("auth", value, 0)
    except TypeError:
        # Without the words of the check: they show the value, which may hold a secret.
        raise ConfigurationError(
            f"auth is a {type(value).__name__}; accepted is a token, or a function without arguments that returns one"
        ) from None
    return cast("TokenSource", value)


def _shown_auth(auth: Union[Secret, TokenSource, None]) -> str:
    # What a user's function shows of itself may hold a secret, as functools.partial does.
    return repr(auth) if auth is None or isinstance(auth, Secret) else "<function>"


def _path(argument: str, value: object) -> str:
    if not isinstance(value, (str, os.PathLike)):
        shown = validation.shown(value)
        raise ConfigurationError(f"{argument}={shown} is a {type(value).__name__}; accepted is the path of a file")
    path = os.fsdecode(value)
    try:
        with Path(path).open("rb"):
            return path
    except OSError as error:
        raise ConfigurationError(f"{argument}={path!r} cannot be read: {error.strerror}") from None
    except ValueError as error:
        # A path with U+0000, or with a surrogate that stands for no byte.
        raise ConfigurationError(f"{argument}={validation.shown(path)} is no path of a file: {error}") from None


def _client_certificate(value: object) -> ClientCertificate:
    if isinstance(value, (list, tuple)):
        if len(value) != 2:
            raise ConfigurationError(f"client_cert names {len(value)} files; accepted are a certificate and its key")
        certificate, key = value
        return _path("client_cert", certificate), _path("client_cert", key)
    return _path("client_cert", value)


def _camel(key: object) -> str:
    name = key if isinstance(key, str) else validation.shown(key)
    return re.sub(r"(?<=[a-z0-9])_([a-z])", lambda match: match.group(1).upper(), name)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
