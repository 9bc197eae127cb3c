"""The ASGI application: from a scope to an endpoint, and from its answer to the connection."""

from __future__ import annotations

import logging
from typing import Dict, List, Mapping, Optional, Tuple, cast

from starlette.routing import Match, Route

from queen.broker.dialects import Dialect
from queen.broker.failures import DatabaseRefusalError, DirectRefusalError
from queen.broker.http import (
    Answer,
    Call,
    Query,
    Receive,
    Scope,
    Send,
    direct,
    options,
    raw_path,
    unknown_route,
)
from queen.broker.routes.endpoint import Backend, Endpoint

_logger = logging.getLogger("queen.broker")


class Application:
    """The broker's routes over HTTP.

    Args:
        backend: what they work on.
        dialect: which routes there are, and the words of a refusal.
    """

    def __init__(self, backend: Backend, dialect: Dialect) -> None:
        self._backend = backend
        self._dialect = dialect
        self._literal: Dict[Tuple[str, str], Endpoint] = {}
        self._patterns: Dict[str, List[Tuple[Route, Endpoint]]] = {}
        for method, path, endpoint in dialect.routes:
            if "{" in path:
                self._patterns.setdefault(method, []).append((Route(path, _never_called), endpoint))
            else:
                self._literal[method, path] = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or run the lifespan that ASGI servers ask for."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            answer = await self._answer(scope, receive)
            await answer.send(send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        method = cast(str, scope["method"])
        if method == "OPTIONS":
            return options()
        found = self._find(method, raw_path(scope))
        if found is None:
            return unknown_route(with_body=method != "HEAD")
        endpoint, path = found
        body = await _body(receive) if method == "POST" else b""
        query = Query(cast(bytes, scope["query_string"]).decode("latin-1"))
        try:
            return await endpoint(self._backend, Call(path=path, query=query, body=body, receive=receive))
        except (DirectRefusalError, DatabaseRefusalError) as refusal:
            return self._dialect.refused(refusal)
        except Exception as error:
            _logger.exception("%s %s failed", method, scope["path"])
            return direct({"error": f"internal error: {type(error).__name__}"}, 500)

    def _find(self, method: str, path: str) -> Optional[Tuple[Endpoint, Mapping[str, str]]]:
        literal = self._literal.get((method, path))
        if literal is not None:
            return literal, {}
        # Starlette matches decoded paths; here a path is taken byte for byte, as the server takes it.
        scope = {"type": "http", "method": "GET", "path": path, "root_path": ""}
        for route, endpoint in self._patterns.get(method, ()):
            match, child = route.matches(scope)
            if match is Match.FULL:
                return endpoint, cast("Mapping[str, str]", child["path_params"])
        return None


async def _body(receive: Receive) -> bytes:
    chunks: List[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(chunks)
        chunks.append(cast(bytes, message.get("body", b"")))
        if not message.get("more_body", False):
            return b"".join(chunks)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _never_called() -> None:
    raise AssertionError("routes are only matched")
