"""The address of a server, and how it is reached."""

from __future__ import annotations

import ipaddress
import ssl
from typing import List, Optional, Tuple
from urllib.parse import urlsplit

from queen.addresses import ProxyAddress
from queen.secret import SecretBytes
from queen.transport.engine import Headers
from queen.transport.engines.tls import Tls


class Origin:
    """A server, taken apart once.

    Args:
        url: its URL.
        tls: the client's TLS settings.
        proxy: what its requests go through; None for no proxy.

    Attributes:
        scheme: ``http`` or ``https``.
        host: its name or address.
        port: its port.
        authority: its host and port as the URL has them, for the ``host`` header.
        prefix: what stands in front of every target: the path of the URL, and before it, for a proxy that reads the
            requests, the server.
        headers: the headers of every request that say who it is for.
        ssl_context: the TLS settings; None for plain HTTP.
        proxy: what its requests go through.
        is_tunnelled: whether the proxy passes on bytes that it cannot read.
        address: the host and port that a socket is opened to.
        is_numeric: whether that host is an address, and no name that may have several.
    """

    def __init__(self, url: str, tls: Tls, proxy: Optional[ProxyAddress] = None) -> None:
        parts = urlsplit(url)
        self.scheme = parts.scheme
        self.host = parts.hostname or ""
        self.port = parts.port or (443 if parts.scheme == "https" else 80)
        self.authority = parts.netloc
        self.prefix = parts.path
        self.ssl_context: Optional[ssl.SSLContext] = tls.context() if parts.scheme == "https" else None
        self.proxy = proxy
        self.is_tunnelled = proxy is not None and parts.scheme == "https"
        self.address: Tuple[str, int] = (self.host, self.port) if proxy is None else (proxy.host, proxy.port)
        self.is_numeric = _is_numeric(self.address[0])
        headers: List[Tuple[bytes, bytes]] = [(b"host", parts.netloc.encode("ascii"))]
        if proxy is not None and not self.is_tunnelled:
            self.prefix = f"http://{parts.netloc}{parts.path}"
            headers += proxy_headers(proxy)
        self.headers: Headers = tuple(headers)

    @property
    def via(self) -> str:
        """What errors say of the way to the server."""
        return "" if self.proxy is None else f" (through the proxy {self.proxy.url})"


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def proxy_headers(proxy: ProxyAddress) -> Headers:
    """Who asks a proxy."""
    if proxy.credentials is None:
        return ()
    return ((b"proxy-authorization", SecretBytes(proxy.credentials.reveal().encode("ascii"))),)
