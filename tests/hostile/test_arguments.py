"""Whatever is given as an argument is accepted, or refused by the argument's name before anything is sent."""

from __future__ import annotations

import functools
import inspect
from typing import Any, Callable, Dict, List

import attrs
import pytest
from hypothesis import given

from queen import ConfigurationError, Queen, QueenError
from queen.admin.admin import Admin
from queen.config import ClientConfig
from tests.hostile.driver import driver, outcome
from tests.hostile.values import ANYTHING, SEEDED
from tests.scripted_server import answers

MESSAGE = {"transactionId": "t", "partitionId": "p", "leaseId": "l", "consumerGroup": "g"}
Call = Callable[[Queen, Any], Any]


def handler(message: Any) -> None:
    """A handler that is never called."""


# Each argument of the fluent layer: its name in errors, and a call with a value in its place.
CALLS: Dict[str, List[Call]] = {
    "queue": [lambda q, v: q.queue(v), lambda q, v: q.transaction().queue(v)],
    "stream:name": [lambda q, v: q.stream(v, "n")],
    "namespace": [lambda q, v: q.stream("s", v), lambda q, v: q.queue().namespace(v)],
    "stream_name": [lambda q, v: q.consumer(v, "g")],
    "consumer_group": [lambda q, v: q.consumer("s", v), lambda q, v: q.queue("q").dlq(v)],
    "task": [lambda q, v: q.queue().task(v)],
    "partition": [
        lambda q, v: q.queue("q").partition(v),
        lambda q, v: q.queue("q").partition(v).pop(),
        lambda q, v: q.queue("q").partition(v).push({"data": 1}),
        lambda q, v: q.transaction().queue("q").partition(v),
    ],
    "group": [
        lambda q, v: q.queue("q").group(v).pop(),
        lambda q, v: q.delete_consumer_group(v),
        lambda q, v: q.update_consumer_group_timestamp(v, "2026-01-31"),
        lambda q, v: q.ack(MESSAGE, False, {"group": v}),
    ],
    "delete_metadata": [lambda q, v: q.delete_consumer_group("g", v)],
    "timestamp": [
        lambda q, v: q.update_consumer_group_timestamp("g", v),
        lambda q, v: q.consumer("s", "g").seek(v),
    ],
    "batch": [lambda q, v: q.queue("q").batch(v).pop()],
    "partitions": [lambda q, v: q.queue("q").partitions(v).pop()],
    "wait": [lambda q, v: q.queue("q").timeout_millis(1).wait(v)],
    "timeout_millis": [lambda q, v: q.queue("q").timeout_millis(v).pop()],
    "auto_ack": [lambda q, v: q.queue("q").auto_ack(v).pop()],
    "subscription_mode": [lambda q, v: q.queue("q").subscription_mode(v)],
    "subscription_from": [lambda q, v: q.queue("q").group("g").subscription_from(v)],
    "concurrency": [lambda q, v: q.queue("q").concurrency(v)],
    "limit": [lambda q, v: q.queue("q").limit(v), lambda q, v: q.queue("q").dlq().redrive(limit=v, dry_run=True)],
    "idle_millis": [lambda q, v: q.queue("q").idle_millis(v)],
    "each": [lambda q, v: q.queue("q").each(v)],
    "enabled": [lambda q, v: q.queue("q").renew_lease(v), lambda q, v: q.stream("s", "n").partitioned(v)],
    "interval_millis": [lambda q, v: q.queue("q").renew_lease(True, v)],
    "options": [lambda q, v: q.queue("q").config(v), lambda q, v: q.queue("q").buffer(v)],
    "leaseTime": [lambda q, v: q.queue("q").config({"leaseTime": v}).create()],
    "encryptionEnabled": [lambda q, v: q.queue("q").config({"encryptionEnabled": v}).create()],
    "message_count": [lambda q, v: q.queue("q").buffer({"message_count": v, "max_size": 2**31 - 1})],
    "payload": [lambda q, v: q.queue("q").push(v), lambda q, v: q.transaction().queue("q").push(v)],
    "items[0]": [lambda q, v: q.queue("q").push([v])],
    "data": [lambda q, v: q.queue("q").push([{"data": v}])],
    "transactionId": [lambda q, v: q.queue("q").push([{"data": 1, "transactionId": v}])],
    "traceId": [lambda q, v: q.queue("q").push([{"data": 1, "traceId": v}])],
    "handler": [lambda q, v: None if callable(v) else q.queue("q").consume(v)],
    "signal": [lambda q, v: None if v is None else q.queue("q").consume(handler, signal=v)],
    "callback": [lambda q, v: None if callable(v) else q.consumer("s", "g").process(v)],
    "offset": [lambda q, v: q.queue("q").dlq().offset(v).get()],
    "dlq:limit": [lambda q, v: q.queue("q").dlq().limit(v).get()],
    "from_": [lambda q, v: q.queue("q").dlq().from_(v).get()],
    "to": [lambda q, v: q.queue("q").dlq().to(v).get()],
    "to_queue": [lambda q, v: q.queue("q").dlq().redrive(to_queue=v, dry_run=True)],
    "dry_run": [
        lambda q, v: q.queue("q").dlq().redrive(dry_run=v),
        lambda q, v: q.queue("q").dlq().purge(dry_run=v),
    ],
    "remove": [
        lambda q, v: q.queue("q").dlq().redrive(remove=v, dry_run=True),
        lambda q, v: q.queue("q").dlq().purge(remove=v, dry_run=True),
    ],
    "message": [lambda q, v: q.ack(v), lambda q, v: q.ack([v])],
    "the message": [
        lambda q, v: q.ack({**MESSAGE, "transactionId": v}),
        lambda q, v: q.ack({**MESSAGE, "partitionId": v}),
    ],
    "status": [lambda q, v: q.ack(MESSAGE, v), lambda q, v: q.transaction().ack(MESSAGE, v)],
    "context": [lambda q, v: q.ack(MESSAGE, False, v)],
    "error": [lambda q, v: q.ack(MESSAGE, False, {"error": v})],
    "messages": [lambda q, v: q.transaction().ack(v)],
    "message_or_lease_id": [lambda q, v: q.renew(v)],
    "seconds": [lambda q, v: q.renew("l", v)],
    "sources": [lambda q, v: q.stream("s", "n").sources(v)],
    "tumbling_time": [lambda q, v: q.stream("s", "n").tumbling_time(v)],
    "grace_period": [lambda q, v: q.stream("s", "n").grace_period(v)],
    "lease_timeout": [lambda q, v: q.stream("s", "n").lease_timeout(v)],
    "request": [lambda q, v: q.send(v)],
}  # fmt: skip
# Said otherwise: what is inside of the argument is named.
SYNONYMS = {
    "payload": ("items",),
    "message": ("the message", "transactionId", "_status", "status"),
    "messages": ("the message", "message="),
    "message_or_lease_id": ("lease_id", "the message"),
    "options": ("config", "option"),
    "the message": ("ack: ", "transaction_id", "transactionId"),
    "items[0]": ("payload",),
}

