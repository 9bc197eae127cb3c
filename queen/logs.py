"""Logging: the standard logger ``queen``, and the format of the users' guide on request.

Records carry a scope (``QueueBuilder.push``) and facts. Nothing is configured unless the environment variable
``QUEEN_CLIENT_LOG`` is ``true`` when a client is made: then the logger prints the guide's lines to standard output.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import datetime, timezone
from typing import Mapping, Optional

from typing_extensions import Final, override

logger: Final = logging.getLogger("queen")
logger.addHandler(logging.NullHandler())

_SCOPE: Final = "queen_scope"
_FACTS: Final = "queen_facts"


def event(level: int, scope: str, error: Optional[BaseException] = None, /, **facts: object) -> None:
    """Log one event.

    Args:
        level: a level of ``logging``.
        scope: who speaks, for example ``QueueBuilder.push``.
        error: an exception whose traceback the user needs.
        facts: what happened. Payloads and tokens never belong here.
    """
    if logger.isEnabledFor(level):
        logger.log(level, "%s %s", scope, facts, exc_info=error, extra={_SCOPE: scope, _FACTS: facts})


def enabled(level: int) -> bool:
    """Whether an event of this level would be logged: ask before computing expensive facts."""
    return logger.isEnabledFor(level)


def print_if_asked() -> None:
    """Print the guide's log lines to standard output when ``QUEEN_CLIENT_LOG`` is ``true``. Idempotent."""
    if os.environ.get("QUEEN_CLIENT_LOG", "").strip().lower() not in ("true", "1"):
        return
    if any(isinstance(handler, _StandardOutput) for handler in logger.handlers):
        return
    handler = _StandardOutput()
    handler.setFormatter(_GuideFormat())
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)


class _StandardOutput(logging.Handler):
    """Writes to whatever ``sys.stdout`` is at the time, so that redirection works."""

    @override
    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stdout.write(self.format(record) + "\n")
        except Exception:  # noqa: BLE001  (logging never raises into the program; handleError reports)
            self.handleError(record)


class _GuideFormat(logging.Formatter):
    """``[2025-10-28T10:30:45.123Z] [INFO] [Queen.constructor] {"status":"initialized","urls":1}``."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")
        scope = getattr(record, _SCOPE, record.name)
        facts: Mapping[str, object] = getattr(record, _FACTS, None) or {"message": record.getMessage()}
        # The guide knows INFO, WARN and ERROR; what the library logs as DEBUG is the guide's INFO, so that programs
        # that log at INFO are not flooded with a line for each request.
        level = "ERROR" if record.levelno >= logging.ERROR else "WARN" if record.levelno >= logging.WARNING else "INFO"
        line = json.dumps(facts, separators=(",", ":"), ensure_ascii=False, default=str)
        text = f"[{moment.replace('+00:00', 'Z')}] [{level}] [{scope}] {line}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text
