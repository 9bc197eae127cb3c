"""The two generations of servers, and how a server tells which it is."""

from __future__ import annotations

import enum
from typing import Mapping


class Dialect(enum.Enum):
    """What a server speaks. Most answers can be read without knowing; some requests depend on it."""

    V07 = "0.7"
    V015 = "0.15"


# The text of `server` in `GET /health`; `version` is the same in all releases.
_SERVER_07 = "Acceptor/Worker"


def dialect_of(health: Mapping[str, object]) -> Dialect:
    """The dialect of the server that gave this answer to ``GET /health``."""
    return Dialect.V07 if _SERVER_07 in str(health.get("server")) else Dialect.V015
