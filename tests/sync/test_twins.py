"""Every public method of the async client has its like in the sync one, with the same parameters."""

from __future__ import annotations

import importlib
import inspect
from typing import Any, Iterator, Tuple

import pytest

import queen
import queen.sync
from queen.admin.admin import Admin
from queen.builders.consume import ConsumeBuilder
from queen.builders.dead_letters import DLQBuilder
from queen.builders.push import PushBuilder
from queen.builders.queue import QueueBuilder
from queen.builders.stream import StreamBuilder
from queen.builders.transaction import TransactionBuilder, TransactionQueueBuilder
from queen.streaming.consumer import StreamConsumer

CLASSES = [
    queen.Queen,
    queen.Message,
    queen.ConsumerHandle,
    QueueBuilder,
    DLQBuilder,
    StreamBuilder,
    StreamConsumer,
    TransactionBuilder,
    TransactionQueueBuilder,
    Admin,
]
# What is chained behind these there is said with them here.
OPERATIONS = {"push": PushBuilder, "consume": ConsumeBuilder}


def public_members(of: type) -> Iterator[Tuple[str, Any]]:
    for name in dir(of):
        if not name.startswith("_") and not hasattr(dict, name):
            yield name, inspect.getattr_static(of, name)


@pytest.mark.parametrize("of", CLASSES, ids=lambda of: of.__name__)
def test_nothing_is_missing_and_the_parameters_are_the_same(of: type) -> None:
    module = importlib.import_module(of.__module__.replace("queen.", "queen_sync.", 1))
    twin = getattr(module, of.__name__)
    compared = 0
    for name, member in public_members(of):
        found = inspect.getattr_static(twin, name, None)
        assert found is not None, f"{of.__name__}.{name} has no like in the sync client"
        assert type(found) is type(member), name
        if not inspect.isfunction(member):
            continue
        wanted = [(parameter.name, parameter.kind, parameter.default) for parameter in parameters(member)]
        if of is QueueBuilder and name in OPERATIONS:
            chained = [name for name, _ in public_members(OPERATIONS[name]) if name.startswith("on_")]
            assert chained
            own = [parameter for parameter in parameters(found) if parameter.name not in chained]
            assert sorted(chained) == sorted(p.name for p in parameters(found) if p.kind is p.KEYWORD_ONLY)
        else:
            own = parameters(found)
        assert [(parameter.name, parameter.kind, parameter.default) for parameter in own] == wanted, name
        assert not inspect.iscoroutinefunction(found)
        compared += 1
    assert compared


def test_what_is_begun_is_begun_by_a_method_of_its_own() -> None:
    twin = importlib.import_module("queen_sync.builders.queue").QueueBuilder
    begun = parameters(twin.start_consuming)
    assert begun == parameters(twin.consume)
    assert inspect.signature(ConsumeBuilder.start).return_annotation == "ConsumerHandle"


def parameters(function: Any) -> Any:
    return list(inspect.signature(function).parameters.values())


def test_documentation_speaks_of_nothing_to_be_awaited() -> None:
    for of in CLASSES:
        module = importlib.import_module(of.__module__.replace("queen.", "queen_sync.", 1))
        twin = getattr(module, of.__name__)
        for name, member in [("", twin), *public_members(twin)]:
            if inspect.ismemberdescriptor(member):
                continue
            documentation = inspect.getdoc(member) or ""
            assert documentation, f"{of.__name__}.{name}"
            for word in ("await", "async", "event loop", "coroutine"):
                assert word not in documentation, f"{of.__name__}.{name}: {documentation}"
