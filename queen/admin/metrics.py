"""How the server does, now and over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Optional, Union

from queen_api.api import analytics, status
from typing_extensions import Final

from queen import validation
from queen.admin.arguments import Moment, moment, number, text
from queen.admin.section import Section

if TYPE_CHECKING:
    from queen_api.models import (
        Buffers,
        MessageSeries,
        ParkedReplicas,
        PostgresStats,
        QueueLag,
        QueueOperations,
        Retention,
        StatsRefresh,
        StatsRefreshSkipped,
        Status,
        SystemMetrics,
        TrafficReport,
        WorkerMetrics,
    )

_INTERVALS: Final = ("minute", "hour", "day")


class Metrics(Section):
    """Counts and measurements.

    Each method that takes ``from_`` and ``to`` is about that time: from an hour ago (``get_analytics``: a day) until
    now where nothing is said.
    """

    async def get_status(
        self,
        *,
        from_: Moment = None,
        to: Moment = None,
        queue: Optional[str] = None,
        namespace: Optional[str] = None,
        task: Optional[str] = None,
    ) -> Status:
        """Tell how the server does, and how it did over a time.

        Args:
            from_: from this time on.
            to: until this time.
            queue: ``throughput`` and ``queues`` only of this queue.
            namespace: those only of queues of this namespace.
            task: those only of queues of this task.

        Raises:
            TypeError, ValueError: an argument that is not accepted.
            QueenError: there is no answer.
        """
        request = status.get_status(
            from_=moment("from_", from_),
            to=moment("to", to),
            queue=text("queue", queue),
            namespace=text("namespace", namespace),
            task=text("task", task),
        )
        return await self._send(request)

    async def get_analytics(
        self,
        *,
        from_: Moment = None,
        to: Moment = None,
        interval: Optional[str] = None,
        queue: Optional[str] = None,
        namespace: Optional[str] = None,
        task: Optional[str] = None,
    ) -> Union[MessageSeries, TrafficReport]:
        """Count messages over time.

        Args:
            from_: from this time on.
            to: until this time.
            interval: ``minute``, ``hour`` (where nothing is said) or ``day``.
            queue: only of this queue.
            namespace: only of queues of this namespace.
            task: only of queues of this task.

        Returns:
            server 0.15: ``dataPoints``, the messages that were stored in each interval; 0.7: what came in and went out.

        Raises:
            TypeError, ValueError: an argument that is not accepted.
            QueenError: there is no answer.
        """
        request = analytics.get_analytics(
            from_=moment("from_", from_),
            to=moment("to", to),
            interval=None if interval is None else validation.choice("interval", interval, _INTERVALS),
            queue=text("queue", queue),
            namespace=text("namespace", namespace),
            task=text("task", task),
        )
        return await self._send(request)

    async def get_system_metrics(
        self,
        *,
        from_: Moment = None,
        to: Moment = None,
        hostname: Optional[str] = None,
        worker_id: Optional[str] = None,
    ) -> SystemMetrics:
        """Tell what each server process used (processor, memory, connections) over a time.

        Args:
            from_: from this time on.
            to: until this time.
            hostname: only of the server on this host.
            worker_id: only of the worker of this name.

        Raises:
            TypeError, ValueError: an argument that is not accepted.
            QueenError: there is no answer.
        """
        request = analytics.get_system_metrics(
            from_=moment("from_", from_),
            to=moment("to", to),
            hostname=text("hostname", hostname),
            worker_id=text("worker_id", worker_id),
        )
        return await self._send(request)

    async def get_worker_metrics(
        self,
        *,
        from_: Moment = None,
        to: Moment = None,
        hostname: Optional[str] = None,
        worker_id: Optional[int] = None,
    ) -> WorkerMetrics:
        """Tell what the workers of all servers did over a time (server 0.15).

        Args:
            from_: from this time on.
            to: until this time.
            hostname: only of the server on this host.
            worker_id: only of the worker with this number.

        Raises:
            TypeError, ValueError: an argument that is not accepted.
            UnsupportedByServerError: server 0.7.
            QueenError: there is no answer.
        """
        request = analytics.get_worker_metrics(
            from_=moment("from_", from_),
            to=moment("to", to),
            hostname=text("hostname", hostname),
            worker_id=number("worker_id", worker_id, 0),
        )
        return await self._send(request)

    async def get_queue_lag(
        self, *, from_: Moment = None, to: Moment = None, queue: Optional[str] = None
    ) -> List[QueueLag]:
        """Tell how old messages were when they were popped, by queue and minute (server 0.15).

        Args:
            from_: from this time on.
            to: until this time.
            queue: only of this queue.

        Raises:
            TypeError, ValueError: an argument that is not accepted.
            UnsupportedByServerError: server 0.7.
            QueenError: there is no answer.
        """
        request = analytics.list_queue_lag(
            from_=moment("from_", from_), to=moment("to", to), queue=text("queue", queue)
        )
        return await self._send(request)

    async def get_queue_operations(
        self, *, from_: Moment = None, to: Moment = None, queue: Optional[str] = None
    ) -> QueueOperations:
        """Count pushes, pops, acks and transactions over a time (server 0.15).

        Args:
            from_: from this time on.
            to: until this time.
            queue: only of this queue.

        Raises:
            TypeError, ValueError: an argument that is not accepted.
            UnsupportedByServerError: server 0.7.
            QueenError: there is no answer.
        """
        request = analytics.get_queue_operations(
            from_=moment("from_", from_), to=moment("to", to), queue=text("queue", queue)
        )
        return await self._send(request)

    async def get_parked_replicas(
        self, *, from_: Moment = None, to: Moment = None, queue: Optional[str] = None
    ) -> ParkedReplicas:
        """Count the long polls that waited, by queue and server, over a time (server 0.15).

        Args:
            from_: from this time on.
            to: until this time.
            queue: only of this queue.

        Raises:
            TypeError, ValueError: an argument that is not accepted.
            UnsupportedByServerError: server 0.7.
            QueenError: there is no answer.
        """
        request = analytics.get_parked_replicas(
            from_=moment("from_", from_), to=moment("to", to), queue=text("queue", queue)
        )
        return await self._send(request)

    async def get_retention(self, *, from_: Moment = None, to: Moment = None, queue: Optional[str] = None) -> Retention:
        """Count the messages that retention and eviction deleted over a time (server 0.15).

        Args:
            from_: from this time on.
            to: until this time.
            queue: only of this queue.

        Raises:
            TypeError, ValueError: an argument that is not accepted.
            UnsupportedByServerError: server 0.7.
            QueenError: there is no answer.
        """
        request = analytics.get_retention(from_=moment("from_", from_), to=moment("to", to), queue=text("queue", queue))
        return await self._send(request)

    async def get_postgres_stats(self) -> PostgresStats:
        """Tell how the database does: caches, sizes of tables, queries that run, vacuum (server 0.15).

        Raises:
            UnsupportedByServerError: server 0.7.
            QueenError: there is no answer.
        """
        return await self._send(analytics.get_postgres_stats())

    async def get_buffers(self) -> Buffers:
        """Tell what the server's file buffer holds: ``pending``, ``failed`` and ``dbHealthy``.

        Raises:
            QueenError: there is no answer.
        """
        return await self._send(status.get_buffers())

    async def refresh_consumer_stats(self) -> Union[StatsRefresh, StatsRefreshSkipped]:
        """Count what the listings show now (server 0.15, which otherwise does so every two minutes).

        Returns:
            how much was counted; ``skipped`` and ``reason`` when another server of the same database was at it.

        Raises:
            UnsupportedByServerError: server 0.7, which counts with each listing.
            QueenError: there is no answer.
        """
        return await self._send(status.refresh_stats())
