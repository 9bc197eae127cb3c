"""Parts of a listing."""

from __future__ import annotations

import attrs

from queen.broker.failures import DatabaseRefusalError
from queen.broker.http import Query


@attrs.frozen
class Page:
    """So many rows from a place on."""

    limit: int
    offset: int


def page_of(query: Query, limit: int) -> Page:
    """What a query string asks for.

    Args:
        query: the query string.
        limit: how many rows where it does not say.

    Raises:
        DatabaseRefusalError: a negative limit or offset.
    """
    page = Page(query.integer("limit", limit), query.integer("offset", 0))
    for word, value in (("LIMIT", page.limit), ("OFFSET", page.offset)):
        if value < 0:
            raise DatabaseRefusalError(f"{word} must not be negative")
    return page
