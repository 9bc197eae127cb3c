"""What moves the requests of a client: HTTP to servers, or calls of the broker inside this process."""

from __future__ import annotations

from typing import Tuple

from queen.config import ClientConfig
from queen.errors import ConfigurationError
from queen.transport.engine import Engine
from queen.transport.engines.in_process import InProcessEngine
from queen.transport.engines.selection import http_engines


def engines_for(config: ClientConfig) -> Tuple[Engine, Engine]:
    """The engine of requests, and that of long polls.

    Raises:
        ConfigurationError: the embedded broker cannot be opened, or what the engine needs is not installed.
    """
    if not config.embedded:
        return http_engines(config)
    # Imported here, since the broker needs packages that a client of a server does without.
    from queen.broker import open_broker

    try:
        broker = open_broker(config.urls[0], dialect=config.dialect)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{config.urls[0]}: {error}") from error
    engine = InProcessEngine(broker.app, broker.close)
    return engine, engine
