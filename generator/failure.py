"""Why nothing was generated."""

from __future__ import annotations

from collections.abc import Sequence


class GenerationError(Exception):
    """The spec cannot be generated from as it is; each problem names the schema or operation that it is about."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)
