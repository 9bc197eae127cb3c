"""Runs the code of pages: complete programs, and fragments that belong together.

A ``python`` block is a complete program: it runs in a process of its own, in an empty folder, with warnings as errors,
and must end well and by itself. ``py`` blocks are fragments: those of one page run in their order, in one namespace, as
in ``python -m asyncio``. The first finds ``queen``, a client of an empty embedded broker, and each what those before
it defined; nothing else is there that the page does not show.
"""

from __future__ import annotations

import ast
import contextlib
import doctest
import inspect
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

from queen import Queen
from tests.docs.blocks import Block

_PATIENCE_SECONDS = 60


def run_program(block: Block, folder: Path) -> None:
    """Run a complete program, and compare what it prints with what the page says.

    Args:
        block: the program.
        folder: an empty folder, where it runs.

    Raises:
        AssertionError: it failed, warned, or printed something else.
    """
    program = folder / "program.py"
    # Tracebacks show the lines of the page.
    program.write_text("\n" * (block.line - 1) + block.text, "utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-W", "error", program.name],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=_PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{block.place} failed\n{done.stdout}{done.stderr}"
    compare(block, done.stdout)


async def run_fragments(blocks: List[Block], queen: Queen) -> None:
    """Run the fragments of one page.

    Args:
        blocks: the fragments, in their order.
        queen: the client that they find.

    Raises:
        AssertionError: one printed something else than the page says.
    """
    names: Dict[str, Any] = {"__name__": "__main__", "queen": queen}
    for block in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            for statement in ast.parse(block.text, block.place).body:
                ast.increment_lineno(statement, block.line - 1)
                await _execute(statement, str(block.page), names)
        compare(block, printed.getvalue())


def compare(block: Block, printed: str) -> None:
    """Hold what was printed to what the page says, where it says so; ``...`` stands for any text.

    Raises:
        AssertionError: it is something else.
    """
    if block.output is None:
        return
    same = doctest.OutputChecker().check_output(block.output, printed, doctest.ELLIPSIS)
    assert same, f"{block.place} prints\n{printed}\nand the page says\n{block.output}"


async def _execute(statement: ast.stmt, name: str, names: Dict[str, Any]) -> None:
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code = compile(ast.Module([statement], []), name, "exec", flags, dont_inherit=True)
    result = eval(code, names)
    if code.co_flags & inspect.CO_COROUTINE:
        await result
