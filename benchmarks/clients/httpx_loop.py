"""A bare loop over httpx, as its documentation has it: one ``AsyncClient``."""

from __future__ import annotations

import httpx

from benchmarks.clients.bare import BareLoop

_JSON = {"content-type": "application/json"}


class HttpxExchange:
    """One ``httpx.AsyncClient``.

    Args:
        url: the server.
    """

    def __init__(self, url: str) -> None:
        self._client = httpx.AsyncClient(base_url=url)

    async def send(self, method: str, target: str, body: bytes) -> bytes:
        """Send one request and return the body of its answer."""
        if body:
            response = await self._client.request(method, target, content=body, headers=_JSON)
        else:
            response = await self._client.request(method, target)
        return response.content

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def connect(url: str) -> BareLoop:
    """A loop over httpx and the standard library's JSON."""
    return BareLoop(HttpxExchange(url))
