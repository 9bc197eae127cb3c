"""Pydantic models and pydantic dataclasses, by pydantic."""

from __future__ import annotations

from typing import List, Type

import pydantic
import pydantic_core
from typing_extensions import Final, TypeVar, override

from queen.payloads.codec import PayloadCodec, unusable

T = TypeVar("T")

# A reason is kept with a dead letter: of a long list that is wrong throughout, a few errors tell enough.
_MOST_ERRORS: Final = 5


class PydanticCodec(PayloadCodec[T]):
    """Payloads by pydantic, as JSON: aliases are used both ways, computed fields are left out.

    Args:
        model: the model.

    Raises:
        TypeError: pydantic cannot make a validator of it.
    """

    def __init__(self, model: Type[T]) -> None:
        super().__init__(model)
        try:
            self._adapter = pydantic.TypeAdapter(model)
            # What names a type that does not exist is refused at the first use only, whatever that is.
            _ = self._adapter.validator.title
        except Exception as error:  # pydantic's errors of a model have no common class
            raise unusable(model, "pydantic", error) from error
        if _hides_values(self._adapter):
            reason = (
                "it writes asterisks in place of a secret; give its field a serializer that writes what shall be sent"
            )
            raise unusable(model, "pydantic", TypeError(reason))

    @override
    def _write(self, value: object) -> object:
        # What is not of its field's type is written all the same, with a warning, and refused when it is read back.
        written: object = self._adapter.dump_python(
            value,  # type: ignore[arg-type]  # is_instance() has said so
            mode="json",
            by_alias=True,
            round_trip=True,
            warnings=False,
        )
        return written

    @override
    def _read(self, payload: object) -> T:
        # As JSON, since strict models and base64 read text in JSON otherwise than in Python's objects.
        return self._adapter.validate_json(pydantic_core.to_json(payload))

    @override
    def _reason(self, error: Exception) -> str:
        if not isinstance(error, pydantic.ValidationError):
            return super()._reason(error)
        listed: List[str] = []
        # Without the values, which may be secret and end in logs and dead letters.
        for found in error.errors(include_url=False)[:_MOST_ERRORS]:
            place = ".".join(map(str, found["loc"]))
            listed.append(f"{place}: {found['msg']}" if place else found["msg"])
        more = error.error_count() - len(listed)
        return "; ".join(listed) + (f" (and {more} more)" if more else "")


def _hides_values(adapter: pydantic.TypeAdapter[T]) -> bool:
    """Whether a field is written as asterisks, which are a valid secret to whoever reads them."""
    try:
        waiting: List[object] = [adapter.json_schema(mode="serialization")]
    except pydantic.errors.PydanticInvalidForJsonSchema:
        return False
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            if found.get("writeOnly") is True and found.get("format") == "password":
                return True
            waiting.extend(found.values())
        elif isinstance(found, list):
            waiting.extend(found)
    return False
