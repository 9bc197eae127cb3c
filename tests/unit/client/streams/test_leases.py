"""The lease of a window is renewed while its callback runs."""

from __future__ import annotations

import asyncio

from queen import Queen, Window
from tests.scripted_server import ScriptedServer
from tests.unit.client.streams.windows import StreamServer


async def test_the_lease_is_renewed_while_the_callback_runs() -> None:
    script = StreamServer({"success": True, "lease_expires_at": "2026-01-31 10:25:30+00"})
    async with ScriptedServer(script) as server, Queen(server.url) as queen:
        consumer = queen.consumer("s", "g")

        async def callback(window: Window) -> None:
            await script.renewed.wait()
            script.renewed.clear()
            await script.renewed.wait()
            assert not window.lease_lost
            consumer.stop()

        await asyncio.wait_for(consumer.process(callback), 5)
    renewals = [request.json for request in server.received if request.target.endswith("/renew-lease")]
    assert renewals[0] == {"leaseId": "lease", "extend_ms": 30}
    assert script.acks == [{"leaseId": "lease", "success": True}]


async def test_a_lost_lease_is_told_to_the_callback_and_renewal_stops() -> None:
    script = StreamServer({"error": "Lease not found or expired"})
    async with ScriptedServer(script) as server, Queen(server.url) as queen:
        consumer = queen.consumer("s", "g")

        async def callback(window: Window) -> None:
            while not window.lease_lost:  # noqa: ASYNC110  (handlers look at it)
                await asyncio.sleep(0)
            script.renewed.clear()
            consumer.stop()

        await asyncio.wait_for(consumer.process(callback), 5)
    renewals = [request for request in server.received if request.target.endswith("/renew-lease")]
    assert len(renewals) == 1
