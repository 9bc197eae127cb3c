"""Whether a value is of the type that a signature promises, down to the keys of its typed dicts."""

from __future__ import annotations

from typing import Any, Iterator, Union

from typing_extensions import Literal, NotRequired, get_args, get_origin, get_type_hints, is_typeddict


def mismatches(kind: Any, value: Any, path: str = "answer") -> Iterator[str]:
    """Where a value is not of a type. Keys that the type does not know count too: its users do not see them."""
    if is_typeddict(kind):
        yield from _of_dict(kind, value, path)
    elif get_origin(kind) is Union:
        if all(any(mismatches(member, value, path)) for member in get_args(kind)):
            yield f"{path} is {value!r}, and none of {get_args(kind)}"
    elif get_origin(kind) is Literal:
        if value not in get_args(kind):
            yield f"{path} is {value!r}, and none of {get_args(kind)}"
    elif kind is not Any:
        yield from _of_class(kind, value, path)


def _of_class(kind: Any, value: Any, path: str) -> Iterator[str]:
    plain = get_origin(kind) or kind
    if not _is_instance(value, plain):
        yield f"{path} is {value!r}, and no {kind}"
    elif plain is list:
        for index, item in enumerate(value):
            yield from mismatches(get_args(kind)[0], item, f"{path}[{index}]")
    elif plain is dict:
        for key, item in value.items():
            yield from mismatches(get_args(kind)[1], item, f"{path}.{key}")


def _of_dict(kind: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path} is {value!r}, and no {kind.__name__}"
        return
    hints = get_type_hints(kind, include_extras=True)
    for key in value.keys() - hints.keys():
        yield f"{path} has the key {key!r}, which {kind.__name__} has not"
    for key, hint in hints.items():
        optional = get_origin(hint) is NotRequired
        if key in value:
            yield from mismatches(get_args(hint)[0] if optional else hint, value[key], f"{path}.{key}")
        elif not optional:
            yield f"{path} has no key {key!r}"


def _is_instance(value: object, kind: Any) -> bool:
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)
