"""Queues: configured and deleted."""

from __future__ import annotations

from typing import Dict, cast

from queen_api.models import (
    ConfigureAnswer,
    DeleteQueueAnswer,
    QueueOptions,
)

from queen.broker.domain import queues
from queen.broker.failures import DirectRefusalError
from queen.broker.http import Answer, Call, database
from queen.broker.routes.endpoint import Backend, RouteTable


async def configure(backend: Backend, call: Call) -> Answer:
    """Create a queue, or replace its configuration."""
    fields = call.fields()
    name, namespace, task, options = (fields.get(key) for key in ("queue", "namespace", "task", "options"))
    if not isinstance(name, str):
        raise DirectRefusalError(400, "queue is required")
    given = cast("Dict[str, object]", options) if isinstance(options, dict) else {}
    space = namespace if isinstance(namespace, str) else None
    job = task if isinstance(task, str) else None
    configured = await backend.store.run(lambda tx: queues.configure(tx, name, space, job, given))
    if configured.complaint is not None:
        return database({"error": configured.complaint})
    queue = configured.queue
    answer: ConfigureAnswer = {
        "configured": True,
        "queue": queue.name,
        "queueId": queue.uuid,
        "partitionId": configured.partition_uuid,
        "namespace": queue.namespace,
        "task": queue.task,
        "options": cast("QueueOptions", dict(queue.options)),
    }
    return database(answer)


async def delete_queue(backend: Backend, call: Call) -> Answer:
    """Delete a queue."""
    name = call.path["queue"]
    existed = await backend.store.run(lambda tx: queues.delete(tx, name))
    answer: DeleteQueueAnswer = {"deleted": True, "queue": name, "existed": existed}
    return database(answer)


ROUTES: RouteTable = [
    ("POST", "/api/v1/configure", configure),
    ("DELETE", "/api/v1/resources/queues/{queue}", delete_queue),
]
