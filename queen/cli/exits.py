"""Exit codes: what each means, and which errors end a command with it."""

from __future__ import annotations

import enum
from typing import Optional

from queen.errors import (
    AuthenticationError,
    ConnectionFailedError,
    HttpStatusError,
    PermissionDeniedError,
    QueenError,
    QueenTimeoutError,
)

# What a proxy answers for a server that it cannot reach.
_GATEWAY_STATUSES = (502, 503, 504)


class Exit(enum.IntEnum):
    """How a command ended."""

    FINE = 0
    FAILED = 1
    """The server refused, something could not be done, or a check failed."""
    BAD_INPUT = 2
    """An argument or a line of input is not accepted; the message names it."""
    UNREACHABLE = 3
    """No server answered."""
    NOT_ALLOWED = 4
    """The server asks for a token, or does not accept the one that it got."""
    INTERRUPTED = 130
    """Ctrl-C."""
    CLOSED_PIPE = 141
    """Nobody reads the output any more."""
    TERMINATED = 143
    """SIGTERM."""


MEANINGS = (
    "Exit codes: 0 fine; 1 the server refused, or a check failed; 2 bad input; 3 no server answered; "
    "4 the server wants another token; 130 Ctrl-C; 141 nobody reads the output; 143 SIGTERM."
)


class CommandError(Exception):
    """A command cannot go on.

    Args:
        words: why, in words for the user.
        code: what it exits with.
    """

    def __init__(self, words: str, code: Exit = Exit.FAILED) -> None:
        super().__init__(words)
        self.code = code


def bad_input(argument: str, reason: str) -> CommandError:
    """The error for an argument that is not accepted."""
    return CommandError(f"{argument}: {reason}", Exit.BAD_INPUT)


def code_of(error: BaseException) -> Optional[Exit]:
    """What an error exits with; None for one that nobody expected."""
    if isinstance(error, CommandError):
        return error.code
    if isinstance(error, (AuthenticationError, PermissionDeniedError)):
        return Exit.NOT_ALLOWED
    if isinstance(error, (ConnectionFailedError, QueenTimeoutError)):
        return Exit.UNREACHABLE
    if isinstance(error, HttpStatusError) and error.status in _GATEWAY_STATUSES:
        return Exit.UNREACHABLE
    if isinstance(error, ValueError):
        # Wrong arguments, which the library names, a wrong configuration among them.
        return Exit.BAD_INPUT
    return Exit.FAILED if isinstance(error, (QueenError, OSError)) else None
