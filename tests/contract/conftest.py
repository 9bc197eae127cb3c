"""The table at the end of the contract tests."""

from __future__ import annotations

import pytest

from tests.contract.tally import TALLY


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = TALLY.lines()
    if lines:
        terminalreporter.section("the contract, by generated requests")
        for line in lines:
            terminalreporter.write_line(line)
