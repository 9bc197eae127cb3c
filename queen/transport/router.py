"""Which server a request goes to, and which come after it when that one fails."""

from __future__ import annotations

from typing import List, Optional, Sequence

import attrs

from queen.config import ClientConfig
from queen.errors import ConfigurationError
from queen.transport.dialect import Dialect
from queen.transport.ring import Ring


@attrs.define
class Server:
    """One server and what is known of its health.

    Attributes:
        url: its address.
        failed_at: when it last failed, in the loop's time; None while it is healthy.
        dialect: what it speaks; None until it was asked, and again when it comes back: it may have been replaced.
    """

    url: str
    failed_at: Optional[float] = None
    dialect: Optional[Dialect] = None


class Router:
    """Offers servers for a request: the strategy's choice first, healthy ones before those that failed."""

    def __init__(self, config: ClientConfig) -> None:
        self._servers = [Server(url) for url in config.urls]
        self._failover = config.enable_failover
        self._retry_after = config.health_retry_after_millis / 1000
        by_key = config.load_balancing_strategy == "affinity" and len(config.urls) > 1
        self._ring = Ring(config.urls, config.affinity_hash_ring) if by_key else None
        self._failed = 0
        self._next = 0
        self._session = 0
        self._strategy = config.load_balancing_strategy

    @property
    def servers(self) -> Sequence[Server]:
        """All servers, in the order in which they were given."""
        return self._servers

    def in_rotation(self, server: Server, now: float) -> bool:
        """Whether requests go to a server before others have failed; without failover they always do."""
        return not self._failover or len(self._servers) == 1 or self._is_healthy(server, now)

    def next(self, affinity: Optional[str], now: float) -> Server:
        """The server that a request would go to; that is no turn of anybody."""
        return self._ordered(affinity, now)[0]

    def candidates(self, affinity: Optional[str], now: float) -> List[Server]:
        """The servers to try, in order.

        A server that failed comes last until ``health_retry_after_millis`` have passed; it is still tried when all
        others fail too, since a wrong mark must not refuse what could be sent. After that time one request tries it,
        and until it is answered the others pass that server over for as long again: one that takes connections and
        answers nothing would otherwise hold up every request in the time of a whole deadline, again and again.

        Args:
            affinity: the affinity key, where the request has one.
            now: the loop's time.
        """
        if len(self._servers) == 1:
            return self._servers
        ordered = self._ordered(affinity, now)
        if ordered[0].failed_at is not None and self._is_healthy(ordered[0], now):
            ordered[0].failed_at = now
        if self._ring is None or affinity is None:
            # The turn is over for the one that is taken, not for one that is passed over: else its neighbour gets two.
            self._next = (self._servers.index(ordered[0]) + 1) % len(self._servers)
        return ordered

    def failed(self, server: Server, now: float) -> None:
        """Mark a server as unhealthy."""
        self._failed += server.failed_at is None
        server.failed_at = now
        if self._failover and self._servers[self._session] is server:
            self._session = (self._session + 1) % len(self._servers)

    def answered(self, server: Server) -> None:
        """Mark a server as healthy."""
        if server.failed_at is not None:
            self._failed -= 1
            server.failed_at = None
            server.dialect = None

    def speaks(self, server: Server, dialect: Dialect) -> None:
        """Note what a server speaks.

        Raises:
            ConfigurationError: another server of this client speaks the other dialect.
        """
        for other in self._servers:
            if other is not server and other.dialect not in (None, dialect):
                assert other.dialect is not None
                raise ConfigurationError(
                    f"{server.url} is a server {dialect.value} and {other.url} a server {other.dialect.value}; "
                    "all servers of one client must be of one generation"
                )
        server.dialect = dialect

    def _is_healthy(self, server: Server, now: float) -> bool:
        return server.failed_at is None or now - server.failed_at >= self._retry_after

    def _ordered(self, affinity: Optional[str], now: float) -> List[Server]:
        order = self._order(affinity)
        if not self._failover:
            return order[:1]
        if not self._failed:
            return order
        healthy = [server for server in order if self._is_healthy(server, now)]
        return healthy + [server for server in order if server not in healthy]

    def _order(self, affinity: Optional[str]) -> List[Server]:
        """All servers as the strategy has them, whatever their health."""
        if self._ring is not None and affinity is not None:
            return [self._servers[index] for index in self._ring.order(affinity)]
        start = self._session if self._strategy == "session" else self._next
        return self._servers[start:] + self._servers[:start]
