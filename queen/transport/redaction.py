"""Answers that repeat what was sent: servers and proxies put the headers of a request into their error pages."""

from __future__ import annotations

import base64
from typing import Iterator

from typing_extensions import Final

from queen.secret import SecretBytes
from queen.transport.engine import Headers, Reply

# A shorter one stands in many texts by chance, and hardly is a secret.
_SHORTEST: Final = 8


def redacted(reply: Reply) -> Reply:
    """An answer whose words an error may show: without the secrets of its request; itself where it repeats none."""
    body = reply.body
    for secret in _secrets(reply.sent):
        if secret in body:
            body = body.replace(secret, b"***")
    return reply if body is reply.body else reply._replace(body=body)


def _secrets(headers: Headers) -> Iterator[bytes]:
    for _, value in headers:
        if isinstance(value, SecretBytes):
            yield from (part for part in _parts(value) if len(part) >= _SHORTEST)


def _parts(value: bytes) -> Iterator[bytes]:
    """What may be repeated of a value, the longest first, so that no rest of it is left."""
    yield value
    # Behind its scheme, a token is repeated alone too.
    scheme, _, token = value.rpartition(b" ")
    yield token
    if scheme.strip().lower() == b"basic":
        try:
            pair = base64.b64decode(token)
        except ValueError:
            # A header of the user's own, which may hold anything.
            return
        yield pair
        yield pair.partition(b":")[2]
