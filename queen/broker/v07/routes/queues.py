"""Queues: configured and deleted."""

from __future__ import annotations

from typing import Dict, Mapping, cast

from queen_api.models import ConfigureAnswer, QueueOptions
from typing_extensions import Final

from queen.broker.domain import queues
from queen.broker.domain.queues import DEFAULTS, Option
from queen.broker.failures import DatabaseRefusalError
from queen.broker.http import Answer, Call
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.routes.fields import text_field
from queen.broker.v07.answers import answered
from queen.broker.v07.fields import boolean, integer, refusal

_ROOM_WITHOUT_OPTIONS: Final = 10_000


async def configure(backend: Backend, call: Call) -> Answer:
    """Create a queue, or replace its whole configuration."""
    fields = call.fields()
    name, given = fields.get("queue"), fields.get("options")
    if not isinstance(name, str):
        raise refusal("queue is required")
    namespace, task = text_field(fields, "namespace", ""), text_field(fields, "task", "")
    if isinstance(given, dict):
        options = _options(cast("Dict[str, object]", given))
    else:
        options = {**DEFAULTS, "maxSize": _ROOM_WITHOUT_OPTIONS}
    try:
        await backend.store.run(lambda tx: queues.put(tx, name, namespace, task, options))
    except DatabaseRefusalError:
        raise refusal("Failed to configure queue") from None
    answer: ConfigureAnswer = {
        "configured": True,
        "queue": name,
        "namespace": namespace,
        "task": task,
        "options": cast("QueueOptions", dict(options)),
    }
    return answered(answer)


async def delete_queue(backend: Backend, call: Call) -> Answer:
    """Delete a queue; its subscriptions stay."""
    name = call.path["queue"]
    existed = await backend.store.run(lambda tx: queues.delete(tx, name))
    return answered({"deleted": True, "queue": name, "existed": existed})


ROUTES: RouteTable = [
    ("POST", "/api/v1/configure", configure),
    ("DELETE", "/api/v1/resources/queues/{queue}", delete_queue),
]


def _options(given: Mapping[str, object]) -> Dict[str, Option]:
    return {
        key: boolean(given, key, default) if isinstance(default, bool) else integer(given, key, default)
        for key, default in DEFAULTS.items()
    }
