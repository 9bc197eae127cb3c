"""Which HTTP library moves the requests of a client."""

from __future__ import annotations

import logging
from typing import Optional, Tuple

from typing_extensions import Final

from queen import logs
from queen.config import ClientConfig
from queen.errors import ConfigurationError
from queen.transport.engines.pooled import Limits, Network, PooledEngine
from queen.transport.engines.proxy import proxies
from queen.transport.engines.tls import Tls

# Where the configuration names none; httpx, which is always installed, where this one is not.
_PREFERRED: Final[str] = "aiohttp"


def http_engines(config: ClientConfig) -> Tuple[PooledEngine, PooledEngine]:
    """The engines of a client: that of its requests, and that of its long polls.

    Long polls have as many connections as there are workers, and never hold up an ack or a push.

    Raises:
        ConfigurationError: the library that was asked for is not installed, or a certificate or proxy cannot be used.
    """
    limits = Limits(
        connections=config.max_connections,
        connect_seconds=config.connect_timeout_millis / 1000,
        keep_alive_seconds=config.keep_alive_millis / 1000,
        answer_bytes=config.max_response_bytes,
    )
    network = Network(Tls(config), proxies(config))
    if network.proxies:
        told = {url: proxy.url for url, proxy in network.proxies.items()}
        logs.event(logging.DEBUG, "Queen.constructor", proxies=told)
    unlimited = limits._replace(connections=None)
    return _engine(config.engine, limits, network), _engine(config.engine, unlimited, network)


def _engine(name: Optional[str], limits: Limits, network: Network) -> PooledEngine:
    # Imported here: a library takes a tenth of a second to import, and one of the two is enough.
    if (name or _PREFERRED) == "aiohttp":
        try:
            from queen.transport.engines.aiohttp_engine import AiohttpEngine
        except ImportError as error:
            if name is not None:
                raise ConfigurationError(
                    f"engine={name!r} needs the extra 'speed': pip install 'queen-mq[speed]' ({error})"
                ) from error
        else:
            return AiohttpEngine(limits, network)
    from queen.transport.engines.httpx_engine import HttpxEngine

    return HttpxEngine(limits, network)
