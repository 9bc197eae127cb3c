"""Payloads as the routes that read them from the database show them."""

from __future__ import annotations

import json


def altered(stored: str) -> object:
    """A stored payload. Only objects, arrays and null are shown as they were pushed.

    A number becomes a text with six decimals, a boolean a text, the empty text null, and a text that is JSON its value.
    """
    value: object = json.loads(stored)
    if isinstance(value, bool):
        return stored
    if isinstance(value, (int, float)):
        return f"{value:.6f}"
    if not isinstance(value, str):
        return value
    if not value:
        return None
    try:
        found: object = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return found
