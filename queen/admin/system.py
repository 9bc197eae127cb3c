"""The server itself: its health, and its maintenance modes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queen_api.api import maintenance, system

from queen import validation
from queen.admin.section import Section

if TYPE_CHECKING:
    from queen_api.models import Health, MaintenanceAnswer, MaintenanceStatus, Metrics, PopMaintenance, SharedState


class System(Section):
    """Looks after one server; with several, each call is for one of them."""

    async def health(self) -> Health:
        """Tell whether the server and its database are well.

        Raises:
            QueenError: there is no answer.
        """
        return await self._send(system.health())

    async def metrics(self) -> Metrics:
        """Tell what the server process uses: uptime, requests, memory, connections.

        Raises:
            QueenError: there is no answer.
        """
        return await self._send(system.get_metrics())

    async def prometheus_metrics(self) -> str:
        """Tell everything that is counted, in the text format of Prometheus (server 0.15).

        Raises:
            UnsupportedByServerError: server 0.7.
            QueenError: there is no answer.
        """
        return await self._send(system.get_prometheus_metrics())

    async def get_shared_state(self) -> SharedState:
        """Tell what the servers of one database know of each other (server 0.15).

        Raises:
            UnsupportedByServerError: server 0.7.
            QueenError: there is no answer.
        """
        return await self._send(system.get_shared_state())

    async def get_maintenance_mode(self) -> MaintenanceStatus:
        """Tell whether pushes go to the file buffer, and what it holds.

        Raises:
            QueenError: there is no answer.
        """
        return await self._send(maintenance.get_maintenance())

    async def set_maintenance_mode(self, enabled: bool) -> MaintenanceAnswer:
        """Send all pushes to the server's file buffer, or store them again, those in the buffer first.

        While it is on, pushes are answered ``buffered``, and pops, acks and transactions go on.

        Args:
            enabled: whether it shall be on.

        Raises:
            TypeError: neither True nor False.
            QueenError: it was not set.
        """
        return await self._send(maintenance.set_maintenance(enabled=validation.boolean("enabled", enabled)))

    async def get_pop_maintenance_mode(self) -> PopMaintenance:
        """Tell whether pops are held back (server 0.15).

        Raises:
            UnsupportedByServerError: server 0.7.
            QueenError: there is no answer.
        """
        return await self._send(maintenance.get_pop_maintenance())

    async def set_pop_maintenance_mode(self, enabled: bool) -> PopMaintenance:
        """Let every pop come back empty, or give messages again (server 0.15). Everything else goes on.

        Args:
            enabled: whether it shall be on.

        Raises:
            TypeError: neither True nor False.
            UnsupportedByServerError: server 0.7.
            QueenError: it was not set.
        """
        return await self._send(maintenance.set_pop_maintenance(enabled=validation.boolean("enabled", enabled)))
