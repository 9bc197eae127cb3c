"""Requests and answers: what an endpoint is given, and what it gives back."""

from __future__ import annotations

import json
import math
import re
from typing import Awaitable, Callable, Dict, List, Mapping, MutableMapping, Optional, Tuple, cast
from urllib.parse import unquote_to_bytes

import attrs
from typing_extensions import Final, TypeAlias

from queen.broker.failures import DirectRefusalError

AsgiMessage: TypeAlias = MutableMapping[str, object]
Scope: TypeAlias = MutableMapping[str, object]
Receive: TypeAlias = Callable[[], Awaitable[AsgiMessage]]
Send: TypeAlias = Callable[[AsgiMessage], Awaitable[None]]
Asgi: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_CORS: Final = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, POST, PUT, DELETE, OPTIONS"),
    (b"access-control-allow-headers", b"Content-Type, Authorization"),
]
_MAX_AGE: Final = (b"access-control-max-age", b"86400")
_JSON: Final = (b"content-type", b"application/json")
_UNKNOWN: Final = b"<html><body><h1>File Not Found</h1><hr><i>uWebSockets/20 Server</i></body></html>"

_LONG_NUMBER: Final = re.compile(rb"\d{19}|[eE]\+?\d{3}|\d{309}")
_SURROGATE: Final = re.compile(rb"\\[uU][dD][89a-fA-F]")
_INTEGER: Final = re.compile(r"\s*([+-]?\d+)")
_SMALLEST: Final = -(2**63)
_LARGEST: Final = 2**64 - 1
_LARGEST_PARAMETER: Final = 2**31


@attrs.frozen
class Answer:
    """One HTTP answer."""

    status: int
    headers: List[Tuple[bytes, bytes]]
    body: bytes

    async def send(self, send: Send) -> None:
        """Send it."""
        # HTTP forbids a length beside 204.
        length = [] if self.status == 204 else [(b"content-length", str(len(self.body)).encode())]
        headers = [*self.headers, *length]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def database(value: object) -> Answer:
    """An answer of the database: status 200 whatever it says, and no body for ``null``, ``[]`` and ``{}``."""
    return database_text(encode(value) if value not in (None, [], {}) else b"")


def database_text(body: bytes) -> Answer:
    """As ``database``, from JSON that is encoded already."""
    return Answer(200, [*_CORS, _JSON], body)


def direct(value: object, status: int = 200) -> Answer:
    """An answer made without the database: its status is real."""
    return Answer(status, [*_CORS, _MAX_AGE, _JSON], encode(value))


def direct_text(body: bytes) -> Answer:
    """As ``direct``, from JSON that is encoded already."""
    return Answer(200, [*_CORS, _MAX_AGE, _JSON], body)


def nothing() -> Answer:
    """The answer 204."""
    return Answer(204, [*_CORS, _MAX_AGE, _JSON], b"")


def options() -> Answer:
    """The answer to OPTIONS, on any path."""
    return Answer(200, [*_CORS, _MAX_AGE], b"")


def unknown_route(*, with_body: bool = True) -> Answer:
    """The answer on a path or method that there is not."""
    return Answer(404, [], _UNKNOWN if with_body else b"")


def page(body: bytes, content_type: bytes) -> Answer:
    """A document for people or tools."""
    return Answer(200, [(b"content-type", content_type)], body)


def raw_path(scope: Scope) -> str:
    """The path of a request, byte for byte."""
    raw = scope.get("raw_path")
    path = cast(bytes, raw) if raw is not None else cast(str, scope["path"]).encode()
    # Some servers put the query behind the raw path.
    return path.partition(b"?")[0].decode("latin-1")


def encode(value: object) -> bytes:
    """JSON with the keys of objects in the order of their bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@attrs.frozen
class Query:
    """A query string, searched as text: ``xbatch=2`` sets ``batch``, and of repeated names the first counts."""

    text: str

    def string(self, name: str, default: str = "") -> str:
        """The decoded value of a parameter; an empty one is the empty text."""
        raw = self._raw(name)
        if raw is None:
            return default
        try:
            return unquote_to_bytes(raw.replace("+", " ")).decode("utf-8")
        except UnicodeDecodeError:
            raise DirectRefusalError(500, "[json.exception.type_error.316] invalid UTF-8 byte") from None

    def integer(self, name: str, default: int) -> int:
        """The leading integer of a parameter, as C's ``stoi`` reads it; the default for anything else."""
        found = _INTEGER.match(self.string(name))
        if found is None:
            return default
        value = int(found.group(1))
        return value if -_LARGEST_PARAMETER <= value < _LARGEST_PARAMETER else default

    def boolean(self, name: str, default: bool) -> bool:
        """True for ``true`` and ``1``; the default where there is nothing."""
        value = self.string(name)
        return value in ("true", "1") if value else default

    def _raw(self, name: str) -> Optional[str]:
        start = self.text.find(f"{name}=")
        if start < 0:
            return None
        start += len(name) + 1
        end = self.text.find("&", start)
        return self.text[start:] if end < 0 else self.text[start:end]


@attrs.frozen
class Call:
    """One request.

    Attributes:
        path: the path parameters, byte for byte.
        query: the query string.
        body: the body.
        receive: the ASGI channel behind the body, which tells when the client is gone.
    """

    path: Mapping[str, str]
    query: Query
    body: bytes
    receive: Receive

    def json(self) -> object:
        """The body as JSON.

        Raises:
            DirectRefusalError: there is none, or it is no JSON.
        """
        if not self.body:
            raise DirectRefusalError(400, "Empty request body")
        try:
            return _decode(self.body)
        except (ValueError, RecursionError) as error:
            raise DirectRefusalError(400, f"Invalid JSON: {error}") from None

    def fields(self) -> Dict[str, object]:
        """The body as an object; anything else counts as an object without fields."""
        value = self.json()
        return cast("Dict[str, object]", value) if isinstance(value, dict) else {}


def _decode(body: bytes) -> object:
    text = body[3:] if body.startswith(b"\xef\xbb\xbf") else body
    if _LONG_NUMBER.search(text):
        value = json.loads(text, parse_constant=_refuse, parse_int=_read_integer, parse_float=_read_float)
    else:
        value = json.loads(text, parse_constant=_refuse)
    if _SURROGATE.search(text):
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return cast(object, value)


def _refuse(constant: str) -> object:
    raise ValueError(f"invalid literal {constant}")


def _read_integer(digits: str) -> object:
    value = int(digits) if len(digits) < 400 else math.inf
    return value if isinstance(value, int) and _SMALLEST <= value <= _LARGEST else _read_float(digits)


def _read_float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(f"number overflow parsing {digits[:20]}")
    return value
