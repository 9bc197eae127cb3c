"""Which servers are reached through a proxy, and how a proxy is asked for a tunnel."""

from __future__ import annotations

import asyncio
import re
import socket
from typing import Dict, Mapping, Optional
from urllib.parse import urlsplit

from typing_extensions import Final

from queen.addresses import ProxyAddress, proxy_address
from queen.config import ClientConfig
from queen.secret import Secret
from queen.transport.engine import NotSentError
from queen.transport.engines.origin import Origin, proxy_headers

AUTHENTICATION_REQUIRED: Final = 407
_LONGEST_HEAD: Final = 65536
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})(?: [^\r\n]*)?\r\n")


def proxies(config: ClientConfig) -> Mapping[str, ProxyAddress]:
    """The proxy of each server that is reached through one, by the server's URL.

    A proxy that the configuration names is for all servers; one of the environment, for those that ``NO_PROXY`` does
    not name.

    Raises:
        ConfigurationError: the environment names a proxy that cannot be used.
    """
    if config.proxy is not None:
        return dict.fromkeys(config.urls, config.proxy)
    if not config.trust_env:
        return {}
    found: Dict[str, ProxyAddress] = {}
    for url in config.urls:
        parts = urlsplit(url)
        named = _of_environment(parts.scheme, parts.hostname or "", parts.netloc)
        if named is not None:
            found[url] = proxy_address(f"the environment's {parts.scheme}_proxy or all_proxy", named)
    return found


def _of_environment(scheme: str, host: str, authority: str) -> Optional[Secret]:
    # Imported here, since it takes longer than a client takes to be made.
    from urllib.request import getproxies, proxy_bypass

    known = getproxies()
    named = known.get(scheme) or known.get("all")
    if not named or proxy_bypass(authority):
        return None
    # The standard library finds no IPv6 address in NO_PROXY.
    if host in [entry.strip().strip("[]") for entry in known.get("no", "").split(",")]:
        return None
    return Secret(named)


def refusal(origin: Origin, status: int) -> NotSentError:
    """What it means that a proxy did not let a request through to a server."""
    assert origin.proxy is not None
    if status == AUTHENTICATION_REQUIRED:
        had = "other ones than it was given" if origin.proxy.credentials is not None else "them"
        what = f"asks for a user name and a password (407); give {had} as proxy='http://user:password@host:port'"
    elif status in (401, 403):
        what = f"does not let this client through to {origin.authority} ({status})"
    else:
        what = f"cannot reach {origin.authority} ({status})"
    return NotSentError(f"the proxy {origin.proxy.url} {what}")


async def open_tunnel(loop: asyncio.AbstractEventLoop, origin: Origin) -> socket.socket:
    """A socket whose bytes a proxy passes on to a server.

    Args:
        loop: the running loop.
        origin: the server, and its proxy.

    Raises:
        OSError: the proxy cannot be reached.
        NotSentError: it does not open the tunnel.
    """
    sock = await _connected(loop, origin)
    try:
        await loop.sock_sendall(sock, _connect_request(origin))
        _check_opened(await _head(loop, sock), origin)
    except BaseException:
        sock.close()
        raise
    return sock


def _connect_request(origin: Origin) -> bytes:
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    target = f"{host}:{origin.port}".encode("ascii")
    lines = [b"CONNECT %b HTTP/1.1" % target, b"host: %b" % target]
    if origin.proxy is not None:
        lines += [b"%b: %b" % header for header in proxy_headers(origin.proxy)]
    return b"\r\n".join(lines) + b"\r\n\r\n"


async def _head(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> bytes:
    """The head of an answer, or as much of it as there is."""
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _LONGEST_HEAD:
        received = await loop.sock_recv(sock, _LONGEST_HEAD)
        if not received:
            break
        head += received
    return head


def _check_opened(head: bytes, origin: Origin) -> None:
    found = _STATUS.match(head)
    _, is_whole, more = head.partition(b"\r\n\r\n")
    if found is None or not is_whole:
        raise NotSentError(f"there is no answer of an HTTP proxy to CONNECT{origin.via}")
    status = int(found.group(1))
    if not 200 <= status < 300:
        raise refusal(origin, status)
    # The server says nothing before the client does: these bytes are not its own, and would be taken for it.
    if more:
        raise NotSentError(f"the proxy sent more than its answer to CONNECT{origin.via}")


async def _connected(loop: asyncio.AbstractEventLoop, origin: Origin) -> socket.socket:
    """A socket to the proxy, at the first of its addresses that takes it."""
    failed: Optional[OSError] = None
    for family, kind, protocol, _, address in await loop.getaddrinfo(*origin.address, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        sock.setblocking(False)
        try:
            await loop.sock_connect(sock, address)
        except OSError as error:
            sock.close()
            failed = failed or error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failed or OSError("the proxy's name has no address")
