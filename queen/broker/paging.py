"""Which part of a listing a request asks for."""

from __future__ import annotations

from queen.broker.domain.pages import Page
from queen.broker.failures import DatabaseRefusalError
from queen.broker.http import Query


def page_of(query: Query, limit: int) -> Page:
    """The ``limit`` and ``offset`` of a query string.

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
