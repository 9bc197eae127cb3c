"""Headers that a user adds to every request."""

from __future__ import annotations

import re
from typing import Dict, Mapping

from typing_extensions import Final

from queen.errors import ConfigurationError
from queen.secret import Secret

_ACCEPTED: Final = "accepted is a mapping of header names to texts"
_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# What Latin-1 has without control characters; blanks at either end are no part of a value.
_VALUE: Final = re.compile(r"(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?")

# Who sets them otherwise: where a message ends, what the connection does, and what the client sends and reads.
_NOT_THEIRS: Final = frozenset(
    (
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)


def extra_headers(value: object) -> Mapping[str, Secret]:
    """The headers, by name in lower case. Every value counts as a secret.

    Raises:
        ConfigurationError: a name or a value that cannot be sent, or a header that is not the user's to set; the
            header is named, its value is not shown.
    """
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"headers is a {type(value).__name__}; {_ACCEPTED}")
    headers: Dict[str, Secret] = {}
    for given, text in value.items():
        name = _name(given)
        if name in headers:
            raise ConfigurationError(f"headers has {name!r} twice")
        if not isinstance(text, (str, Secret)):
            raise ConfigurationError(f"headers: {name!r} is a {type(text).__name__}; {_ACCEPTED}")
        secret = text if isinstance(text, Secret) else Secret(text)
        if _VALUE.fullmatch(secret.reveal()) is None:
            raise ConfigurationError(
                f"headers: the value of {name!r} cannot be sent; accepted are Latin-1 characters without line breaks "
                "and other control characters, and without blanks at either end"
            )
        headers[name] = secret
    return headers


def _name(given: object) -> str:
    if not isinstance(given, str):
        raise ConfigurationError(f"headers: a name is a {type(given).__name__}; {_ACCEPTED}")
    if _NAME.fullmatch(given) is None:
        # A whole line that was given as a name holds the value too.
        raise ConfigurationError(f"headers: {given.partition(':')[0]!r} is not the name of a header")
    name = given.lower()
    if name in _NOT_THEIRS:
        raise ConfigurationError(f"headers: {name!r} cannot be set; the client sets it, or does without it")
    return name
