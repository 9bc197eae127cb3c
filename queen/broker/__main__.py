"""The command line: ``python -m queen.broker --port 6632 --db queue.db``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from typing import TYPE_CHECKING, Optional

from queen.broker import open_broker

if TYPE_CHECKING:
    import uvicorn

_logger = logging.getLogger("queen.broker")


def main() -> int:
    """Serve a broker until it is interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m queen.broker",
        description="Serve the embedded broker on a socket: a broker for development, in one process. "
        "Production is the Queen server on PostgreSQL.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=6632, help="the port; 0 for any that is free (default: %(default)s)"
    )
    parser.add_argument("--db", help="the file to keep messages in; without it they are kept in memory")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        import uvicorn
    except ImportError:
        parser.exit(1, 'serving needs the extra "broker": pip install "queen-mq[broker]"\n')
    broker = open_broker(f"sqlite:///{arguments.db}" if arguments.db else "memory://")
    config = uvicorn.Config(
        broker.app, arguments.host, arguments.port, log_level="warning", access_log=False, server_header=False
    )
    server = uvicorn.Server(config)
    asyncio.run(_serve(server, config, arguments.db))
    asyncio.run(broker.close())
    return 0 if server.started else 1


async def _serve(server: uvicorn.Server, config: uvicorn.Config, database: Optional[str]) -> None:
    sockets = [config.bind_socket()]
    host, port = sockets[0].getsockname()[:2]
    where = f"in {database}" if database else "in memory"
    _logger.info(
        "broker for development on http://%s:%s, messages %s; the API is at /docs; production is the Queen server",
        host, port, where,
    )  # fmt: skip
    await server.serve(sockets)


if __name__ == "__main__":
    sys.exit(main())
