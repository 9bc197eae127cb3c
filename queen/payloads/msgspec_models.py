"""Dataclasses, attrs classes, TypedDicts and msgspec Structs, all by msgspec."""

from __future__ import annotations

from typing import Iterator, List, Set, Type

import msgspec
import msgspec.inspect
from typing_extensions import TypeVar, override

from queen.payloads.codec import PayloadCodec, unusable

T = TypeVar("T")


class MsgspecCodec(PayloadCodec[T]):
    """Payloads by msgspec, strictly: a text is no number. Validators of attrs classes are run, converters are not.

    Args:
        model: the model.

    Raises:
        TypeError: msgspec cannot read it or a type in it.
    """

    # The last is no ValueError before msgspec 0.19.
    _misfit = (TypeError, ValueError, msgspec.ValidationError)

    def __init__(self, model: Type[T]) -> None:
        super().__init__(model)
        try:
            described = msgspec.inspect.type_info(model)
        except (NameError, TypeError, ValueError) as error:
            raise unusable(model, "msgspec", error) from error
        # A type that is never read would make dead letters of all payloads.
        for reason in _faults(described):
            raise unusable(model, "msgspec", TypeError(reason))

    @override
    def _write(self, value: object) -> object:
        written: object = msgspec.to_builtins(value, str_keys=True)
        return written

    @override
    def _read(self, payload: object) -> T:
        return msgspec.convert(payload, self.model, strict=True, str_keys=True)


def _faults(described: msgspec.inspect.Type) -> Iterator[str]:
    """What msgspec accepts in a model, and can never read or does not write."""
    waiting: List[object] = [described]
    seen: Set[int] = set()
    while waiting:
        found = waiting.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        if isinstance(found, msgspec.inspect.CustomType):
            yield f"it can neither read nor write {found.cls!r}"
        elif isinstance(found, msgspec.inspect.DataclassType) and hasattr(found.cls, "__attrs_attrs__"):
            for field in found.fields:
                if field.name.startswith("_"):
                    yield f"of an attrs class it leaves out private fields, as {found.cls.__name__}.{field.name} is one"
        if isinstance(found, (msgspec.inspect.Type, msgspec.inspect.Field)):
            waiting.extend(getattr(found, name) for name in found.__struct_fields__)
        elif isinstance(found, tuple):
            waiting.extend(found)
