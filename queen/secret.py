"""Text that is used and never shown."""

from __future__ import annotations

from typing_extensions import override


class Secret:
    """Text that never shows in a repr, a log line or an error."""

    __slots__ = ("_text",)

    def __init__(self, secret: str) -> None:
        self._text = secret

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    @override
    def __repr__(self) -> str:
        return "Secret('***')"


class SecretBytes(bytes):
    """The value of a header, which shows neither in a repr nor among the locals of a traceback."""

    @override
    def __repr__(self) -> str:
        return "b'***'"

    @override
    def __str__(self) -> str:
        return "***"
