"""JSON on the wire: orjson where it is installed (extra ``speed``), else the standard library.

Both accept the same values, so that a program does not break when an extra is installed: what JSON can say, tuples,
subclasses, UUIDs (as text) and enums (as their value). Both refuse what a server would corrupt or store never: NaN and
infinities, integers beyond 64 bits, strings with U+0000 or lone surrogates, and keys that are not strings.
"""

from __future__ import annotations

import enum
import json
import math
import uuid
from typing import Callable, Iterable, Iterator, NoReturn, Optional, Tuple, Type, Union

from typing_extensions import Final

from queen import validation

_Path = Tuple[Union[str, int], ...]
_Fault = Tuple[_Path, str, Type[Exception]]

_SMALLEST: Final = -(2**63)
_LARGEST: Final = 2**64 - 1
_ONLY_TEXT: Final = frozenset([str])


def _encode_other(value: object) -> object:
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, enum.Enum):
        return value.value
    raise TypeError(f"{type(value).__name__} is not JSON")


# json.dumps would make an encoder for each value: 1.5 us of 6.
_encoder: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_encode_other)


def _standard_dumps(value: object) -> bytes:
    return _encoder.encode(value).encode("utf-8")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decoder: Final = json.JSONDecoder(parse_constant=_refuse_constant)


def _standard_loads(data: bytes) -> object:
    # json.loads would take other encodings than UTF-8 too.
    return _decoder.decode(data.decode("utf-8"))


_dumps: Callable[[object], bytes] = _standard_dumps
_loads: Callable[[bytes], object] = _standard_loads
_standard = True

try:
    import orjson
except ImportError:
    pass
else:
    _OPTIONS = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME

    def _fast_dumps(value: object) -> bytes:
        return orjson.dumps(value, option=_OPTIONS)

    _dumps, _loads, _standard = _fast_dumps, orjson.loads, False


def encode(value: object, *, operation: str, only_text: bool = False) -> bytes:
    """The bytes of a request body.

    Args:
        value: the body.
        operation: the operation id, named in the error.
        only_text: whether it holds nothing but texts, objects and lists: nothing that must be looked for.

    Raises:
        TypeError, ValueError: a value that cannot be sent; the message holds the path to it.
    """
    # json turns keys that are no strings into strings in silence, and knows no limit for integers.
    if _standard and not only_text and not _is_plain(value):
        _refuse_faults(value, operation)
    try:
        data = _dumps(value)
    except (TypeError, ValueError, RecursionError):
        _refuse_faults(value, operation)
        # orjson knows no named tuples, no subclasses of float or of the keys' str, and no more than 254 levels.
        try:
            return _standard_dumps(value)
        except RecursionError:
            raise _too_deep(operation) from None
    # orjson writes NaN as null; text that looks like one of the two costs no more than a walk.
    if b"\\u0000" in data or (not _standard and b"null" in data and not _is_plain(value)):
        _refuse_faults(value, operation)
    return data


def decode(data: bytes) -> object:
    """The value of a response body; an empty body is None.

    Raises:
        ValueError: the body is not JSON.
    """
    try:
        return _loads(data) if data else None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _is_plain(value: object) -> bool:
    """Whether a value has no fault but in its texts: the quick no for all that ``_faults`` must look at.

    A fifth of the cost of ``_faults``, which knows the path to each value.
    """
    try:
        return _are_plain([value])
    except RecursionError:
        return False


def _are_plain(values: Iterable[object]) -> bool:
    for value in values:
        if type(value) is str or value is None or type(value) is bool:
            continue
        if type(value) is int:
            if not _SMALLEST <= value <= _LARGEST:
                return False
        elif type(value) is dict:
            if not (_ONLY_TEXT.issuperset(map(type, value)) and _are_plain(value.values())):
                return False
        elif type(value) is float:
            if not math.isfinite(value):
                return False
        elif not (type(value) is list and _are_plain(value)):
            return False
    return True


def _refuse_faults(value: object, operation: str) -> None:
    try:
        fault = next(_faults(value, ()), None)
    except RecursionError:
        raise _too_deep(operation) from None
    if fault is not None:
        path, reason, kind = fault
        raise kind(f"{operation}: {_written(path)} {reason}")


def _too_deep(operation: str) -> ValueError:
    return ValueError(f"{operation}: the body is nested too deeply, or holds itself")


def _faults(value: object, path: _Path) -> Iterator[_Fault]:
    if isinstance(value, enum.Enum):
        yield from _faults(value.value, path)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _key_faults(key, path)
            yield from _faults(item, (*path, key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _faults(item, (*path, index))
    else:
        fault = _fault(value)
        if fault is not None:
            yield (path, *fault)


def _fault(value: object) -> Optional[Tuple[str, Type[Exception]]]:
    """What is wrong with a value that holds no others."""
    if value is None or isinstance(value, (bool, uuid.UUID)):
        return None
    if isinstance(value, str):
        reason = _text_fault(value)
        return (reason, ValueError) if reason else None
    if isinstance(value, int):
        if _SMALLEST <= value <= _LARGEST:
            return None
        return (
            f"is {validation.shown(value)}, beyond the 64 bits that a server keeps exactly; send it as text",
            ValueError,
        )
    if isinstance(value, float):
        return None if math.isfinite(value) else (f"is {value}, which JSON cannot hold", ValueError)
    return f"is {validation.shown(value)}, a {type(value).__name__}; JSON cannot hold it", TypeError


def _key_faults(key: object, path: _Path) -> Iterator[_Fault]:
    if not isinstance(key, str):
        yield path, f"has the key {validation.shown(key)}; keys of JSON objects are strings", TypeError
    else:
        reason = _text_fault(key)
        if reason:
            yield (*path, key), f"is a key that {reason}", ValueError


def _text_fault(value: str) -> Optional[str]:
    if "\0" in value:
        return f"is {validation.shown(value)}, with U+0000, which the server cannot store"
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return f"is {validation.shown(value)}, with a lone surrogate, which JSON cannot hold"
    return None


def _written(path: _Path) -> str:
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(parts).lstrip(".") or "the body"
