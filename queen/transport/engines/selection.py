"""Which HTTP library moves the requests of a client."""

from __future__ import annotations

from typing import Optional, Tuple

from typing_extensions import Final

from queen.config import ClientConfig
from queen.errors import ConfigurationError
from queen.transport.engines.pooled import Limits, PooledEngine

# Where the configuration names none; httpx, which is always installed, where this one is not.
_PREFERRED: Final[str] = "aiohttp"


def http_engines(config: ClientConfig) -> Tuple[PooledEngine, PooledEngine]:
    """The engines of a client: that of its requests, and that of its long polls.

    Long polls have as many connections as there are workers, and never hold up an ack or a push.

    Raises:
        ConfigurationError: the library that was asked for is not installed.
    """
    limits = Limits(
        connections=config.max_connections,
        connect_seconds=config.connect_timeout_millis / 1000,
        keep_alive_seconds=config.keep_alive_millis / 1000,
        answer_bytes=config.max_response_bytes,
    )
    return _engine(config.engine, limits), _engine(config.engine, limits._replace(connections=None))


def _engine(name: Optional[str], limits: Limits) -> PooledEngine:
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
            return AiohttpEngine(limits)
    from queen.transport.engines.httpx_engine import HttpxEngine

    return HttpxEngine(limits)
