"""Who may use a broker that listens on a socket: whoever has its token."""

from __future__ import annotations

import hmac
from typing import Mapping, cast

from typing_extensions import Final

from queen.broker.http import Asgi, Receive, Scope, Send, direct, raw_path

# What server 0.15 lets in by default, and the pages of this broker that describe the API, for browsers without a token.
_PUBLIC: Final = frozenset(("/health", "/metrics", "/metrics/prometheus", "/", "/docs", "/openapi.json"))
_SCHEME: Final = b"bearer "


class TokenGuard:
    """Answers 401, in the words of server 0.15, to requests without the token, before their body is read.

    Args:
        application: answers the others.
        token: visible ASCII text.
    """

    def __init__(self, application: Asgi, token: str) -> None:
        self._application = application
        self._token = token.encode("ascii")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or let the application do it."""
        words = self._refusal(scope) if scope["type"] == "http" else ""
        if words:
            await direct({"error": words}, 401).send(send)
        else:
            await self._application(scope, receive, send)

    def _refusal(self, scope: Scope) -> str:
        if scope["method"] == "OPTIONS" or raw_path(scope) in _PUBLIC:
            return ""
        given = _headers(scope).get(b"authorization", b"")
        if not given:
            return "Authentication required"
        has_scheme = len(given) > len(_SCHEME) and given[: len(_SCHEME)].lower() == _SCHEME
        token = given[len(_SCHEME) :] if has_scheme else given
        return "" if hmac.compare_digest(token, self._token) else "Token decode error: invalid token supplied"


def _headers(scope: Scope) -> Mapping[bytes, bytes]:
    return dict(cast("list[tuple[bytes, bytes]]", scope["headers"]))
