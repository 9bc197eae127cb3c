"""The command line: ``python -m queen.broker --port 6632 --db queue.db``."""

from __future__ import annotations

import argparse
import contextlib
import logging
import socket
import sys
from typing import List, Optional

from queen.broker import open_broker
from queen.broker.dialects import DIALECTS, EMBEDDED

_logger = logging.getLogger("queen.broker")
_STARTED = (
    "broker for development on http://%s:%s (%s), messages %s; the API is at /docs; production is the Queen server"
)


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise ValueError(text)
    return number


def main() -> int:
    """Serve a broker until it is interrupted."""
    parser = _parser()
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        import uvicorn
    except ImportError:
        parser.exit(1, 'serving needs the extra "broker": pip install "queen-mq[broker]"\n')
    try:
        url = f"sqlite:///{arguments.db}" if arguments.db else "memory://"
        broker = open_broker(url, dialect=arguments.dialect)
    except OSError as error:
        parser.exit(1, f"{error}\n")
    where = f"in {arguments.db}" if arguments.db else "in memory"

    class Server(uvicorn.Server):
        async def startup(self, sockets: Optional[List[socket.socket]] = None) -> None:
            await super().startup(sockets)
            if self.started:
                host, port = self.servers[0].sockets[0].getsockname()[:2]
                _logger.info(_STARTED, host, port, arguments.dialect, where)

        async def shutdown(self, sockets: Optional[List[socket.socket]] = None) -> None:
            # Parked polls would hold up the end for as long as they wait.
            broker.end_polls()
            await super().shutdown(sockets)
            await broker.close()

    server = Server(
        uvicorn.Config(
            broker.app, arguments.host, arguments.port, log_level="warning", access_log=False, server_header=False
        )
    )
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    return 0 if server.started else 1


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
    return parser


if __name__ == "__main__":
    sys.exit(main())
