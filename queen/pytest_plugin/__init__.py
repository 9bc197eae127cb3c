"""The pytest plugin: fixtures with a fresh embedded broker for each test.

A test run that uses none of them imports no broker.

``queen_broker``
    the broker, a ``queen.testing.QueenBroker``: to look into and to steer.
``queen_url``
    its URL, for code that makes its own client.
``queen``
    a client of it, closed in the test's event loop when the test is over.

``@pytest.mark.queen(dialect="0.7")`` lets the broker be another server.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, AsyncIterator, Iterator

import pytest

from queen.pytest_plugin.leftovers import FAILED, LEFT

if TYPE_CHECKING:
    from queen import Queen
    from queen.testing import QueenBroker

_ASYNCIO = "queen-asyncio"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, and the clients for event loops of pytest-asyncio."""
    config.addinivalue_line("markers", "queen(dialect): which server the broker of the test is: embedded, 0.15 or 0.7")
    if config.pluginmanager.has_plugin("asyncio"):
        import pytest_asyncio

        # Before pytest-asyncio 0.24 a fixture cannot say in which loop it runs; its tests are as others then.
        if "loop_scope" in inspect.signature(pytest_asyncio.fixture).parameters:
            from queen.pytest_plugin import asyncio_clients

            config.pluginmanager.register(asyncio_clients, _ASYNCIO)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Note whether a test failed: what it left behind is then no news."""
    if call.when == "call":
        item.stash[FAILED] = call.excinfo is not None


@pytest.fixture
def queen_broker(request: pytest.FixtureRequest) -> Iterator[QueenBroker]:
    """A fresh embedded broker, a ``queen.testing.QueenBroker``: look into it, and steer it."""
    from queen.testing import QueenBroker

    marker = request.node.get_closest_marker("queen")
    options = {} if marker is None else marker.kwargs
    if marker is not None and (marker.args or set(options) != {"dialect"}):
        raise pytest.UsageError('@pytest.mark.queen takes one argument, by its name: dialect="0.7" for example')
    broker = QueenBroker(**options)
    left = request.node.stash[LEFT] = []
    yield broker
    left += [f"a client was still waiting for {queue} when the test ended" for queue in broker.polled_queues]
    broker.close()
    if left and not request.node.stash.get(FAILED, False):
        pytest.fail("\n".join(left), pytrace=False)


@pytest.fixture
def queen_url(queen_broker: QueenBroker) -> str:
    """The URL of the test's broker, for ``Queen(queen_url)`` in this process."""
    return queen_broker.url


@pytest.fixture
def queen(request: pytest.FixtureRequest) -> Queen:
    """A client of the test's broker, a ``queen.Queen``, closed when the test is over.

    It repeats failed requests after milliseconds.
    """
    client: Queen = request.getfixturevalue(_client_fixture(request))
    return client


@pytest.fixture
def _queen_client(request: pytest.FixtureRequest, queen_broker: QueenBroker) -> Iterator[Queen]:
    """For tests that are sync, or run event loops themselves."""
    from queen.testing import client

    opened = client.client_of(queen_broker)
    yield opened
    request.node.stash[LEFT] += client.close_after_its_loop(opened)


@pytest.fixture(name="_queen_client_in_anyio")
async def client_in_its_loop(request: pytest.FixtureRequest, queen_broker: QueenBroker) -> AsyncIterator[Queen]:
    """For tests of anyio's plugin, which runs this fixture; pytest-asyncio has its own."""
    from queen.testing import client

    opened = client.client_of(queen_broker)
    yield opened
    request.node.stash[LEFT] += await client.close_in_its_loop(opened, queen_broker)


def _client_fixture(request: pytest.FixtureRequest) -> str:
    """The fixture whose client is closed in the event loop of this test, by whichever plugin runs it."""
    marker = request.node.get_closest_marker("asyncio")
    plugin = request.config.pluginmanager.get_plugin(_ASYNCIO)
    if marker is not None and plugin is not None:
        return str(plugin.client_fixture(request.config, marker))
    return "_queen_client_in_anyio" if "anyio_backend" in request.fixturenames else "_queen_client"
