"""Parts of a listing."""

from __future__ import annotations

import attrs


@attrs.frozen
class Page:
    """So many rows from a place on."""

    limit: int
    offset: int
