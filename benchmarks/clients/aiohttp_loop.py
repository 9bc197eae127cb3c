"""A bare loop over aiohttp, in its fastest form: one session, URLs made once, bytes for bodies, orjson."""

from __future__ import annotations

from typing import Dict, Optional

import aiohttp
import orjson
import yarl

from benchmarks.clients.bare import BareLoop

_JSON = {"content-type": "application/json"}


class AiohttpExchange:
    """One ``aiohttp.ClientSession``.

    Args:
        url: the server.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._urls: Dict[str, yarl.URL] = {}
        self._session: Optional[aiohttp.ClientSession] = None

    async def send(self, method: str, target: str, body: bytes) -> bytes:
        """Send one request and return the body of its answer."""
        if self._session is None:
            self._session = aiohttp.ClientSession()
        url = self._urls.get(target)
        if url is None:
            url = self._urls[target] = yarl.URL(self._url + target, encoded=True)
        if body:
            async with self._session.request(method, url, data=body, headers=_JSON) as response:
                return await response.read()
        async with self._session.request(method, url) as response:
            return await response.read()

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()


def connect(url: str) -> BareLoop:
    """A loop over aiohttp and orjson."""
    return BareLoop(AiohttpExchange(url), orjson.dumps, orjson.loads)
