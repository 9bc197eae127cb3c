"""``queen serve``: the embedded broker on a socket."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from cyclopts import Parameter, validators
from typing_extensions import Annotated, Literal

from queen.cli.exits import CommandError, Exit

_MAX_BODY = 64 * 1024 * 1024


def serve(
    *,
    host: str = "127.0.0.1",
    port: Annotated[int, Parameter(validator=validators.Number(gte=0, lte=65535))] = 6632,
    db: Optional[Path] = None,
    dialect: Literal["embedded", "0.15", "0.7"] = "embedded",
    token_file: Optional[Path] = None,
    max_body: Annotated[int, Parameter(validator=validators.Number(gte=1))] = _MAX_BODY,
    max_connections: Annotated[int, Parameter(validator=validators.Number(gte=1))] = 1000,
) -> int:
    """Serve the embedded broker on a socket: a broker for development, in one process.

    Production is the Queen server on PostgreSQL. Ctrl-C ends it.

    Args:
        host: the address to listen on.
        port: the port; 0 for any that is free.
        db: the file to keep messages in; without it they are kept in memory.
        dialect: which server it is: exactly 0.15 or 0.7, or 0.15 without its traps and with the routes that only 0.7
            has.
        token_file: a file with the token that clients must send; without it QUEEN_BROKER_TOKEN in the environment, and
            with neither everybody may use the broker.
        max_body: how long the body of a request may be, in bytes; a longer one is answered 413.
        max_connections: how many connections may be open, those of waiting consumers too.
    """
    try:
        from queen.broker.serving import ServeOptions, token_to_ask_for
        from queen.broker.serving import serve as serve_until_interrupted
    except ImportError as error:
        raise CommandError(str(error)) from None
    options = ServeOptions(
        host=host,
        port=port,
        db=None if db is None else str(db),
        dialect=dialect,
        token=token_to_ask_for(None if token_file is None else str(token_file)),
        max_body=max_body,
        max_connections=max_connections,
    )
    try:
        return Exit.FINE if serve_until_interrupted(options) else Exit.FAILED
    except ImportError as error:
        raise CommandError(str(error)) from None
