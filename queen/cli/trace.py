"""``queen trace``: the timeline of a workflow."""

from __future__ import annotations

from datetime import datetime
from typing import Dict, List, Optional

from queen_api.models import NamedTraceEvent
from typing_extensions import Final

from queen import Queen
from queen.cli.connection import LOCAL, Server, connect
from queen.cli.exits import CommandError, Exit
from queen.cli.moments import written
from queen.cli.output import AsJson, show_message
from queen.timestamps import moment_of

_PAGE: Final = 100


async def trace(name: str, /, *, json: AsJson = False, server: Server = LOCAL) -> int:
    """Show the trace events under a name, the oldest first: when, how long after the first, where, and what.

    Args:
        name: the name under which the workflow's messages were traced (`traceName`).
        json: one JSON line for each event.
    """
    async with connect(server) as client:
        events = await _events(client, name)
    if not events:
        raise CommandError(f"there are no traces under the name {name!r}")
    first = _moment(events[0])
    for event in events:
        parts = (
            written(event["created_at"]),
            _after(first, _moment(event)),
            f"{event['queue_name']}/{event['partition_name']}",
            event["transaction_id"],
            event["consumer_group"] or "-",
            event["event_type"] or "-",
        )
        show_message(_fields(event), parts, event["data"], json=json)
    return Exit.FINE


async def _events(client: Queen, name: str) -> List[NamedTraceEvent]:
    """All of them: server 0.7 gives them in pages, 0.15 all at once."""
    answer = await client.admin.get_traces_by_name(name, limit=_PAGE)
    events = list(answer["traces"] or [])
    while len(events) < answer["total"]:
        more = (await client.admin.get_traces_by_name(name, limit=_PAGE, offset=len(events)))["traces"]
        if not more:
            break
        events.extend(more)
    return events


def _moment(event: NamedTraceEvent) -> Optional[datetime]:
    try:
        return moment_of(event["created_at"])
    except ValueError:
        return None


def _after(first: Optional[datetime], then: Optional[datetime]) -> str:
    if first is None or then is None:
        return "-"
    return f"+{(then - first).total_seconds():.3f}s"


def _fields(event: NamedTraceEvent) -> Dict[str, object]:
    return dict(event)
