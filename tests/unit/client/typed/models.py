"""One order, as each kind of model has it."""

from __future__ import annotations

import dataclasses
import enum
import uuid
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, Dict, Generic, List, Optional, Tuple, TypeVar

import attrs
import msgspec
import pydantic
import pydantic.dataclasses
from typing_extensions import TypedDict

T = TypeVar("T")


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Item:
    name: str
    color: Color = Color.RED


@dataclasses.dataclass
class Order:
    id: uuid.UUID
    total: Decimal
    placed: datetime
    items: List[Item]
    stock: Dict[int, str] = dataclasses.field(default_factory=dict)
    note: Optional[str] = None
    size: Tuple[int, float] = (0, 0.0)
    raw: bytes = b""


@attrs.frozen
class AttrsItem:
    name: str
    color: Color = Color.RED


@attrs.define
class AttrsOrder:
    id: uuid.UUID
    total: Decimal = attrs.field(validator=attrs.validators.ge(0))
    placed: datetime
    items: List[AttrsItem]


class DictItem(TypedDict):
    name: str
    color: Color


class DictOrder(TypedDict):
    id: uuid.UUID
    total: Decimal
    placed: datetime
    items: List[DictItem]


class StructItem(msgspec.Struct):
    name: str
    color: Color = Color.RED


class StructOrder(msgspec.Struct, rename="camel"):
    id: uuid.UUID
    total: Decimal
    placed: datetime
    items: List[StructItem]
    placed_by: str = "nobody"


class PydanticItem(pydantic.BaseModel):
    name: str
    color: Color = Color.RED


class PydanticOrder(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(strict=True)

    id: uuid.UUID
    total: Decimal = pydantic.Field(alias="grandTotal", ge=0)
    placed: datetime
    items: List[PydanticItem]

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def count(self) -> int:
        return len(self.items)


@pydantic.dataclasses.dataclass
class PydanticDataclass:
    id: uuid.UUID
    total: Decimal
    placed: datetime
    items: List[PydanticItem]


@dataclasses.dataclass
class Box(Generic[T]):
    content: T


@dataclasses.dataclass
class Number:
    """What most tests need: one field that fits or does not."""

    n: int

    def __post_init__(self) -> None:
        if self.n == 13:
            raise ValueError("thirteen is unlucky")
        if self.n == 666:
            raise LookupError("the validator fails")


class PydanticNumber(pydantic.BaseModel):
    n: int


IDENTIFIER = uuid.UUID("0192f3a0-0000-7000-8000-000000000001")
PLACED = datetime(2026, 1, 31, 10, 20, 30, 123456, tzinfo=timezone.utc)
TOTAL = Decimal("19.90")
POT = PydanticItem(name="pot", color=Color.BLUE)

# A model, an instance of it, and how that looks on the wire.
KINDS: Dict[str, Tuple[Any, Any, Dict[str, Any]]] = {
    "dataclass": (
        Order,
        Order(IDENTIFIER, TOTAL, PLACED, [Item("pot", Color.BLUE)], {1: "one"}, None, (1, 2.5), b"\xff"),
        {"stock": {"1": "one"}, "note": None, "size": [1, 2.5], "raw": "/w=="},
    ),
    "attrs": (AttrsOrder, AttrsOrder(IDENTIFIER, TOTAL, PLACED, [AttrsItem("pot", Color.BLUE)]), {}),
    "TypedDict": (
        DictOrder,
        {"id": IDENTIFIER, "total": TOTAL, "placed": PLACED, "items": [{"name": "pot", "color": Color.BLUE}]},
        {},
    ),
    "Struct": (
        StructOrder,
        StructOrder(IDENTIFIER, TOTAL, PLACED, [StructItem("pot", Color.BLUE)], "ann"),
        {"placedBy": "ann"},
    ),
    "pydantic": (
        PydanticOrder,
        PydanticOrder(
            id=IDENTIFIER, grandTotal=TOTAL, placed=PLACED, items=[PydanticItem(name="pot", color=Color.BLUE)]
        ),
        {"grandTotal": "19.90"},
    ),
    "pydantic dataclass": (
        PydanticDataclass,
        PydanticDataclass(IDENTIFIER, TOTAL, PLACED, [POT]),
        {},
    ),
}


def wire(kind: str) -> Dict[str, Any]:
    """The JSON of a kind's instance."""
    common = {
        "id": str(IDENTIFIER),
        "total": "19.90",
        "placed": "2026-01-31T10:20:30.123456Z",
        "items": [{"name": "pot", "color": "blue"}],
    }
    if kind == "pydantic":
        del common["total"]
    return {**common, **KINDS[kind][2]}
