"""Answers that repeat what was sent: servers and proxies put the headers of a request into their error pages."""

from __future__ import annotations

from typing import Iterator

from typing_extensions import Final

from queen.secret import SecretBytes
from queen.transport.engine import Headers, Reply

# A shorter one stands in many texts by chance, and hardly is a secret.
_SHORTEST: Final = 8


def redacted(reply: Reply, headers: Headers) -> Reply:
    """An answer whose words an error may show: without the secrets among the headers of its request."""
    body = reply.body
    for secret in _secrets(headers):
        if secret in body:
            body = body.replace(secret, b"***")
    return reply if body is reply.body else reply._replace(body=body)


def _secrets(headers: Headers) -> Iterator[bytes]:
    for _, value in headers:
        # Behind its scheme, a token is repeated alone too.
        parts = (value, value.rpartition(b" ")[2]) if isinstance(value, SecretBytes) else ()
        yield from (part for part in parts if len(part) >= _SHORTEST)
