"""The dialects: which routes each has, and how it words a refusal. Nothing else depends on a dialect's name."""

from __future__ import annotations

from typing import Callable, Dict, Union

import attrs
from typing_extensions import Final, TypeAlias

from queen.broker.domain import counts
from queen.broker.domain.counts import Freshness
from queen.broker.failures import DatabaseRefusalError, DirectRefusalError
from queen.broker.http import Answer, database, direct
from queen.broker.routes import (
    acks,
    analytics,
    broker_status,
    cycles,
    dead_letters,
    groups,
    leases,
    maintenance,
    message_lists,
    messages,
    metrics,
    pops,
    queries,
    queue_status,
    queues,
    resources,
    shared_state,
    system,
    traces,
    transactions,
)
from queen.broker.routes.endpoint import RouteTable
from queen.broker.v07 import answers as answers_07
from queen.broker.v07.routes import acks as acks_07
from queen.broker.v07.routes import analytics as analytics_07
from queen.broker.v07.routes import broker_status as broker_status_07
from queen.broker.v07.routes import dead_letters as dead_letters_07
from queen.broker.v07.routes import groups as groups_07
from queen.broker.v07.routes import leases as leases_07
from queen.broker.v07.routes import maintenance as maintenance_07
from queen.broker.v07.routes import messages as messages_07
from queen.broker.v07.routes import overview as overview_07
from queen.broker.v07.routes import pops as pops_07
from queen.broker.v07.routes import push as push_07
from queen.broker.v07.routes import queue_status as queue_status_07
from queen.broker.v07.routes import queues as queues_07
from queen.broker.v07.routes import resources as resources_07
from queen.broker.v07.routes import streams as streams_07
from queen.broker.v07.routes import system as system_07
from queen.broker.v07.routes import traces as traces_07
from queen.broker.v07.routes import transactions as transactions_07

Refusal: TypeAlias = Union[DirectRefusalError, DatabaseRefusalError]

EMBEDDED: Final = "embedded"


@attrs.frozen
class Dialect:
    """What the broker speaks.

    Attributes:
        name: how it is chosen.
        routes: all that it answers; everything else is a 404.
        refused: the answer to a request that is refused.
    """

    name: str
    routes: RouteTable
    refused: Callable[[Refusal], Answer]


def _refused_015(refusal: Refusal) -> Answer:
    if isinstance(refusal, DirectRefusalError):
        return direct({"error": refusal.text}, refusal.status)
    return database({"success": False, "error": refusal.text})


_ROUTES_015: Final[RouteTable] = [
    *messages.ROUTES,
    *message_lists.ROUTES,
    *pops.ROUTES,
    *transactions.ROUTES,
    *leases.ROUTES,
    *queues.ROUTES,
    *dead_letters.ROUTES,
    *traces.ROUTES,
    *groups.ROUTES,
    *queries.ROUTES,
    *cycles.ROUTES,
    *maintenance.ROUTES,
    *metrics.ROUTES,
    *shared_state.ROUTES,
    *analytics.ROUTES,
    *system.PAGES,
]

_ROUTES_07: Final[RouteTable] = [
    *push_07.ROUTES,
    *pops_07.ROUTES,
    *acks_07.ROUTES,
    *transactions_07.ROUTES,
    *leases_07.ROUTES,
    *queues_07.ROUTES,
    *resources_07.ROUTES,
    *dead_letters_07.ROUTES,
    *groups_07.ROUTES,
    *messages_07.ROUTES,
    *traces_07.ROUTES,
    *queue_status_07.ROUTES,
    *broker_status_07.ROUTES,
    *overview_07.ROUTES,
    *maintenance_07.ROUTES,
    *analytics_07.ROUTES,
    *streams_07.ROUTES,
    *system_07.ROUTES,
    *system.PAGES,
]


def _counted(freshness: Freshness) -> RouteTable:
    """The routes that show counts of messages, so new."""
    return [*resources.routes(freshness), *queue_status.routes(freshness), *broker_status.routes(freshness)]


# In the embedded dialect: what only server 0.7 has.
_ONLY_07: Final[RouteTable] = [*pops.MATCHING, *streams_07.ROUTES]

DIALECTS: Final[Dict[str, Dialect]] = {
    dialect.name: dialect
    for dialect in (
        Dialect(
            name=EMBEDDED,
            routes=[
                *_ROUTES_015,
                *_counted(counts.LIVE),
                *acks.ROUTES,
                *_ONLY_07,
                ("GET", "/health", system.health(system.EMBEDDED)),
            ],
            refused=_refused_015,
        ),
        Dialect(
            name="0.15",
            routes=[
                *_ROUTES_015,
                *_counted(counts.AS_THE_SERVER),
                *acks.EXACT_ROUTES,
                ("GET", "/health", system.health(system.SERVER_015)),
            ],
            refused=_refused_015,
        ),
        Dialect(
            name="0.7",
            routes=_ROUTES_07,
            refused=answers_07.refused,
        ),
    )
}
