"""Clients for tests of pytest-asyncio, closed in the event loop of their test; imported only where that plugin is."""

from __future__ import annotations

from typing import TYPE_CHECKING, AsyncIterator

import pytest
import pytest_asyncio
from typing_extensions import Literal, TypeAlias

from queen.pytest_plugin.leftovers import LEFT

if TYPE_CHECKING:
    from queen import Queen
    from queen.testing import QueenBroker

_Scope: TypeAlias = Literal["session", "package", "module", "class", "function"]


def client_fixture(config: pytest.Config, marker: pytest.Mark) -> str:
    """The fixture for a test, by the scope of its event loop."""
    scope = marker.kwargs.get("loop_scope") or marker.kwargs.get("scope")
    if scope is None:
        try:
            scope = config.getini("asyncio_default_test_loop_scope")
        except ValueError:
            # Before pytest-asyncio 1.0 there is no such option.
            scope = "function"
    return _name(str(scope))


def _name(scope: str) -> str:
    return f"_queen_client_in_{scope}_loop"


def _fixture(scope: _Scope) -> object:
    async def client_in_its_loop(request: pytest.FixtureRequest, queen_broker: QueenBroker) -> AsyncIterator[Queen]:
        from queen.testing import client

        opened = client.client_of(queen_broker)
        yield opened
        request.node.stash[LEFT] += await client.close_in_its_loop(opened, queen_broker)

    return pytest_asyncio.fixture(loop_scope=scope, name=_name(scope))(client_in_its_loop)


in_function_loop = _fixture("function")
in_class_loop = _fixture("class")
in_module_loop = _fixture("module")
in_package_loop = _fixture("package")
in_session_loop = _fixture("session")
