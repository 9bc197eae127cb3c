"""The choice of a server alone, in the clients that have one."""

from __future__ import annotations

import importlib
import time
from typing import List, cast

from benchmarks.clients.client import Routing


class RouterRouting:
    """The router of this client.

    Args:
        urls: the servers.
    """

    def __init__(self, urls: List[str]) -> None:
        from queen.config import client_config
        from queen.transport.router import Router

        self._router = Router(client_config(urls))

    def route(self, key: str) -> object:
        """The servers to try, in order."""
        return self._router.candidates(key, time.monotonic())


class BalancerRouting:
    """The load balancer of the published clients.

    Args:
        urls: the servers.
    """

    def __init__(self, urls: List[str]) -> None:
        balancer = importlib.import_module("queen.http.load_balancer").LoadBalancer
        self._balancer = balancer(urls, "affinity", affinity_hash_ring=128)

    def route(self, key: str) -> object:
        """The first server to try; the list of all is asked for with each request too."""
        self._balancer.get_all_urls()
        return cast("object", self._balancer.get_next_url(key))


def routing(urls: List[str]) -> Routing:
    """The routing of the client that the import path has."""
    try:
        return RouterRouting(urls)
    except ImportError:
        return BalancerRouting(urls)
