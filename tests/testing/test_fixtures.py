"""The fixtures, in small suites of their own under each plugin that runs async tests."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.testing.suites import AUTO, OPTIONS, STRICT, run

pytest_plugins = ["pytester"]

ASYNC_TESTS = """
import asyncio
import pytest
from queen import ClientClosedError, Queen

seen = []


@ASYNC_FIXTURE
async def service(queen):
    await queen.queue("log").push([{"data": "begin"}])
    yield queen
    await queen.queue("log").push([{"data": "end"}])


@MARK
async def test_a_client_of_a_fresh_broker(queen, queen_broker):
    await queen.queue("orders").push([{"data": {"id": 1}}])
    queen_broker.assert_pushed("orders", {"id": 1}, count=1)
    seen.append(queen)


@MARK
async def test_another_one(queen, queen_broker):
    queen_broker.assert_nothing_pushed()
    assert queen is not seen[0]
    with pytest.raises(ClientClosedError):
        seen[0].queue("orders")


@MARK
async def test_code_that_makes_its_own_client(queen, queen_url, queen_broker):
    async with Queen(queen_url) as mine:
        await mine.queue("orders").push([{"data": 1}])
    [message] = await queen.queue("orders").pop()
    assert message.data == 1


@MARK
async def test_a_fixture_that_uses_the_client_to_its_end(service, queen_broker):
    queen_broker.assert_pushed("log", count=1)


@MARK
async def test_a_consumer_that_was_ended(queen, queen_broker):
    async def handler(message):
        pass

    ended = asyncio.Event()
    consuming = asyncio.ensure_future(queen.queue("orders").group("billing").consume(handler, signal=ended))
    await queen.queue("orders").push([{"data": 1}, {"data": 2}])
    await queen_broker.until(lambda: queen_broker.assert_acked("orders", group="billing", count=2))
    ended.set()
    await consuming


@MARK
async def test_a_consumer_whose_task_was_cancelled(queen, queen_broker):
    consuming = asyncio.ensure_future(queen.queue("orders").consume(print))
    while not queen_broker.polled_queues:
        await asyncio.sleep(0)
    consuming.cancel()
"""


def async_tests(mark: str, fixture: str) -> str:
    return ASYNC_TESTS.replace("@MARK", mark).replace("@ASYNC_FIXTURE", fixture)


def test_under_pytest_asyncio_in_strict_mode(pytester: pytest.Pytester) -> None:
    pytester.makeini(STRICT)
    pytester.makepyfile("import pytest_asyncio\n" + async_tests("@pytest.mark.asyncio", "@pytest_asyncio.fixture"))
    run(pytester).assert_outcomes(passed=6)


def test_under_pytest_asyncio_in_auto_mode(pytester: pytest.Pytester) -> None:
    pytester.makeini(AUTO)
    pytester.makepyfile(async_tests("", "@pytest.fixture"))
    run(pytester).assert_outcomes(passed=6)


@pytest.mark.parametrize("scope", ["module", "package", "session"])
def test_under_pytest_asyncio_in_event_loops_that_tests_share(pytester: pytest.Pytester, scope: str) -> None:
    pytester.makeini(STRICT)
    mark, fixture = f"@pytest.mark.asyncio(loop_scope={scope!r})", f"@pytest_asyncio.fixture(loop_scope={scope!r})"
    tests = "import pytest_asyncio\n" + async_tests(mark, fixture)
    if scope == "package":
        pytester.makepyfile(__init__="")
    pytester.makepyfile(test_shared=tests)
    run(pytester).assert_outcomes(passed=6)


def test_under_anyio(pytester: pytest.Pytester) -> None:
    pytester.makeini(OPTIONS)
    pytester.makeconftest("import pytest\n\n\n@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n")
    pytester.makepyfile(async_tests("@pytest.mark.anyio", "@pytest.fixture"))
    run(pytester, "-p", "no:asyncio").assert_outcomes(passed=6)


def test_under_anyio_beside_pytest_asyncio(pytester: pytest.Pytester) -> None:
    pytester.makeini(STRICT)
    pytester.makeconftest("import pytest\n\n\n@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n")
    pytester.makepyfile(async_tests("@pytest.mark.anyio", "@pytest.fixture"))
    run(pytester).assert_outcomes(passed=6)


SYNC_TESTS = """
import asyncio
import threading
from queen import Message, Queen


