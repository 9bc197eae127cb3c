"""The TLS settings of all connections."""

from __future__ import annotations

import functools
import ssl


@functools.lru_cache(maxsize=1)
def ssl_context() -> ssl.SSLContext:
    """One context for all connections, since making one takes 17 ms; httpx's, so that all engines trust the same."""
    import httpx

    context = httpx.create_ssl_context()
    # What httpx, too, tells a server before it sends.
    context.set_alpn_protocols(["http/1.1"])
    return context
