"""Pops, and long polls."""

from __future__ import annotations

import json
from typing import Optional

from typing_extensions import Final

from queen.broker import timestamps
from queen.broker.domain.names import QUEUE_MODE
from queen.broker.domain.subscriptions import Wish
from queen.broker.http import Answer, Call
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.routes.long_poll import Search, wait
from queen.broker.store.database import Transaction
from queen.broker.v07.answers import answered, answered_text, waited
from queen.broker.v07.domain import claims
from queen.broker.v07.domain.claims import Popped, PopRequest
from queen.broker.v07.domain.subscriptions import Source

_DEFAULT_TIMEOUT_MILLIS: Final = 30_000


async def pop_queue(backend: Backend, call: Call) -> Answer:
    """Pop from any partition of a queue."""
    return await _pop(backend, call, Source(call.path["queue"]))


async def pop_partition(backend: Backend, call: Call) -> Answer:
    """Pop from one partition."""
    return await _pop(backend, call, Source(call.path["queue"], call.path["partition"]))


async def pop_matching(backend: Backend, call: Call) -> Answer:
    """Pop from the queues of a namespace and task."""
    return await _pop(backend, call, Source(None, None, call.query.string("namespace"), call.query.string("task")))


ROUTES: RouteTable = [
    ("GET", "/api/v1/pop/queue/{queue}", pop_queue),
    ("GET", "/api/v1/pop/queue/{queue}/partition/{partition}", pop_partition),
    ("GET", "/api/v1/pop", pop_matching),
]


async def _pop(backend: Backend, call: Call, source: Source) -> Answer:
    query = call.query
    waits = query.boolean("wait", False)
    request = PopRequest(
        source=source,
        group=query.string("consumerGroup", QUEUE_MODE),
        batch=query.integer("batch", 1),
        auto_ack=not waits and query.boolean("autoAck", False),
        wish=Wish(query.string("subscriptionMode"), query.string("subscriptionFrom")),
    )
    if not waits:
        popped = await _look(backend, request)
        return answered(None) if popped is None else answered_text(_encoded(request, popped))
    timeout = query.integer("timeout", _DEFAULT_TIMEOUT_MILLIS)
    if timeout <= 0:
        # The time is over before it is looked.
        await backend.store.run(lambda tx: claims.subscribe(tx, request))
        return waited(b"")
    search = Search(
        queue=source.queue,
        look=lambda: _look(backend, request),
        give_back=lambda tx, found: claims.give_back(tx, found, request.group),
        next_event=lambda tx, since: claims.next_event(tx, request, since),
    )
    found = await wait(backend, call, search, backend.clock.now() + timeout * 1000)
    return waited(b"" if found is None else _encoded(request, found))


async def _look(backend: Backend, request: PopRequest) -> Optional[Popped]:
    def give_back(tx: Transaction, popped: Popped) -> None:
        claims.give_back(tx, popped, request.group)

    popped = await backend.store.run(lambda tx: claims.pop(tx, request), undo=give_back)
    return popped if popped.messages else None


def _encoded(request: PopRequest, popped: Popped) -> bytes:
    """The messages as text: payloads are stored as JSON, and need not be read to be sent."""
    group = _quoted(None if request.group == QUEUE_MODE else request.group)
    lease, queue, partition = _quoted(popped.lease_id), _quoted(popped.queue), _quoted(popped.partition)
    messages = ",".join(
        f'{{"consumerGroup":{group},"createdAt":"{timestamps.whole_second(created_at)}","data":{payload},"id":"{uuid}",'
        f'"leaseId":{lease},"partition":{partition},"partitionId":"{popped.partition_uuid}","priority":0,"queue":{queue},'
        f'"retryCount":0,"traceId":{_quoted(trace_id)},"transactionId":{_quoted(transaction_id)}}}'
        for _, uuid, transaction_id, trace_id, payload, created_at in popped.messages
    )
    return f'{{"messages":[{messages}]}}'.encode()


def _quoted(value: Optional[str]) -> str:
    return json.dumps(value, ensure_ascii=False)
