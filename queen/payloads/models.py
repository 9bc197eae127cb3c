"""Which library reads and writes a model."""

from __future__ import annotations

import functools
from typing import Any, Type

from typing_extensions import Final, TypeVar, is_typeddict

from queen import validation
from queen.errors import ConfigurationError
from queen.payloads.codec import PayloadCodec, class_of, unknown_kind

T = TypeVar("T")

# What tells the kind of a class without importing the library that made it.
_OF_PYDANTIC: Final = "__pydantic_validator__"
_OF_MSGSPEC: Final = ("__dataclass_fields__", "__attrs_attrs__", "__struct_fields__")


def codec_for(model: Type[T]) -> PayloadCodec[T]:
    """What reads and writes the payloads of a model.

    Args:
        model: a dataclass, an attrs class, a TypedDict or a msgspec Struct, by msgspec (extra ``typed``); a pydantic
            model or dataclass, by pydantic. Of a generic one also ``Box[int]``.

    Raises:
        TypeError: it is none of these, or its library cannot use it.
        ConfigurationError: its library is not installed.
    """
    class_of(model)
    return _codec(model)  # type: ignore[arg-type]  # classes are hashable


@functools.lru_cache(maxsize=256)
def _codec(model: Type[T]) -> PayloadCodec[T]:
    made = class_of(model)
    # Before dataclasses: those of pydantic are both.
    if hasattr(made, _OF_PYDANTIC):
        return _of_pydantic(model)
    if is_typeddict(made) or any(hasattr(made, mark) for mark in _OF_MSGSPEC):
        return _of_msgspec(model)
    raise unknown_kind(model)


def _of_pydantic(model: Type[T]) -> PayloadCodec[T]:
    try:
        from queen.payloads.pydantic_models import PydanticCodec
    except ImportError as error:
        raise _missing(model, "pydantic 2", "pydantic>=2") from error
    return PydanticCodec(model)


def _of_msgspec(model: Type[T]) -> PayloadCodec[T]:
    try:
        from queen.payloads.msgspec_models import MsgspecCodec
    except ImportError as error:
        raise _missing(model, "msgspec", "queen-mq[typed]") from error
    return MsgspecCodec(model)


def _missing(model: Type[Any], library: str, requirement: str) -> ConfigurationError:
    return ConfigurationError(
        f'model={validation.shown(model)} needs {library}, which is not installed: pip install "{requirement}"'
    )
