"""From a parsed schema to the text of a type annotation, and to the kinds of JSON that it allows."""

from __future__ import annotations

import re
from collections.abc import Iterable

from openapi_python_client.parser.properties.any import AnyProperty
from openapi_python_client.parser.properties.boolean import BooleanProperty
from openapi_python_client.parser.properties.const import ConstProperty
from openapi_python_client.parser.properties.date import DateProperty
from openapi_python_client.parser.properties.datetime import DateTimeProperty
from openapi_python_client.parser.properties.enum_property import EnumProperty
from openapi_python_client.parser.properties.float import FloatProperty
from openapi_python_client.parser.properties.int import IntProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.literal_enum_property import LiteralEnumProperty
from openapi_python_client.parser.properties.model_property import ModelProperty
from openapi_python_client.parser.properties.none import NoneProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.parser.properties.string import StringProperty
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.parser.properties.uuid import UuidProperty

from generator.failure import GenerationError

TYPING_NAMES = ("Dict", "List", "Literal", "Optional", "Union")
_SIMPLE: tuple[tuple[type, str], ...] = (
    (BooleanProperty, "bool"),
    (IntProperty, "int"),
    (FloatProperty, "float"),
    (NoneProperty, "None"),
    (AnyProperty, "JsonValue"),
)
_TEXT = (StringProperty, DateProperty, DateTimeProperty, UuidProperty)


def annotation(prop: PropertyProtocol) -> str:
    """The annotation of a schema; models are named, all else is spelled out.

    Times and UUIDs are text: a decoded answer is handed on as it came.

    Raises:
        GenerationError: a schema for which there is no annotation.
    """
    for kind, text in _SIMPLE:
        if isinstance(prop, kind):
            return text
    if isinstance(prop, _TEXT):
        return "str"
    if isinstance(prop, ConstProperty):
        return f"Literal[{prop.value.raw_value!r}]"
    if isinstance(prop, LiteralEnumProperty):
        return f"Literal[{', '.join(repr(value) for value in sorted(prop.values))}]"
    if isinstance(prop, ListProperty):
        return f"List[{annotation(prop.inner_property)}]"
    if isinstance(prop, UnionProperty):
        return union([annotation(inner) for inner in prop.inner_properties])
    if isinstance(prop, ModelProperty):
        return str(prop.class_info.name)
    problem = "an enum class" if isinstance(prop, EnumProperty) else type(prop).__name__
    raise GenerationError([f"{prop.name}: {problem} has no annotation"])


def union(members: Iterable[str]) -> str:
    """One annotation for several; a null member makes it optional."""
    distinct = list(dict.fromkeys(members))
    others = [member for member in distinct if member != "None"]
    if not others:
        return "None"
    if "JsonValue" in others:
        return "JsonValue"
    joined = others[0] if len(others) == 1 else f"Union[{', '.join(others)}]"
    return joined if len(others) == len(distinct) else f"Optional[{joined}]"


def json_kinds(prop: PropertyProtocol) -> list[str]:
    """The run-time types of the JSON values that a schema allows at the top, as text; ``object`` is any."""
    if isinstance(prop, UnionProperty):
        kinds = dict.fromkeys(kind for inner in prop.inner_properties for kind in json_kinds(inner))
        return ["object"] if "object" in kinds else list(kinds)
    if isinstance(prop, ModelProperty):
        return ["dict"]
    if isinstance(prop, ListProperty):
        return ["list"]
    if isinstance(prop, NoneProperty):
        return ["type(None)"]
    if isinstance(prop, BooleanProperty):
        return ["bool"]
    if isinstance(prop, (IntProperty, FloatProperty)):
        return ["int", "float"]
    if is_text(prop):
        return ["str"]
    if isinstance(prop, LiteralEnumProperty):
        return ["int", "float"]
    return ["object"]


def is_nullable(prop: PropertyProtocol) -> bool:
    """Whether a schema allows null beside other values; free-form JSON does."""
    if isinstance(prop, UnionProperty):
        return any(isinstance(inner, NoneProperty) for inner in prop.inner_properties)
    return isinstance(prop, AnyProperty)


def is_text(prop: PropertyProtocol) -> bool:
    """Whether all values of a schema are strings."""
    if isinstance(prop, (ConstProperty, LiteralEnumProperty)):
        values = [prop.value.raw_value] if isinstance(prop, ConstProperty) else prop.values
        return all(isinstance(value, str) for value in values)
    return isinstance(prop, _TEXT)


def is_scalar(prop: PropertyProtocol) -> bool:
    """Whether all values of a schema are strings, numbers or booleans."""
    scalars = (BooleanProperty, IntProperty, FloatProperty, ConstProperty, LiteralEnumProperty)
    return is_text(prop) or isinstance(prop, scalars)


def names_in(annotations: Iterable[str]) -> set[str]:
    """All names that annotations use, those in string literals left out."""
    text = " ".join(annotations)
    return set(re.findall(r"[A-Za-z_]\w*", re.sub(r"'[^']*'|\"[^\"]*\"", "", text)))
