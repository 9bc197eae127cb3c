"""When a buffer is flushed, and how much it holds."""

from __future__ import annotations

import collections.abc
import functools
import os
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
        durable: the file in which messages are kept too until a server has them; None for memory alone.
    """

    message_count: int
    time_millis: int
    max_size: int
    durable: Optional[str] = None

    @property
    def seconds(self) -> float:
        """``time_millis`` in seconds."""
        return self.time_millis / 1000


_KNOWN: Final = [field.name for field in attrs.fields(BufferOptions)]


def buffer_options(options: Optional[Mapping[str, object]] = None) -> BufferOptions:
    """Checked options of a buffer.

    Args:
        options: ``message_count``, ``time_millis``, ``max_size`` and ``durable``, also in camelCase; defaults for the
            others are those of ``BUFFER_DEFAULTS``, four flushes for ``max_size``, and memory alone.

    Raises:
        TypeError, ValueError: an unknown key (the nearest known one is named), or a value that is not accepted.
    """
    if options is None:
        return _checked(())
    if not isinstance(options, collections.abc.Mapping):
        raise validation.wrong_type("options", options, "a mapping")
    if "durable" in options:
        options = {**options, "durable": file_path("durable", options["durable"])}
    try:
        return _checked(tuple(options), *options.values())
    except TypeError:
        pass
    # A value that cannot be hashed is no integer and no text either, and is refused by its name.
    return _checked.__wrapped__(tuple(options), *options.values())


def file_path(argument: str, value: object) -> str:
    """The name of a file.

    Raises:
        TypeError, ValueError: it is none.
    """
    path = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(path, str):
        raise TypeError(f"{argument}={value!r} is a {type(value).__name__}; accepted is the path of a file, as text")
    if not path or "\0" in path:
        raise ValueError(f"{argument}={value!r} is no path of a file")
    return path


# The same few options are said with every push: 6 us to check them, 1 to know them. True is no 1, hence ``typed``.
@functools.lru_cache(maxsize=128, typed=True)
def _checked(keys: Tuple[str, ...], *values: object) -> BufferOptions:
    given: Dict[str, int] = dict(BUFFER_DEFAULTS)
    durable: Optional[str] = None
    names = set()
    for key, value in zip(keys, values):
        name = key if key in _KNOWN else validation.snake_case(key)
        if name not in _KNOWN:
            raise ValueError(f"unknown buffer option {key!r}{validation.nearest(name, _KNOWN)}; known are {_KNOWN}")
        names.add(name)
        if name == "durable":
            durable = file_path(name, value)
        else:
            given[name] = validation.integer(name, value, minimum=1)
    validation.each_once("options", names, keys)
    given.setdefault("max_size", _FLUSHES_HELD * given["message_count"])
    if given["max_size"] < given["message_count"]:
        raise ValueError(
            f"max_size={given['max_size']} is below message_count={given['message_count']}: it would never be full"
        )
    return BufferOptions(durable=durable, **given)
