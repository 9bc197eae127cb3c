"""The command line: ``python -m queen.broker --port 6632 --db queue.db``."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import ipaddress
import logging
import os
import re
import socket
import sys
from pathlib import Path
from typing import List, Optional

from queen.broker import Broker, open_broker
from queen.broker.access import TokenGuard
from queen.broker.body_limit import BodyLimit
from queen.broker.dialects import DIALECTS, EMBEDDED
from queen.broker.http import Asgi

_logger = logging.getLogger("queen.broker")
_STARTED = (
    "broker for development on http://%s:%s (%s), messages %s; the API is at /docs; production is the Queen server"
)


_OPEN = (
    "warning: %s can be reached from other machines, and whoever reaches it may read and change all messages: "
    "set QUEEN_BROKER_TOKEN or give --token-file"
)
_TOKEN_VARIABLE = "QUEEN_BROKER_TOKEN"  # noqa: S105  (the name of a variable)
_MAX_BODY = 64 * 1024 * 1024
_MAX_CONNECTIONS = 1000


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
    token = _token(parser, arguments.token_file)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if importlib.util.find_spec("uvicorn") is None:
        parser.exit(1, 'serving needs the extra "broker": pip install "queen-mq[broker]"\n')
    try:
        url = f"sqlite:///{arguments.db}" if arguments.db else "memory://"
        broker = open_broker(url, dialect=arguments.dialect)
    except OSError as error:
        parser.exit(1, f"{error}\n")

    return 0 if _serve(broker, arguments, token) else 1


def _serve(broker: Broker, arguments: argparse.Namespace, token: Optional[str]) -> bool:
    """Serve until it is interrupted; whether it could begin."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: Optional[List[socket.socket]] = None) -> None:
            await super().startup(sockets)
            if self.started:
                host, port = self.servers[0].sockets[0].getsockname()[:2]
                _tell(arguments, host, port, is_open=token is None)

        async def shutdown(self, sockets: Optional[List[socket.socket]] = None) -> None:
            # Parked polls would hold up the end for as long as they wait.
            broker.end_polls()
            await super().shutdown(sockets)
            await broker.close()

    server = Server(
        uvicorn.Config(
            _guarded(broker.app, token, arguments.max_body),
            arguments.host,
            arguments.port,
            log_level="warning",
            access_log=False,
            server_header=False,
            ws="none",
            # uvicorn refuses the connection that reaches the limit.
            limit_concurrency=arguments.max_connections + 1,
        )
    )
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    return server.started


def _tell(arguments: argparse.Namespace, host: str, port: int, *, is_open: bool) -> None:
    shown = f"[{host}]" if ":" in host else host
    where = f"in {arguments.db}" if arguments.db else "in memory"
    _logger.info(_STARTED, shown, port, arguments.dialect, where)
    if is_open and not ipaddress.ip_address(host.partition("%")[0]).is_loopback:
        _logger.warning(_OPEN, shown)


def _guarded(application: Asgi, token: Optional[str], max_body: int) -> Asgi:
    limited = BodyLimit(application, max_body)
    return limited if token is None else TokenGuard(limited, token)


def _token(parser: argparse.ArgumentParser, file: Optional[str]) -> Optional[str]:
    """The token that clients must have; an empty one is an error, since it would leave the broker open."""
    if file is not None:
        try:
            token, source = Path(file).read_text(encoding="ascii").strip(), file
        except (OSError, UnicodeDecodeError) as error:
            parser.error(f"--token-file {file}: {error}")
    elif _TOKEN_VARIABLE in os.environ:
        token, source = os.environ[_TOKEN_VARIABLE], _TOKEN_VARIABLE
    else:
        return None
    if not re.fullmatch(r"[!-~]+", token):
        parser.error(f"{source} holds no token; visible ASCII text without blanks is accepted")
    return token


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
        help=f"a file with the token that clients must send (bearer_token); without it, {_TOKEN_VARIABLE} in the "
        "environment, and with neither, everybody may use the broker",
    )
    parser.add_argument(
        "--max-body",
        type=_count,
        default=_MAX_BODY,
        help="how long the body of a request may be, in bytes; a longer one is answered 413 (default: %(default)s)",
    )
    parser.add_argument(
        "--max-connections",
        type=_count,
        default=_MAX_CONNECTIONS,
        help="how many connections may be open, each waiting consumer's too; requests on others are answered 503 "
        "(default: %(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
