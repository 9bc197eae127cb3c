"""What the package exports, and how its builders behave as objects."""

from __future__ import annotations

import asyncio
import inspect
import re
import subprocess
import sys
from typing import Any, Coroutine, List

import pytest

import queen as package
from queen import ConsumerHandle, Message, Queen, errors

EXPORTED = [
    "AckResponse",
    "AuthenticationError",
    "BUFFER_DEFAULTS",
    "BufferClosedError",
    "BufferStats",
    "BufferedResponse",
    "CLIENT_DEFAULTS",
    "CONSUME_DEFAULTS",
    "ClientClosedError",
    "ConfigurationError",
    "ConnectionFailedError",
    "ConsumerHandle",
    "ConsumerLag",
    "ConsumerStatus",
    "DLQResponse",
    "DeadLetter",
    "GroupResetResponse",
    "Hooks",
    "HttpStatusError",
    "LeaseLostError",
    "Message",
    "OutboxError",
    "OutcomeUnknownError",
    "POP_DEFAULTS",
    "PayloadError",
    "PermissionDeniedError",
    "ProtocolError",
    "PurgeResponse",
    "PushRejectedError",
    "PushResponse",
    "QUEUE_DEFAULTS",
    "Queen",
    "QueenBufferError",
    "QueenError",
    "QueenTimeoutError",
    "RedriveReason",
    "RedriveResponse",
    "RenewResponse",
    "ServerHealth",
    "ServerRefusedError",
    "TokenUnavailableError",
    "TraceResponse",
    "TransactionError",
    "TransactionResponse",
    "TypedItem",
    "UnsupportedByServerError",
    "Window",
    "WindowResponse",
    "WrongEventLoopError",
]


def test_the_package_exports_exactly_these_names() -> None:
    assert sorted(package.__all__) == EXPORTED
    for name in EXPORTED:
        assert getattr(package, name)


def test_every_error_is_exported_and_has_one_root() -> None:
    for name in errors.__all__:
        assert name in EXPORTED
        assert issubclass(getattr(errors, name), errors.QueenError)


def test_the_defaults_are_the_guides() -> None:
    assert package.CLIENT_DEFAULTS == {
        "timeout_millis": 30000, "retry_attempts": 3, "retry_delay_millis": 1000, "load_balancing_strategy": "affinity",
        "affinity_hash_ring": 128, "enable_failover": True, "health_retry_after_millis": 5000,
    }  # fmt: skip
    assert package.QUEUE_DEFAULTS == {
        "leaseTime": 300, "retryLimit": 3, "priority": 0, "delayedProcessing": 0, "windowBuffer": 0, "maxSize": 0,
        "retentionSeconds": 0, "completedRetentionSeconds": 0, "encryptionEnabled": False, "dlqAfterMaxRetries": False,
    }  # fmt: skip
    assert package.CONSUME_DEFAULTS == {
        "concurrency": 1, "batch": 1, "auto_ack": True, "wait": True, "timeout_millis": 30000, "limit": None,
        "idle_millis": None, "renew_lease": False,
    }  # fmt: skip
    assert package.BUFFER_DEFAULTS == {"message_count": 100, "time_millis": 1000}
    assert package.POP_DEFAULTS == {"batch": 1, "wait": False, "timeout_millis": 30000, "auto_ack": False}


async def test_a_push_is_a_coroutine_that_tasks_and_gather_take(queen: Queen, queue_name: str) -> None:
    pushes = [queen.queue(queue_name).push([{"data": n}]) for n in range(3)]
    assert all(isinstance(push, Coroutine) and asyncio.iscoroutine(push) for push in pushes)
    first = await asyncio.create_task(pushes[0])
    rest: List[Any] = await asyncio.gather(*pushes[1:])
    assert [result["status"] for [result] in [first, *rest]] == ["queued"] * 3


async def test_a_consumer_can_be_a_task(queen: Queen, queue_name: str) -> None:
    await queen.queue(queue_name).push([{"data": 1}])
    seen: List[Message] = []
    task = asyncio.create_task(queen.queue(queue_name).limit(1).consume(seen.append))
    await asyncio.wait_for(task, 5)
    assert [message.data for message in seen] == [1]


async def test_an_operation_that_is_never_awaited_warns_as_a_coroutine_does() -> None:
    queue = Queen("http://127.0.0.1:1").queue("q")
    with pytest.warns(RuntimeWarning, match="PushBuilder.* was never awaited"):
        queue.push([{"data": 1}])
    with pytest.warns(RuntimeWarning, match="ConsumeBuilder.* was never awaited"):
        queue.consume(lambda message: None)


async def test_a_callback_that_comes_too_late_is_refused(queen: Queen, queue_name: str) -> None:
    push = queen.queue(queue_name).push([{"data": 1}])
    await push
    with pytest.raises(RuntimeError, match="call it before"):
        push.on_success(lambda items: None)


def test_public_methods_are_documented() -> None:
    from queen.builders.consume import ConsumeBuilder
    from queen.builders.dead_letters import DLQBuilder
    from queen.builders.push import PushBuilder
    from queen.builders.queue import QueueBuilder
    from queen.builders.transaction import TransactionBuilder

    for kind in (
        Queen,
        Message,
        QueueBuilder,
        PushBuilder,
        ConsumeBuilder,
        ConsumerHandle,
        DLQBuilder,
        TransactionBuilder,
    ):
        for name, member in inspect.getmembers(kind):
            if not name.startswith("_") and name in vars(kind):
                assert inspect.getdoc(member), f"{kind.__name__}.{name}"


def test_importing_it_leaves_out_what_few_programs_need_and_takes_long() -> None:
    left_out = ("dateutil.parser", "queen.admin", "queen.broker", "queen_api.models")
    program = f"import sys, queen; print([name for name in {left_out} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_the_package_tells_its_version() -> None:
    assert re.match(r"\d+\.\d+", package.__version__)
    with pytest.raises(AttributeError, match="no attribute 'versoin'"):
        package.versoin  # noqa: B018  (what is tested)
