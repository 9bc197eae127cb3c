"""Parts of a listing."""

from __future__ import annotations

import attrs
from typing_extensions import Final


@attrs.frozen
class Page:
    """So many rows from a place on; a negative limit is none."""

    limit: int
    offset: int


EVERYTHING: Final = Page(-1, 0)
