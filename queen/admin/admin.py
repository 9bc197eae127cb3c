"""``queen.admin``: everything that operators ask of a server."""

from __future__ import annotations

from queen.admin.groups import Groups
from queen.admin.messages import Messages
from queen.admin.metrics import Metrics
from queen.admin.queues import Queues
from queen.admin.streams import Streams
from queen.admin.system import System
from queen.admin.traces import Traces


class Admin(Queues, Messages, Traces, Groups, Metrics, System, Streams):
    """A typed method for each route that operators use, in one place.

    Results are the dicts of the server, typed as in ``queen_api.models``; keys that only one server has are said there.
    Names in paths may hold any visible ASCII character but ``/``, ``?`` and ``#``. Times are ISO 8601 text or aware
    datetimes.
    """
