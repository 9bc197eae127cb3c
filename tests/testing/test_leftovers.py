"""What a test leaves behind is told, and nothing hangs on it."""

from __future__ import annotations

import pytest

from tests.testing.suites import AUTO, run

pytest_plugins = ["pytester"]


def errors_of(pytester: pytest.Pytester, tests: str, **outcomes: int) -> str:
    pytester.makeini(AUTO)
    pytester.makepyfile(tests)
    result = run(pytester)
    result.assert_outcomes(**outcomes)
    # Quicker than any of the client's own times.
    assert result.duration < 10
    return result.stdout.str()


def test_a_consumer_that_is_running(pytester: pytest.Pytester) -> None:
    tests = """
        import asyncio

        async def test_it(queen, queen_broker):
            test_it.task = asyncio.ensure_future(queen.queue("orders").group("billing").consume(print))
            while not queen_broker.polled_queues:
                await asyncio.sleep(0)

        def test_it_was_ended():
            assert test_it.task.done()
        """
    shown = errors_of(pytester, tests, passed=2, errors=1)
    assert "a consumer of orders was still running when the test ended: end it by its signal, limit()" in shown
    assert "ERROR at teardown of test_it" in shown


def test_a_handler_that_does_not_end(pytester: pytest.Pytester) -> None:
    tests = """
        import asyncio

        async def test_it(queen, queen_broker):
            entered = asyncio.Event()

            async def handler(message):
                entered.set()
                await asyncio.Event().wait()

            test_it.task = asyncio.ensure_future(queen.queue("orders").consume(handler))
            await queen.queue("orders").push([{"data": 1}])
            await entered.wait()
        """
    shown = errors_of(pytester, tests, passed=1, errors=1)
    assert "a handler was still running when the test ended, and was not waited for any longer" in shown


def test_messages_that_are_buffered(pytester: pytest.Pytester) -> None:
    tests = """
        import asyncio

        async def test_it(queen):
            await queen.queue("orders").buffer().push([{"data": 1}, {"data": 2}])

        async def test_flushed(queen, queen_broker):
            await queen.queue("orders").buffer().push([{"data": 1}])
            await queen.flush_all_buffers()
            queen_broker.assert_pushed("orders", 1)

        def test_in_a_loop_of_its_own(queen):
            asyncio.run(queen.queue("orders").buffer().push([{"data": 1}]))
        """
    shown = errors_of(pytester, tests, passed=3, errors=2)
    assert "messages were still buffered when the test ended (2): await queen.flush_all_buffers() in the test" in shown
    assert "messages were still buffered when the test ended (1): await queen.flush_all_buffers() in the test" in shown


def test_a_client_in_another_thread(pytester: pytest.Pytester) -> None:
    tests = """
        import asyncio, threading
        from queen import Queen

        def test_it(queen_url, queen_broker):
            loop = asyncio.new_event_loop()

            async def work():
                async with Queen(queen_url, retry_attempts=0) as mine:
                    await mine.queue("orders").wait(True).pop()

            def run():
                loop.run_until_complete(work())
                loop.close()

            threading.Thread(target=run).start()
            while queen_broker.polled_queues != ["orders"]:
                pass
        """
    shown = errors_of(pytester, tests, passed=1, errors=1)
    assert "a client was still waiting for orders when the test ended" in shown


def test_what_a_failing_test_leaves_behind_is_no_news(pytester: pytest.Pytester) -> None:
    tests = """
        import asyncio

        async def test_it(queen, queen_broker):
            asyncio.ensure_future(queen.queue("orders").consume(print))
            await queen.queue("orders").buffer().push([{"data": 1}])
            while not queen_broker.polled_queues:
                await asyncio.sleep(0)
            queen_broker.assert_acked("orders")
        """
    shown = errors_of(pytester, tests, failed=1)
    assert "no message was acknowledged in 'orders'; nothing was" in shown


def test_faults_that_did_not_happen_do_not_hold_up_the_end(pytester: pytest.Pytester) -> None:
    tests = """
        async def test_it(queen, queen_broker):
            await queen.queue("orders").buffer().push([{"data": 1}])
            queen_broker.refuse_connections(1000)
        """
    errors_of(pytester, tests, passed=1, errors=1)
