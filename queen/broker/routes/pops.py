"""Pops, and long polls."""

from __future__ import annotations

import json
from typing import Optional, Set, Union

from queen_api.models import PopAnswer
from typing_extensions import TypeAlias

from queen.broker import timestamps
from queen.broker.domain import claims
from queen.broker.domain.claims import Claim, Claimed, NothingClaimed, Paused, PopOutcome, PopRequest
from queen.broker.domain.maintenance import Mode, is_on
from queen.broker.domain.names import QUEUE_MODE
from queen.broker.domain.subscriptions import Wish
from queen.broker.http import Answer, Call, database, database_text, nothing
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.routes.long_poll import Search, wait
from queen.broker.store.database import Transaction

_DEFAULT_TIMEOUT_MILLIS = 30_000

_PollOutcome: TypeAlias = Union[Claimed, Paused]


async def pop_queue(backend: Backend, call: Call) -> Answer:
    """Pop from any partition of a queue."""
    return await _pop(backend, call, call.path["queue"], None)


async def pop_partition(backend: Backend, call: Call) -> Answer:
    """Pop from one partition."""
    return await _pop(backend, call, call.path["queue"], call.path["partition"])


async def pop_matching(backend: Backend, call: Call) -> Answer:
    """Pop from any queue of a namespace and task."""
    return await _pop(backend, call, None, None)


ROUTES: RouteTable = [
    ("GET", "/api/v1/pop/queue/{queue}", pop_queue),
    ("GET", "/api/v1/pop/queue/{queue}/partition/{partition}", pop_partition),
]
MATCHING: RouteTable = [("GET", "/api/v1/pop", pop_matching)]


async def _pop(backend: Backend, call: Call, queue: Optional[str], partition: Optional[str]) -> Answer:
    query = call.query
    request = PopRequest(
        queue=queue,
        partition=partition,
        namespace=query.string("namespace") if queue is None else "",
        task=query.string("task") if queue is None else "",
        group=query.string("consumerGroup", QUEUE_MODE),
        batch=query.integer("batch", 1),
        partitions=query.integer("partitions", 1),
        auto_ack=query.boolean("autoAck", False),
        wish=Wish(query.string("subscriptionMode"), query.string("subscriptionFrom")),
    )
    if not query.boolean("wait", False):
        return _answer(request, await _look(backend, request, arriving=True))
    timeout = query.integer("timeout", _DEFAULT_TIMEOUT_MILLIS)
    found = await _poll(backend, call, request, backend.clock.now() + timeout * 1000)
    return _ran_out(request) if found is None else _answer(request, found)


async def _look(backend: Backend, request: PopRequest, *, arriving: bool) -> PopOutcome:
    """Look once; pop maintenance stops pops that arrive, and none that wait already."""

    def work(tx: Transaction) -> PopOutcome:
        return Paused() if arriving and is_on(tx, Mode.POP) else claims.pop(tx, request)

    def give_back(tx: Transaction, outcome: PopOutcome) -> None:
        claims.give_back(tx, outcome, request.group)

    return await backend.store.run(work, undo=give_back)


async def _poll(backend: Backend, call: Call, request: PopRequest, deadline: int) -> Optional[_PollOutcome]:
    passed: Set[str] = set()
    arriving = True

    async def look() -> Optional[_PollOutcome]:
        nonlocal arriving
        while True:
            outcome = await _look(backend, request, arriving=arriving)
            arriving = False
            if isinstance(outcome, Paused):
                return outcome
            if not isinstance(outcome, Claimed):
                return None
            if outcome.has_messages:
                return outcome
            if passed.issuperset(outcome.partitions):
                return None
            # These only looked unread; there may be messages in others.
            passed.update(outcome.partitions)

    search: Search[_PollOutcome] = Search(
        queue=request.queue,
        look=look,
        give_back=lambda tx, found: claims.give_back(tx, found, request.group),
        next_event=lambda tx, since: claims.next_event(tx, request, since),
    )
    return await wait(backend, call, search, deadline)


def _answer(request: PopRequest, outcome: PopOutcome) -> Answer:
    if isinstance(outcome, Paused):
        return nothing()
    if isinstance(outcome, NothingClaimed):
        empty: PopAnswer = {"success": False, "error": outcome.reason, "messages": []}
        return database(empty)
    if isinstance(outcome, Claimed):
        return database_text(_claimed(request, outcome))
    closed: PopAnswer = {
        "success": True,
        "queue": request.queue or "",
        "partition": outcome.partition,
        "partitionId": outcome.partition_uuid,
        "leaseId": "",
        "consumerGroup": request.group,
        "messages": [],
        "windowBufferActive": True,
    }
    return database(closed)


def _ran_out(request: PopRequest) -> Answer:
    answer: PopAnswer = {
        "success": True,
        "queue": request.queue or "",
        "partition": request.partition or "",
        "partitionId": None,
        "leaseId": None,
        "consumerGroup": request.group,
        "messages": [],
    }
    return database(answer)


def _claimed(request: PopRequest, claimed: Claimed) -> bytes:
    """The answer with its messages as text: payloads are stored as JSON, and need not be read to be sent."""
    first = claimed.claims[0]
    group, lease = _quoted(request.group), _quoted(claimed.lease_id)
    messages = ",".join(
        _messages(claim, group, lease, named=request.queue is None) for claim in claimed.claims if claim.messages
    )
    return (
        f'{{"consumerGroup":{group},"leaseId":{lease},"messages":[{messages}],"partition":{_quoted(first.partition)},'
        f'"partitionId":"{first.partition_uuid}","partitionsClaimed":{len(claimed.claims)},'
        f'"queue":{_quoted(first.queue)},"success":true}}'
    ).encode()


def _messages(claim: Claim, group: str, lease: str, *, named: bool) -> str:
    partition = _quoted(claim.partition)
    # A pop over several queues says which one each message is of.
    queue = f'"queue":{_quoted(claim.queue)},' if named else ""
    return ",".join(
        f'{{"consumerGroup":{group},"createdAt":"{timestamps.micro(created_at)}","data":{payload},"id":"{uuid}",'
        f'"leaseId":{lease},"partition":{partition},"partitionId":"{claim.partition_uuid}","producerSub":null,{queue}'
        f'"traceId":{_quoted(trace_id)},"transactionId":{_quoted(transaction_id)}}}'
        for _, uuid, transaction_id, trace_id, payload, created_at in claim.messages
    )


def _quoted(value: Optional[str]) -> str:
    return json.dumps(value, ensure_ascii=False)
