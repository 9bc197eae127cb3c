"""Logging: silent unless asked, and in the guide's format when asked."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from typing import Iterator

import pytest

from queen import Queen

LINE = re.compile(r"\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\] \[(INFO|WARN|ERROR)\] \[([\w.]+)\] (\{.*\})")


@pytest.fixture(autouse=True)
def untouched_logger() -> Iterator[None]:
    logger = logging.getLogger("queen")
    handlers, level = list(logger.handlers), logger.level
    yield
    logger.handlers[:] = handlers
    logger.setLevel(level)


async def test_nothing_is_printed_unless_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, server_url: str, queue_name: str
) -> None:
    monkeypatch.delenv("QUEEN_CLIENT_LOG", raising=False)
    async with Queen(server_url) as queen:
        await queen.queue(queue_name).push([{"data": 1}])
    assert capsys.readouterr() == ("", "")


async def test_the_guides_lines_are_printed_when_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, server_url: str, queue_name: str
) -> None:
    monkeypatch.setenv("QUEEN_CLIENT_LOG", "true")
    async with Queen(server_url) as queen, Queen(server_url):
        await queen.queue(queue_name).push([{"data": "a payload"}])
    lines = capsys.readouterr().out.splitlines()
    parsed = [match.groups() for match in map(LINE.fullmatch, lines) if match is not None]
    assert len(parsed) == len(lines)
    facts = {scope: json.loads(text) for _, scope, text in parsed}
    assert facts["Queen.constructor"] == {"status": "initialized", "urls": 1}
    assert facts["QueueBuilder.push"] == {"queue": queue_name, "partition": "Default", "count": 1}
    assert facts["HttpClient.request"]["method"] == "POST"
    assert facts["HttpClient.request"]["url"].endswith("/api/v1/push")
    assert [scope for _, scope, _ in parsed].count("QueueBuilder.push") == 1
    assert "a payload" not in "\n".join(lines)


async def test_requests_are_logged_as_debug_so_that_programs_at_info_are_not_flooded(
    caplog: pytest.LogCaptureFixture, server_url: str, queue_name: str
) -> None:
    with caplog.at_level(logging.INFO, "queen"):
        async with Queen(server_url) as queen:
            await queen.queue(queue_name).push([{"data": 1}])
    assert caplog.records == []


def test_a_program_that_configures_no_logging_sees_no_warnings_of_the_library() -> None:
    program = "import queen.logs as logs, logging; logs.event(logging.WARNING, 'Somebody', what='happened')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert (done.stdout, done.stderr) == ("", "")
