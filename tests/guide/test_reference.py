"""Configuration Reference and API Reference: what they list is compared with the library."""

from __future__ import annotations

import ast
import inspect
import re
import typing
from typing import Any, Callable, Dict, List, Optional, Tuple

import attrs
import pytest
import queen_api.models

import queen
from queen.builders.queue import QueueBuilder
from tests.guide.bindings import compares
from tests.guide.snippets import SNIPPETS

_PARAMETER = re.compile(r"(\w+)(?:: (\w+))?")
_CALL = re.compile(r"(?:queen = )?(?:await )?(?P<name>[\w.]+)\((?P<parameters>.*?)\)(?: -> (?P<result>\S+))?")


@attrs.frozen
class Listed:
    """One call as the guide lists it."""

    text: str
    name: str
    parameters: List[Tuple[str, Optional[str]]]
    result: Optional[str]


def listed(number: int) -> List[Listed]:
    """The calls that a snippet lists."""
    found: List[Listed] = []
    for line in SNIPPETS[number].text.splitlines():
        if line and not line.startswith("#"):
            match = _CALL.fullmatch(line)
            assert match, line
            parameters = [(name, kind or None) for name, kind in _PARAMETER.findall(match["parameters"])]
            found.append(Listed(line, match["name"].rpartition(".")[2], parameters, match["result"]))
    return found


@compares(s68="Client Configuration")
def test_the_defaults_of_the_client() -> None:
    assert dict_of(68) == queen.CLIENT_DEFAULTS


@compares(s69="Queue Configuration")
def test_the_defaults_of_a_queue() -> None:
    listed_here = dict_of(69)
    assert {key: queen.QUEUE_DEFAULTS[key] for key in listed_here} == listed_here
    # The table of options under "Queue Operations" lists one more.
    assert {key: value for key, value in queen.QUEUE_DEFAULTS.items() if key not in listed_here} == {
        "dlqAfterMaxRetries": False
    }


@compares(s70="Consume Configuration")
def test_the_defaults_of_consuming() -> None:
    assert dict_of(70) == queen.CONSUME_DEFAULTS


@compares(s71="Pop Configuration")
def test_the_defaults_of_a_pop() -> None:
    assert dict_of(71) == queen.POP_DEFAULTS


@compares(s76="Queen Class")
@pytest.mark.parametrize("call", listed(76), ids=lambda call: call.text)
def test_the_client_has_the_calls_of_the_guide(call: Listed) -> None:
    compare(queen.Queen if call.name == "Queen" else getattr(queen.Queen, call.name), call)


@compares(s77="QueueBuilder Class")
@pytest.mark.parametrize("call", listed(77), ids=lambda call: call.text)
def test_the_queue_builder_has_the_calls_of_the_guide(call: Listed) -> None:
    compare(getattr(QueueBuilder, call.name), call)


def dict_of(number: int) -> Dict[str, Any]:
    found: Dict[str, Any] = ast.literal_eval(SNIPPETS[number].text)
    return found


def compare(function: Callable[..., Any], call: Listed) -> None:
    """The listed parameters come first, under their names, and take what is listed; the result is what is listed."""
    parameters = dict(inspect.signature(function).parameters)
    parameters.pop("self", None)
    wanted = [name for name, _ in call.parameters]
    assert list(parameters)[: len(wanted)] == wanted
    more = [parameter for name, parameter in parameters.items() if name not in wanted]
    assert all(
        parameter.default is not parameter.empty or parameter.kind is parameter.VAR_KEYWORD for parameter in more
    )
    called = function.__init__ if inspect.isclass(function) else function  # type: ignore[misc]
    # The wire's shapes are imported for type checkers only.
    hints = typing.get_type_hints(called, localns=vars(queen_api.models))
    for name, kind in call.parameters:
        if kind is not None:
            assert takes(hints[name], {"str": str, "int": int, "bool": bool, "dict": dict}[kind]), hints[name]
    if call.result is not None:
        assert shown(hints["return"]) == call.result


def takes(hint: Any, kind: type) -> bool:
    """Whether a parameter that is annotated so takes values of a type."""
    if typing.get_origin(hint) is typing.Union:
        return any(takes(one, kind) for one in typing.get_args(hint))
    return issubclass(kind, typing.get_origin(hint) or hint)


def shown(hint: Any) -> str:
    """A result's annotation as the guide writes it."""
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is list:
        return f"List[{shown(arguments[0])}]"
    if typing.get_origin(hint) is typing.Union:
        [name] = {shown(argument) for argument in arguments}
        return name
    return str((typing.get_origin(hint) or hint).__name__)
