"""The URLs of servers and proxies: checked, and parted from the user names and passwords that stand in them.

A URL that holds an ``@`` may hold a password, also where it cannot be read; then no error shows any of it.
"""

from __future__ import annotations

import base64
from typing import Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union
from urllib.parse import SplitResult, unquote, urlsplit

import attrs
from typing_extensions import Final

from queen import validation
from queen.errors import ConfigurationError
from queen.secret import Secret

_SERVERS: Final = "accepted are http://host:port, https://host:port, memory://name and sqlite:///file.db"
_PROXIES: Final = "accepted is http://host:port, or http://user:password@host:port"
_ENCODED: Final = "where it holds a user name and a password, write '@', ':', '/', '?' and '#' in them as %40, %3A, ..."


class ServerAddress(NamedTuple):
    """A server.

    Attributes:
        url: its URL, without credentials.
        credentials: the value of the ``authorization`` header that the URL's user name and password mean; None where
            it has none.
    """

    url: str
    credentials: Optional[Secret]


@attrs.frozen
class ProxyAddress:
    """A proxy.

    Attributes:
        host: where it listens.
        port: and at which port.
        credentials: the value of the ``proxy-authorization`` header; None where the URL has no user name.
    """

    host: str
    port: int
    credentials: Optional[Secret] = None

    @property
    def url(self) -> str:
        """Its URL, without credentials."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def is_embedded(url: str) -> bool:
    """Whether a URL names the broker inside this process, and no server."""
    return url.startswith(("memory:", "sqlite:"))


def server_addresses(value: object) -> Tuple[ServerAddress, ...]:
    """The servers that a URL, or a list of URLs, names.

    Raises:
        ConfigurationError: it names none, or what is named cannot be the address of a server.
    """
    if isinstance(value, (bytes, Mapping)):
        raise ConfigurationError(f"url is a {type(value).__name__}; accepted is a URL or a list of URLs")
    one = isinstance(value, (str, Secret))
    listed: Sequence[object] = [value] if one else list(value) if isinstance(value, Iterable) else []
    if not listed:
        raise ConfigurationError(f"urls={validation.shown(value)} names no server; accepted is a URL or a list of URLs")
    found: List[ServerAddress] = []
    for url in listed:
        address = _server_address(url)
        if address.url in [other.url for other in found]:
            raise ConfigurationError(f"urls names {address.url} twice")
        found.append(address)
    if len(found) > 1 and any(is_embedded(address.url) for address in found):
        raise ConfigurationError(
            f"urls={validation.shown(value)}: an embedded broker (memory:// or sqlite:///) stands alone"
        )
    return tuple(found)


def proxy_address(argument: str, value: object) -> ProxyAddress:
    """The proxy that a URL names.

    Args:
        argument: what the URL was given as, for errors.
        value: the URL; without a scheme, ``http://`` is meant.

    Raises:
        ConfigurationError: another scheme, or no address of a proxy.
    """
    if not isinstance(value, (str, Secret)):
        raise ConfigurationError(f"{argument} is a {type(value).__name__}; {_PROXIES}")
    scheme = _scheme(value)
    if scheme not in ("", "http"):
        raise ConfigurationError(f"{argument} names a proxy of the kind {scheme!r}; {_PROXIES}")
    parts, credentials = _taken_apart(value if scheme else Secret(f"http://{_text(value)}"))
    if parts is None or not parts.hostname or parts.path not in ("", "/"):
        raise ConfigurationError(f"{argument} is not the address of a proxy; {_PROXIES}; {_ENCODED}")
    return ProxyAddress(parts.hostname, parts.port or 80, credentials)


def _server_address(url: object) -> ServerAddress:
    if not isinstance(url, (str, Secret)):
        raise ConfigurationError(f"url={validation.shown(url)} is a {type(url).__name__}; {_SERVERS}")
    shown = _shown(url)
    scheme = _scheme(url)
    if scheme in ("memory", "sqlite") and _text(url).startswith(("memory://", "sqlite:///")):
        return ServerAddress(_text(url), None)
    if scheme not in ("http", "https"):
        begins = f"begins with '{scheme}://'" if scheme else "has no scheme, such as http://"
        raise ConfigurationError(f"url{shown} {begins}; {_SERVERS}")
    parts, credentials = _taken_apart(url)
    if parts is None or not parts.hostname:
        advice = _SERVERS if shown else f"{_SERVERS}; {_ENCODED}"
        raise ConfigurationError(f"url{shown} is not the address of a server; {advice}")
    clean = parts.geturl() if credentials is not None else _text(url)
    return ServerAddress(clean.rstrip("/"), credentials)


def _scheme(url: Union[str, Secret]) -> str:
    scheme, separator, _ = _text(url).partition("://")
    return scheme if separator and "@" not in scheme else ""


def _taken_apart(url: Union[str, Secret]) -> Tuple[Optional[SplitResult], Optional[Secret]]:
    """The parts of a URL without its credentials, and those; None for what cannot be an address."""
    text = _text(url)
    try:
        parts = urlsplit(text)
        port, user, password = parts.port, parts.username, parts.password
    except ValueError:
        return None, None
    userinfo, has_credentials, authority = parts.netloc.rpartition("@")
    is_wrong = not text.isascii() or not text.isprintable() or parts.query or parts.fragment or port == 0
    # An at sign that is left stands behind a slash in a password that was not encoded: the host would be another one.
    if is_wrong or "@" in userinfo or "@" in parts.path:
        return None, None
    if not has_credentials:
        return parts, None
    credentials = _basic(unquote(user or ""), unquote(password or ""))
    return (None, None) if credentials is None else (parts._replace(netloc=authority), credentials)


def _basic(user: str, password: str) -> Optional[Secret]:
    """The value of a header; None where there is no user name, or one that the header cannot hold."""
    if not user or ":" in user:
        return None
    return Secret("Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii"))


def _text(url: Union[str, Secret]) -> str:
    return url.reveal() if isinstance(url, Secret) else url


def _shown(url: Union[str, Secret]) -> str:
    """What an error shows of a URL."""
    text = _text(url)
    return "" if "@" in text else f"={text!r}"
