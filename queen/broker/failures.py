"""How a request can fail, as the real server tells it."""

from __future__ import annotations


class DirectRefusalError(Exception):
    """A check before the database: a real status code, and ``{"error": text}``."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class DatabaseRefusalError(Exception):
    """What the database would refuse: status 200, and ``{"success": false, "error": text}``.

    Attributes:
        reason: why, as a procedure of the database reads it.
        text: the same, as the database tells it to its clients.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.reason = text
        self.text = f"ERROR:  {text}\n"
