"""A thing to be done that can still be told more: chainable until it is awaited."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from types import TracebackType
from typing import Any, Coroutine, Generator, Optional, TypeVar

from typing_extensions import override

T = TypeVar("T")


class Operation(Coroutine[Any, Any, T]):
    """A coroutine whose details may be changed until it starts.

    It can be awaited, given to ``asyncio.create_task`` and ``asyncio.gather``, and warns when it is never awaited, as a
    coroutine does.
    """

    _coroutine: Optional[Coroutine[Any, Any, T]] = None

    @abstractmethod
    def _run(self) -> Coroutine[Any, Any, T]:
        """The coroutine that does it."""

    @override
    def __await__(self) -> Generator[Any, Any, T]:
        return self._started().__await__()

    @override
    def send(self, value: Any) -> Any:
        return self._started().send(value)

    @override
    def throw(
        self, typ: Any, val: Any = None, tb: Optional[TracebackType] = None
    ) -> Any:  # the signature of typing.Coroutine
        if val is None and tb is None:
            return self._started().throw(typ)
        return self._started().throw(typ, val, tb)

    @override
    def close(self) -> None:
        self._started().close()

    def _started(self) -> Coroutine[Any, Any, T]:
        if self._coroutine is None:
            self._coroutine = self._run()
        return self._coroutine

    def _check_not_started(self, method: str) -> None:
        if self._coroutine is not None:
            raise RuntimeError(f"{method}() came after {type(self).__name__} was awaited; call it before")

    def __del__(self) -> None:
        if self._coroutine is None:
            warnings.warn(f"{self!r} was never awaited", RuntimeWarning, stacklevel=2, source=self)