ADMIN = {
    (name, argument): method
    for name, method in inspect.getmembers(Admin, inspect.iscoroutinefunction)
    if not name.startswith("_")
    for argument in list(inspect.signature(method).parameters)[1:]
}


# One valid value for each argument of the administration, for the calls in which another one is hostile.
VALID: Dict[str, Any] = {"enabled": True, "delete_metadata": True}


def check(raised: Any, argument: str, sent: int) -> None:
    if raised is None or (isinstance(raised, QueenError) and not isinstance(raised, ValueError)):
        return
    names = (argument, *SYNONYMS.get(argument, ()))
    assert any(name in str(raised) for name in names), f"{raised!r} does not name {argument}"
    assert not sent, f"{raised!r} came when something had been sent"


@pytest.mark.parametrize("argument", CALLS)
def test_an_argument_is_accepted_or_refused_by_its_name(argument: str) -> None:
    with driver(lambda _: answers({"error": "refused"})) as there:

        @SEEDED
        @given(ANYTHING)
        def holds(value: Any) -> None:
            for call in CALLS[argument]:
                before = len(there.server.received)
                raised = there.run(outcome(functools.partial(call, there.queen, value)))
                check(raised, argument.rpartition(":")[2], len(there.server.received) - before)

        holds()


@pytest.mark.parametrize(("method", "argument"), ADMIN)
def test_an_argument_of_the_administration_is_accepted_or_refused_by_its_name(method: str, argument: str) -> None:
    signature = inspect.signature(ADMIN[method, argument])
    needed = [name for name, each in list(signature.parameters.items())[1:] if each.default is each.empty]
    with driver(lambda _: answers({"error": "refused"})) as there:

        @SEEDED
        @given(ANYTHING)
        def holds(value: Any) -> None:
            arguments = {**{name: VALID.get(name, "x") for name in needed}, argument: value}
            if method == "seek_consumer_group" and argument != "timestamp":
                arguments.setdefault("to_end", True)
            before = len(there.server.received)
            raised = there.run(outcome(lambda: getattr(there.queen.admin, method)(**arguments)))
            check(raised, argument, len(there.server.received) - before)

        holds()


@pytest.mark.parametrize("key", [*(field.name for field in attrs.fields(ClientConfig)), "url", "config"])
def test_a_configuration_is_accepted_or_refused_by_the_name_of_its_key(key: str) -> None:
    @SEEDED
    @given(ANYTHING)
    def holds(value: Any) -> None:
        given = {key: value} if key in ("url", "urls") else {"urls": "http://127.0.0.1:1", key: value}
        raised = None
        try:
            Queen(value) if key == "config" else Queen(given)
        except ConfigurationError as error:
            raised = str(error)
        names = ("url", "configuration key", "no server") if key in ("url", "urls", "config") else (key,)
        assert raised is None or any(name in raised for name in names), raised

    holds()
