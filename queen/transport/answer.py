"""From a complete HTTP answer to a value, or to the error that it means."""

from __future__ import annotations

from typing import Optional, TypeVar, cast
from urllib.parse import urlsplit

from queen_api import Operation, Request, UnexpectedAnswer

from queen.errors import (
    AuthenticationError,
    HttpStatusError,
    PermissionDeniedError,
    ProtocolError,
    QueenError,
    ServerRefusedError,
    UnsupportedByServerError,
)
from queen.transport import codec
from queen.transport.dialect import Dialect
from queen.transport.engine import Reply, TooLongError
from queen.transport.reading import MISREADINGS, misread

T = TypeVar("T")

_EXCERPT = 200


def is_refusal(reply: Reply) -> bool:
    """Whether a 5xx comes from a Queen server that refuses this one request, and so says nothing of its health.

    The server answers 500 with a JSON ``error`` when a field of the request has the wrong type; a broken server or a
    proxy in front of it answers something else.
    """
    return reply.status == 500 and _words(reply) is not None


def read(request: Request[T], reply: Reply, url: str) -> T:
    """The value of an answer.

    Args:
        request: the request that was answered.
        reply: the answer.
        url: the server, for errors.

    Raises:
        HttpStatusError, ServerRefusedError, ProtocolError: what the answer means where it is no value.
    """
    if not 200 <= reply.status < 300:
        raise status_error(request.operation, reply, url)
    try:
        payload = _payload(request.operation, reply)
    except ValueError as error:
        raise _protocol_error(request.operation, reply, url, str(error)) from None
    if request.operation.refusal == "raise":
        words = _refusal_words(payload)
        if words is not None:
            raise ServerRefusedError(operation=request.operation.id, status=reply.status, words=words)
    try:
        return request.parse(reply.status, payload)
    except QueenError:
        raise
    except MISREADINGS as error:
        # The cause is kept where it may be a defect of this library.
        cause = None if isinstance(error, UnexpectedAnswer) else error
        raise _protocol_error(request.operation, reply, url, misread(error)) from cause


def too_long(operation: Operation, error: TooLongError, url: str) -> ProtocolError:
    """The error for an answer that is longer than is accepted."""
    return ProtocolError(str(error), operation=operation.id, url=url, status=error.status, excerpt="")


def _payload(operation: Operation, reply: Reply) -> object:
    # A 204 has no body by the rules of HTTP, whatever a server sends behind it.
    if reply.status == 204:
        return None
    encoding = reply.headers.get("content-encoding")
    if encoding is not None and encoding.strip().lower() not in ("identity", ""):
        # No request asks for one, and what unpacks to gigabytes is not unpacked.
        raise ValueError(f"the body is encoded as {encoding!r}, which was not asked for")
    if operation.media_type != "application/json":
        return _text(operation.media_type, reply)
    try:
        return codec.decode(reply.body)
    except ValueError as error:
        raise ValueError(f"the body is not JSON ({error})") from None


def _text(media_type: str, reply: Reply) -> str:
    sent = reply.headers.get("content-type", "")
    # A server with a dashboard answers the routes that it lacks with the dashboard's page, at status 200.
    if sent.partition(";")[0].strip().lower() != media_type:
        raise ValueError(f"the body is {sent or 'of no media type'}, and not {media_type}")
    try:
        return reply.body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"the body is not UTF-8 ({error})") from None


def _refusal_words(payload: object) -> Optional[str]:
    if not isinstance(payload, dict):
        return None
    fields = cast("dict[str, object]", payload)
    error = fields.get("error")
    if isinstance(error, str) and error:
        return error.strip()
    if fields.get("success") is False:
        message = fields.get("message")
        return message if isinstance(message, str) and message else "no reason given"
    return None


def status_error(operation: Operation, reply: Reply, url: str) -> QueenError:
    """The error that a status other than 2xx means."""
    words = _words(reply)
    excerpt = words if words is not None else _excerpt(reply.body)
    if 300 <= reply.status < 400:
        advice = _redirect_advice(reply.headers.get("location", ""))
        return HttpStatusError(operation=operation.id, url=url, status=reply.status, words=excerpt, advice=advice)
    if reply.status == 401:
        advice = "give a token that the server accepts as bearer_token, or a function that returns one as auth"
        return AuthenticationError(operation=operation.id, url=url, status=401, words=excerpt, advice=advice)
    if reply.status == 403:
        return PermissionDeniedError(operation=operation.id, url=url, status=403, words=excerpt)
    if reply.status == 404 and _may_be_lacking(operation):
        route = f"{operation.method} {operation.path}"
        said = words or "unknown route"
        return UnsupportedByServerError(
            operation=operation.id, url=url, status=404, words=said, route=route, versions=_versions(operation)
        )
    if reply.status == 404 and words is None:
        advice = "every Queen server has this route; check the URL"
        return HttpStatusError(operation=operation.id, url=url, status=404, words=excerpt, advice=advice)
    if words is not None and reply.status <= 500:
        return ServerRefusedError(operation=operation.id, status=reply.status, words=words)
    return HttpStatusError(operation=operation.id, url=url, status=reply.status, words=excerpt)


def _words(reply: Reply) -> Optional[str]:
    try:
        payload = codec.decode(reply.body)
    except ValueError:
        return None
    error = cast("dict[str, object]", payload).get("error") if isinstance(payload, dict) else None
    return error.strip() if isinstance(error, str) else None


def _redirect_advice(location: str) -> str:
    """What to do about a redirect. Of where it leads only the host is told: what stands behind it may be a secret."""
    try:
        host = urlsplit(location).netloc.rpartition("@")[2]
    except ValueError:
        host = ""
    leads = f"leads to {host}" if host else "leads to another path of that server"
    return (
        f"redirects are not followed, so that no token goes where it does not belong; this one {leads}; check the URL"
    )


def _may_be_lacking(operation: Operation) -> bool:
    """Whether there are servers without this route; of one that all servers have, a 404 says something else."""
    return operation.since != Dialect.V07.value or operation.until is not None


def _versions(operation: Operation) -> str:
    if operation.until is None:
        return f"{operation.since} and later"
    return operation.since if operation.since == operation.until else f"{operation.since} to {operation.until}"


def _protocol_error(operation: Operation, reply: Reply, url: str, reason: str) -> ProtocolError:
    return ProtocolError(reason, operation=operation.id, url=url, status=reply.status, excerpt=_excerpt(reply.body))


def _excerpt(body: bytes) -> str:
    return body[:_EXCERPT].decode("utf-8", "replace")
