"""Serving a broker on a socket: what ``python -m queen.broker`` and ``queen serve`` do."""

from __future__ import annotations

import importlib.util
import ipaddress
import logging
import os
import re
import socket
from pathlib import Path
from typing import List, Optional

import attrs
from typing_extensions import Final

from queen.broker import Broker, open_broker
from queen.broker.access import TokenGuard
from queen.broker.body_limit import BodyLimit
from queen.broker.dialects import EMBEDDED
from queen.broker.http import Asgi

TOKEN_VARIABLE: Final = "QUEEN_BROKER_TOKEN"  # noqa: S105  (the name of a variable)
MAX_BODY: Final = 64 * 1024 * 1024
MAX_CONNECTIONS: Final = 1000

_logger = logging.getLogger("queen.broker")
_STARTED = (
    "broker for development on http://%s:%s (%s), messages %s; the API is at /docs; production is the Queen server"
)
_OPEN = (
    "warning: %s can be reached from other machines, and whoever reaches it may read and change all messages: "
    "set QUEEN_BROKER_TOKEN or give --token-file"
)


@attrs.frozen(kw_only=True)
class ServeOptions:
    """How a broker is served.

    Attributes:
        host: the address to listen on.
        port: the port; 0 for any that is free.
        db: the file to keep messages in; None for memory.
        dialect: which server it is.
        token: what clients must send; None where everybody may use the broker.
        max_body: how long the body of a request may be, in bytes.
        max_connections: how many connections may be open.
    """

    host: str = "127.0.0.1"
    port: int = 6632
    db: Optional[str] = None
    dialect: str = EMBEDDED
    token: Optional[str] = None
    max_body: int = MAX_BODY
    max_connections: int = MAX_CONNECTIONS


def serve(options: ServeOptions) -> bool:
    """Serve a broker until it is interrupted.

    Returns:
        whether it could begin; why not is logged.

    Raises:
        ImportError: what it needs is not installed.
        OSError: the file cannot be opened.
        KeyboardInterrupt: it was ended by Ctrl-C.
    """
    if importlib.util.find_spec("uvicorn") is None:
        raise ImportError('serving needs the extra "broker": pip install "queen-mq[broker]"')
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    url = f"sqlite:///{options.db}" if options.db else "memory://"
    return _serve(open_broker(url, dialect=options.dialect), options)


def token_to_ask_for(file: Optional[str]) -> Optional[str]:
    """The token that clients must have, from a file or the environment; None where neither is given.

    Raises:
        ValueError: it is empty or no token. That is an error, since it would leave the broker open.
    """
    if file is not None:
        try:
            token, source = Path(file).read_text(encoding="ascii").strip(), file
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"--token-file {file}: {error}") from None
    elif TOKEN_VARIABLE in os.environ:
        token, source = os.environ[TOKEN_VARIABLE], TOKEN_VARIABLE
    else:
        return None
    if not re.fullmatch(r"[!-~]+", token):
        raise ValueError(f"{source} holds no token; visible ASCII text without blanks is accepted")
    return token


def _serve(broker: Broker, options: ServeOptions) -> bool:
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: Optional[List[socket.socket]] = None) -> None:
            await super().startup(sockets)
            if self.started:
                host, port = self.servers[0].sockets[0].getsockname()[:2]
                _tell(options, host, port)

        async def shutdown(self, sockets: Optional[List[socket.socket]] = None) -> None:
            # Parked polls would hold up the end for as long as they wait.
            broker.end_polls()
            await super().shutdown(sockets)
            await broker.close()

    server = Server(
        uvicorn.Config(
            _guarded(broker.app, options),
            options.host,
            options.port,
            log_level="warning",
            access_log=False,
            server_header=False,
            ws="none",
            # uvicorn refuses the connection that reaches the limit.
            limit_concurrency=options.max_connections + 1,
        )
    )
    try:
        server.run()
    except SystemExit:
        # uvicorn has said what keeps it from listening.
        return False
    return server.started


def _tell(options: ServeOptions, host: str, port: int) -> None:
    shown = f"[{host}]" if ":" in host else host
    where = f"in {options.db}" if options.db else "in memory"
    _logger.info(_STARTED, shown, port, options.dialect, where)
    if options.token is None and not ipaddress.ip_address(host.partition("%")[0]).is_loopback:
        _logger.warning(_OPEN, shown)


def _guarded(application: Asgi, options: ServeOptions) -> Asgi:
    limited = BodyLimit(application, options.max_body)
    return limited if options.token is None else TokenGuard(limited, options.token)