def test_a_program_with_an_event_loop_of_its_own(queen, queen_broker):
    async def program():
        await queen.queue("orders").push([{"data": 1}])

    asyncio.run(program())
    queen_broker.assert_pushed("orders", 1, count=1)


def test_nothing_is_asked_of_the_client(queen, queen_broker):
    queen_broker.assert_nothing_pushed()


def test_code_in_another_thread(queen_url, queen_broker):
    ended = threading.Event()

    async def program():
        async with Queen(queen_url) as mine:
            async def handler(message: Message):
                await mine.queue("invoices").push([{"data": message.data}])

            signal = asyncio.Event()
            consuming = asyncio.ensure_future(mine.queue("orders").group("billing").consume(handler, signal=signal))
            await mine.queue("orders").config({"delayedProcessing": 60}).create()
            await mine.queue("orders").push([{"data": 7}])
            await asyncio.get_running_loop().run_in_executor(None, ended.wait)
            signal.set()
            await consuming

    thread = threading.Thread(target=asyncio.run, args=[program()])
    thread.start()
    queen_broker.wait_until(lambda: queen_broker.assert_pushed("orders"))
    queen_broker.assert_nothing_pushed("invoices")
    queen_broker.advance(61)
    queen_broker.wait_until(lambda: queen_broker.assert_acked("orders", 7, group="billing"))
    queen_broker.assert_pushed("invoices", 7)
    ended.set()
    thread.join()
"""


def test_without_a_plugin_for_async_tests(pytester: pytest.Pytester) -> None:
    pytester.makeini(OPTIONS)
    pytester.makepyfile(SYNC_TESTS)
    run(pytester, "-p", "no:asyncio", "-p", "no:anyio").assert_outcomes(passed=3)


def test_in_parallel_under_xdist(pytester: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    pytester.makeini(STRICT)
    pytester.makepyfile("import pytest_asyncio\n" + async_tests("@pytest.mark.asyncio", "@pytest_asyncio.fixture"))
    pytester.makepyfile(test_sync=SYNC_TESTS)
    pytester.runpytest_subprocess("-n", "2", "--dist", "loadfile").assert_outcomes(passed=9)


def test_the_marker_chooses_the_dialect(pytester: pytest.Pytester) -> None:
    pytester.makeini(AUTO)
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.queen(dialect="0.7")
        async def test_old(queen, queen_broker):
            assert queen_broker.dialect == "0.7"
            await queen.queue("orders").create()
            assert "Acceptor/Worker" in (await queen.admin.health())["server"]

        async def test_default(queen, queen_broker):
            assert queen_broker.dialect == "embedded"

        @pytest.mark.queen(dialect="0.8")
        async def test_unknown(queen):
            pass
        """
    )
    result = run(pytester)
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*ValueError: dialect='0.8' is unknown; accepted are embedded, 0.15, 0.7"])


def test_it_can_be_switched_off(pytester: pytest.Pytester) -> None:
    pytester.makeini(STRICT)
    pytester.makepyfile("def test_it(queen_broker): pass")
    result = run(pytester, "-p", "no:queen")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'queen_broker' not found"])


def test_without_the_extra_the_fixtures_name_it(pytester: pytest.Pytester) -> None:
    pytester.makeini(STRICT)
    pytester.makeconftest("import sys\n\nsys.modules['starlette'] = None\n")
    pytester.makepyfile("def test_other(): pass\n\n\ndef test_it(queen): pass")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(['*ImportError: the embedded broker needs the extra "broker": pip install*'])


def test_a_run_that_uses_no_fixture_imports_no_broker(pytester: pytest.Pytester) -> None:
    pytester.makeini(STRICT)
    pytester.makepyfile(
        """
        import sys

        def test_it(request):
            assert request.config.pluginmanager.has_plugin("queen")
            assert not {"queen.broker", "queen.testing", "starlette", "sqlite3"} & set(sys.modules)
        """
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:anyio", str(pytester.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("arguments", ['"0.7"', 'flavour="0.7"', ""])
def test_a_marker_that_says_something_else_is_refused(pytester: pytest.Pytester, arguments: str) -> None:
    pytester.makeini(STRICT)
    pytester.makepyfile(f"import pytest\n\n\n@pytest.mark.queen({arguments})\ndef test_it(queen_broker): pass")
    result = run(pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*@pytest.mark.queen takes one argument, by its name: dialect=*"])
