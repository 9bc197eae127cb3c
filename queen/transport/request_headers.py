"""The headers that every request of a client has."""

from __future__ import annotations

from typing import Dict, Tuple

from queen.config import ClientConfig
from queen.secret import Secret, SecretBytes

Header = Tuple[bytes, bytes]


def request_headers(config: ClientConfig) -> Tuple[Header, ...]:
    """The client's own headers, those of the user, and the token where it is always the same one."""
    headers: Dict[bytes, bytes] = {b"accept": b"application/json, text/plain", b"user-agent": b"queen-mq-python"}
    for name, value in config.headers.items():
        headers[name.encode("ascii")] = SecretBytes(value.reveal().encode("latin-1"))
    token = config.auth if isinstance(config.auth, Secret) else config.bearer_token
    if token is not None:
        headers[b"authorization"] = bearer(token)
    return tuple(headers.items())


def bearer(token: Secret) -> SecretBytes:
    """The value of an ``authorization`` header with a token."""
    return SecretBytes(b"Bearer " + token.reveal().encode("ascii"))
