"""Answers of server 0.7: status 200 for everything, failures too, which only the body tells."""

from __future__ import annotations

from typing import Union

from queen.broker.failures import DatabaseRefusalError, DirectRefusalError
from queen.broker.http import Answer, database_text, direct, direct_text


def answered(value: object) -> Answer:
    """An answer; ``null``, ``[]`` and ``{}`` are sent as such."""
    return direct(value)


def answered_text(body: bytes) -> Answer:
    """As ``answered``, from JSON that is encoded already."""
    return direct_text(body)


def waited(body: bytes) -> Answer:
    """The answer to a long poll: without a maximal age, and with no body when it ran out."""
    return database_text(body)


def refused(refusal: Union[DirectRefusalError, DatabaseRefusalError]) -> Answer:
    """The answer to a request that is refused, by a check or by the database."""
    if isinstance(refusal, DirectRefusalError):
        return answered({"error": refusal.text})
    return answered({"error": query_failed(refusal)})


def query_failed(refusal: DatabaseRefusalError) -> str:
    """The database's words as the server passes them on."""
    return f"Query failed: {refusal.text}"
