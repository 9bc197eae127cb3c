"""Small suites that use the plugin, as its users have them."""

from __future__ import annotations

import pytest
import pytest_asyncio

OPTIONS = """
[pytest]
addopts = --strict-markers -p no:schemathesis -p no:hypothesispytest -p no:cacheprovider
filterwarnings = error
"""
STRICT = OPTIONS + "asyncio_mode = strict\nasyncio_default_fixture_loop_scope = function\n"
AUTO = STRICT.replace("= strict\n", "= auto\n")


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run the tests that were made, in this process where they leave nothing behind in it."""
    # Before 1.0 pytest-asyncio leaves event loops open, which is told in the middle of another test.
    if pytest_asyncio.__version__.startswith("0."):
        return pytester.runpytest_subprocess(*arguments)
    return pytester.runpytest_inprocess(*arguments)
