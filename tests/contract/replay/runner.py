"""Holds a recorded conversation with a server over real sockets, one connection for each request."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from typing import Any, Dict, List, Mapping, Optional
from urllib.parse import quote, urlencode, urlsplit

import attrs
from typing_extensions import TypeAlias

from tests.contract.replay.matching import difference, text_matches
from tests.contract.replay.scenario import Captured, Scenario, at_path, filled

_LONGEST_ANSWER_SECONDS = 60.0


@attrs.frozen
class Reply:
    """An answer, and how long it took."""

    status: int
    headers: Mapping[str, str]
    text: str
    millis: float


Background: TypeAlias = "Dict[str, asyncio.Task[Optional[Reply]]]"


async def problem_of(base: str, scenario: Scenario) -> Optional[str]:
    """Hold a conversation; the first thing that is not as recorded, or None.

    Args:
        base: the server's URL.
        scenario: the conversation.
    """
    captured: Captured = {"@run": uuid.uuid4().hex[:8]}
    background: Background = {}
    for number, step in enumerate(scenario.steps, 1):
        try:
            found = await _problem_of_step(base, step, captured, background)
        except (OSError, EOFError, LookupError, ValueError) as error:
            # A connection that breaks, or an answer without what is captured, is the problem of this conversation only.
            found = repr(error)
        if found:
            request = step.get("request")
            what = f"{request['method']} {request['path']}" if request else f"await {step.get('await')}"
            return f"step {number} {what}: {found}"
    return None


async def _problem_of_step(
    base: str, step: Mapping[str, Any], captured: Captured, background: Background
) -> Optional[str]:
    await _pause(step)
    request = filled(step.get("request"), captured)
    silent = step.get("response", {}).get("no_response_within_ms")
    patience = silent / 1000 if silent else _LONGEST_ANSWER_SECONDS
    if "background" in step:
        background[step["background"]] = asyncio.ensure_future(_send(base, request, patience))
        # The request must be on its way before the next step.
        await asyncio.sleep(0.02)
        return None
    if "await" not in step and request is None:
        return None
    reply = await (background.pop(step["await"]) if "await" in step else _send(base, request, patience))
    # An answer is never compared with what was captured from itself.
    expected = filled(step["response"], captured)
    return _difference(expected, reply) or _capture(step, reply, captured)


async def _pause(step: Mapping[str, Any]) -> None:
    if "wait_ms" in step:
        await asyncio.sleep(step["wait_ms"] / 1000)
    if "align" in step:
        every, offset = step["align"]["every"] / 1000, step["align"]["offset"] / 1000
        await asyncio.sleep((offset - time.time()) % every)


def _difference(response: Mapping[str, Any], reply: Optional[Reply]) -> Optional[str]:
    if "no_response_within_ms" in response:
        return None if reply is None else f"expected no response, got {reply.status} {reply.text[:160]}"
    if reply is None:
        return "no response"
    if reply.status != response["status"]:
        return f"status: expected {response['status']}, got {reply.status} {reply.text[:160]}"
    for name, value in response.get("headers", {}).items():
        found = reply.headers.get(name)
        if (value is None) != (found is None) or (value is not None and not text_matches(value, found or "")):
            return f"header {name}: expected {value!r}, got {found!r}"
    if "text" in response and not text_matches(response["text"], reply.text):
        return f"body: expected text {response['text'][:160]!r}, got {reply.text[:160]!r}"
    if "elapsed_ms" in response:
        least, most = response["elapsed_ms"]
        if not least <= reply.millis <= most:
            return f"elapsed: expected {least} to {most} ms, took {reply.millis:.0f} ms"
    return _json_difference(response, reply) if "json" in response else None


def _json_difference(response: Mapping[str, Any], reply: Reply) -> Optional[str]:
    try:
        return difference(response["json"], json.loads(reply.text))
    except ValueError:
        return f"body: expected JSON, got {reply.text[:160]!r}"


def _capture(step: Mapping[str, Any], reply: Optional[Reply], captured: Captured) -> Optional[str]:
    wanted: Mapping[str, str] = step.get("capture", {})
    if wanted and reply is not None:
        body = json.loads(reply.text)
        captured.update({name: at_path(body, path) for name, path in wanted.items()})
    return None


async def _send(base: str, request: Mapping[str, Any], patience: float) -> Optional[Reply]:
    started = time.monotonic()
    try:
        status, headers, body = await asyncio.wait_for(_exchange(base, request), patience)
    except asyncio.TimeoutError:
        return None
    return Reply(status, headers, body.decode("utf-8"), (time.monotonic() - started) * 1000)


async def _exchange(base: str, request: Mapping[str, Any]) -> Any:
    where = urlsplit(base)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        writer.write(_encoded(request, where.netloc))
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        status = int(head[0].split(" ")[1])
        has_body = request["method"] != "HEAD" and status not in (204, 304)
        # Both servers tell the length; an answer that does not is a problem, and no empty one.
        body = await reader.readexactly(int(headers["content-length"])) if has_body else b""
        return status, headers, body
    finally:
        writer.close()


def _encoded(request: Mapping[str, Any], host: str) -> bytes:
    target = request["path"]
    if request.get("query"):
        target += "?" + urlencode(request["query"], quote_via=quote)
    headers = {"host": host, "connection": "close", **(request.get("headers") or {})}
    body = b""
    if "json" in request or "raw" in request:
        text = json.dumps(request["json"], ensure_ascii=False) if "json" in request else request["raw"]
        body = text.encode()
        headers.setdefault("content-type", "application/json")
        headers["content-length"] = str(len(body))
    lines: List[str] = [f"{request['method']} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8") + body
