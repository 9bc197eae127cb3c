"""What a server of another generation lacks is said as that, over real sockets."""

from __future__ import annotations

from typing import Any, Iterator

import pytest
from queen_api import Request
from queen_api.api import groups, messages, streams

from queen import Queen, UnsupportedByServerError
from tests.conftest import served_broker


@pytest.fixture(scope="module")
def server_07() -> Iterator[str]:
    with served_broker("0.7") as url:
        yield url


@pytest.fixture(scope="module")
def server_015() -> Iterator[str]:
    with served_broker("0.15") as url:
        yield url


async def lacking(url: str, request: Request[Any]) -> UnsupportedByServerError:
    async with Queen(url) as queen:
        with pytest.raises(UnsupportedByServerError) as raised:
            await queen.send(request)
    return raised.value


async def test_a_route_of_later_servers_names_the_first_that_has_it(server_07: str) -> None:
    error = await lacking(server_07, groups.delete_group_for_queue(group="g", queue="q"))
    assert error.route == "DELETE /api/v1/consumer-groups/{group}/queues/{queue}"
    assert (error.versions, error.status, error.url) == ("0.15 and later", 404, server_07)
    assert f"servers 0.15 and later have {error.route}" in str(error)


async def test_a_route_that_is_gone_names_the_last_that_had_it(server_015: str) -> None:
    for request in (messages.pop_matching(namespace="n"), streams.list_streams()):
        error = await lacking(server_015, request)
        assert error.route == f"{request.operation.method} {request.operation.path}"
        assert error.versions == "0.7"


async def test_what_the_fluent_layer_needs_is_named_too(server_015: str) -> None:
    async with Queen(server_015) as queen:
        with pytest.raises(UnsupportedByServerError, match=r"servers 0\.7 have POST /api/v1/stream/define"):
            await queen.stream("s", "n").sources(["q"]).define()
