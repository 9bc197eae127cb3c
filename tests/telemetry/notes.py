"""A hook that keeps what it is told."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Iterator, List

from queen import Hooks
from queen.hooks import ClientOpened, Event, LeaseLost, Retry


class Notes(Hooks):
    """Keeps all that it is told."""

    def __init__(self) -> None:
        self.told: List[Any] = []

    def of(self, kind: type) -> List[Any]:
        """What was told of a kind."""
        return [event for event in self.told if type(event) is kind]

    @contextmanager
    def _noting(self, event: Event) -> Iterator[None]:
        assert (event.seconds, event.error) == (None, None)
        try:
            yield
        finally:
            assert event.seconds is not None
            self.told.append(event)

    pushing = flushing = popping = processing = settling = committing = _noting

    def opened(self, client: ClientOpened) -> None:
        self.told.append(client)

    def retrying(self, retry: Retry) -> None:
        self.told.append(retry)

    def lease_lost(self, lost: LeaseLost) -> None:
        self.told.append(lost)
