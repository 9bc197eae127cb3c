"""A broker in a process of its own, on a file, which is killed and started again."""

from __future__ import annotations

import asyncio
import re
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import List, Optional, Type


class BrokerProcess:
    """``python -m queen.broker`` on a file; each start has a port of its own.

    Args:
        database: the file.
        dialect: what it speaks.

    Attributes:
        port: where it listens; the last one while it is away.
        log: what it wrote, line by line, over all its lives.
    """

    def __init__(self, database: Path, dialect: str = "embedded") -> None:
        self._database = database
        self._dialect = dialect
        self._process: Optional[asyncio.subprocess.Process] = None
        self._reading: Optional[asyncio.Task[None]] = None
        self.port = 0
        self.log: List[str] = []

    async def __aenter__(self) -> BrokerProcess:
        await self.start()
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        await self.end(signal.SIGKILL)

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        arguments = ["--port", "0", "--db", str(self._database), "--dialect", self._dialect]
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "queen.broker", *arguments, stderr=asyncio.subprocess.PIPE
        )
        assert self._process.stderr is not None
        line = (await asyncio.wait_for(self._process.stderr.readline(), 20)).decode()
        found = re.search(r"http://[\d.]+:(\d+)", line)
        assert found is not None, line
        self.port = int(found.group(1))
        self._reading = asyncio.ensure_future(self._read(self._process.stderr))

    async def kill(self) -> None:
        """End it as ``kill -9`` does."""
        await self.end(signal.SIGKILL)

    async def end(self, how: signal.Signals) -> None:
        """End it by a signal, if it runs."""
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.send_signal(how)
        await self._process.wait()
        if self._reading is not None:
            await self._reading
        self._process = None

    def let_leases_end(self) -> None:
        """Let all leases be over, while it is away: as if more time than the longest of them had passed."""
        assert self._process is None
        with closing(sqlite3.connect(self._database)) as connection, connection:
            connection.execute("UPDATE cursors SET lease_until = 0 WHERE lease_until IS NOT NULL")

    async def _read(self, stream: asyncio.StreamReader) -> None:
        async for line in stream:
            self.log.append(line.decode())
