"""The command line: ``python -m queen.broker --port 6632 --db queue.db``."""

from __future__ import annotations

import argparse
import sys

from queen.broker.dialects import DIALECTS, EMBEDDED
from queen.broker.serving import MAX_BODY, MAX_CONNECTIONS, TOKEN_VARIABLE, ServeOptions, serve, token_to_ask_for


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise ValueError(text)
    return number


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def main() -> int:
    """Serve a broker until it is interrupted."""
    parser = _parser()
    arguments = parser.parse_args()
    try:
        token = token_to_ask_for(arguments.token_file)
    except ValueError as error:
        parser.error(str(error))
    options = ServeOptions(
        host=arguments.host,
        port=arguments.port,
        db=arguments.db,
        dialect=arguments.dialect,
        token=token,
        max_body=arguments.max_body,
        max_connections=arguments.max_connections,
    )
    try:
        return 0 if serve(options) else 1
    except KeyboardInterrupt:
        return 0
    except (ImportError, OSError) as error:
        parser.exit(1, f"{error}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m queen.broker",
        description="Serve the embedded broker on a socket: a broker for development, in one process. "
        "Production is the Queen server on PostgreSQL.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=_port, default=6632, help="the port; 0 for any that is free (default: %(default)s)"
    )
    parser.add_argument("--db", help="the file to keep messages in; without it they are kept in memory")
    parser.add_argument(
        "--dialect",
        choices=list(DIALECTS),
        default=EMBEDDED,
        help="which server it is: exactly 0.15 or 0.7, or 0.15 without its traps and with the routes that only 0.7 has "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--token-file",
        help=f"a file with the token that clients must send (bearer_token); without it, {TOKEN_VARIABLE} in the "
        "environment, and with neither, everybody may use the broker",
    )
    parser.add_argument(
        "--max-body",
        type=_count,
        default=MAX_BODY,
        help="how long the body of a request may be, in bytes; a longer one is answered 413 (default: %(default)s)",
    )
    parser.add_argument(
        "--max-connections",
        type=_count,
        default=MAX_CONNECTIONS,
        help="how many connections may be open, each waiting consumer's too; requests on others are answered 503 "
        "(default: %(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
