"""Servers for pages that name some: all lead to one embedded broker, as the servers of a cluster share a database."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import Dict, Iterator, List, Sequence

import attrs
import uvicorn

from queen.broker import open_broker
from tests.docs.blocks import Block

ADDRESSES = ("http://localhost:6632", "http://queen-1:6632", "http://queen-2:6632", "http://queen-3:6632")


@contextlib.contextmanager
def reachable(blocks: Sequence[Block]) -> Iterator[List[Block]]:
    """The blocks with addresses that lead to a broker, which is started if one of them names any."""
    if not any(address in block.text for block in blocks for address in ADDRESSES):
        yield list(blocks)
        return
    with _served() as servers:
        yield [attrs.evolve(block, text=_replaced(block.text, servers)) for block in blocks]


def _replaced(text: str, servers: Dict[str, str]) -> str:
    for address, url in servers.items():
        text = text.replace(address, url)
    return text


@contextlib.contextmanager
def _served() -> Iterator[Dict[str, str]]:
    with contextlib.ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket()) for _ in ADDRESSES]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        broker = open_broker("memory://")
        server = uvicorn.Server(uvicorn.Config(broker.app, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": sockets})
        thread.start()
        try:
            yield {name: f"http://127.0.0.1:{one.getsockname()[1]}" for name, one in zip(ADDRESSES, sockets)}
        finally:
            server.should_exit = True
            thread.join()
            asyncio.run(broker.close())
