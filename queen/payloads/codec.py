"""What reads and writes the payloads of one model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, Tuple, Type

from typing_extensions import TypeVar, get_origin, is_typeddict

from queen import validation
from queen.errors import PayloadError

T = TypeVar("T")


class PayloadCodec(ABC, Generic[T]):
    """Instances of a model as JSON, and back.

    Args:
        model: the model.

    Attributes:
        model: the model.
        name: its name, as errors show it.
        of_dicts: whether its instances are dicts (a TypedDict), which cannot be told from other dicts.
    """

    # What reading a payload that does not fit raises.
    _misfit: Tuple[Type[Exception], ...] = (TypeError, ValueError)

    def __init__(self, model: Type[T]) -> None:
        self.model = model
        self._class = class_of(model)
        self.name = self._class.__name__
        self.of_dicts = is_typeddict(self._class)

    def is_instance(self, value: object) -> bool:
        """Whether a value is an instance of the model; of a TypedDict, that may be any dict."""
        return isinstance(value, dict if self.of_dicts else self._class)

    def encode(self, argument: str, value: object) -> object:
        """An instance as JSON, of the plain types that every server and every JSON library take.

        Args:
            argument: what it was given as.
            value: the instance.

        Raises:
            TypeError, ValueError: it is no instance of the model, or could not be read by who pops it.
        """
        if not self.is_instance(value):
            kind = f"a dict as {self.name} describes it" if self.of_dicts else f"an instance of {self.name}"
            raise validation.wrong_type(argument, value, kind)
        try:
            written = self._write(value)
            # Classes check what they are made of when they are made, if at all, and not what is set later.
            self._read(written)
        except self._misfit as error:
            words = f"{argument}={validation.shown(value)} does not fit {self.name}: {self._reason(error)}"
            raise (TypeError if isinstance(error, TypeError) else ValueError)(words) from error
        return written

    def decode(self, payload: object) -> T:
        """The instance that a payload says.

        Raises:
            PayloadError: it does not fit the model. What else a validator raises that a user wrote is raised as it is:
                a fault of the validator says nothing of the payload.
        """
        try:
            return self._read(payload)
        except self._misfit as error:
            raise PayloadError(self._reason(error), model=self.model, name=self.name) from error

    @abstractmethod
    def _write(self, value: object) -> object:
        """An instance as JSON."""

    @abstractmethod
    def _read(self, payload: object) -> T:
        """The instance that JSON says; raises one of ``_misfit`` where it does not fit."""

    def _reason(self, error: Exception) -> str:
        """What does not fit, in the words of the validation."""
        return str(error)


def class_of(model: object) -> type:
    """The class of a model; of ``Box[int]``, that is ``Box``.

    Raises:
        TypeError: it is no class.
    """
    found = get_origin(model) or model
    if not isinstance(found, type):
        raise unknown_kind(model)
    return found


def unknown_kind(model: object) -> TypeError:
    """The error for what is no model."""
    return TypeError(
        f"model={validation.shown(model)} is no model; accepted is a dataclass, an attrs class, a TypedDict, a msgspec "
        "Struct, a model of pydantic 2 or a pydantic dataclass (the class, no instance of it)"
    )


def unusable(model: type, library: str, error: Exception) -> TypeError:
    """The error for a model that its library cannot read and write."""
    return TypeError(f"model={validation.shown(model)} cannot be used: {library} says {type(error).__name__}: {error}")
