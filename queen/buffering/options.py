"""When a buffer is flushed, and how much it holds."""

from __future__ import annotations

import collections.abc
import functools
from typing import Dict, Mapping, Optional, Tuple

import attrs
from typing_extensions import Final

from queen import validation

BUFFER_DEFAULTS: Final[Dict[str, int]] = {
    "message_count": 100,
    "time_millis": 1000,
}

# How many flushes a buffer holds where nothing is said.
_FLUSHES_HELD: Final = 4


@attrs.frozen(kw_only=True)
class BufferOptions:
    """When a buffer is flushed, and how much it holds.

    Attributes:
        message_count: flushed when it holds so many messages; also how many go into one request, unless a single push
            has more.
        time_millis: flushed when its oldest message has waited so long.
        max_size: how many messages it holds; a push that finds no room waits. A single push of more is taken whole when
            there is nothing else.
    """

    message_count: int
    time_millis: int
    max_size: int

    @property
    def seconds(self) -> float:
        """``time_millis`` in seconds."""
        return self.time_millis / 1000


_KNOWN: Final = [field.name for field in attrs.fields(BufferOptions)]


def buffer_options(options: Optional[Mapping[str, object]] = None) -> BufferOptions:
    """Checked options of a buffer.

    Args:
        options: ``message_count``, ``time_millis`` and ``max_size``, also in camelCase; defaults for the others are
            those of ``BUFFER_DEFAULTS``, and four flushes for ``max_size``.

    Raises:
        TypeError, ValueError: an unknown key (the nearest known one is named), or a value that is not accepted.
    """
    if options is None:
        return _checked(())
    if not isinstance(options, collections.abc.Mapping):
        raise validation.wrong_type("options", options, "a mapping")
    try:
        return _checked(tuple(options), *options.values())
    except TypeError:
        pass
    # A value that cannot be hashed is no integer either, and is refused by its name.
    return _checked.__wrapped__(tuple(options), *options.values())


# The same few options are said with every push: 6 us to check them, 1 to know them. True is no 1, hence ``typed``.
@functools.lru_cache(maxsize=128, typed=True)
def _checked(keys: Tuple[str, ...], *values: object) -> BufferOptions:
    given: Dict[str, int] = dict(BUFFER_DEFAULTS)
    names = set()
    for key, value in zip(keys, values):
        name = key if key in _KNOWN else validation.snake_case(key)
        if name not in _KNOWN:
            raise ValueError(f"unknown buffer option {key!r}{validation.nearest(name, _KNOWN)}; known are {_KNOWN}")
        given[name] = validation.integer(name, value, minimum=1)
        names.add(name)
    validation.each_once("options", names, keys)
    given.setdefault("max_size", _FLUSHES_HELD * given["message_count"])
    if given["max_size"] < given["message_count"]:
        raise ValueError(
            f"max_size={given['max_size']} is below message_count={given['message_count']}: it would never be full"
        )
    return BufferOptions(**given)
