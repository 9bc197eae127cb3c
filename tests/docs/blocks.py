"""The code blocks of a page, with the lines they are on."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple

import attrs

ROOT = Path(__file__).resolve().parents[2]
# CONTRIBUTING.md is taken step by step by tests/generator/test_contributing.py.
PAGES: Tuple[Path, ...] = (ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md")))

# Pages whose programs need more than a page can show, with the test that runs them: suites for pytest, a shell.
RUN_BY: Dict[str, str] = {
    "docs/testing.md": "tests/testing/test_document.py",
    "docs/command-line.md": "tests/cli/test_document.py",
    "README.md": "tests/unit/test_readme.py",
}

_FENCE = re.compile(r"(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<info>[^`]*)$")
_OUTPUT = 'title="Output"'


@attrs.frozen
class Block:
    """A fenced block.

    Attributes:
        page: the file it is in.
        line: the line of its first line of code, counted from 1.
        language: the first word behind the fence; empty where there is none.
        text: what is in it, without the indentation of its fence.
        output: the text of the block behind it that says what it prints, where there is one.
    """

    page: Path
    line: int
    language: str
    text: str
    output: Optional[str] = None

    @property
    def place(self) -> str:
        """Where it is, for people: ``docs/tutorial.md:12``."""
        page = self.page.relative_to(ROOT) if ROOT in self.page.parents else self.page
        return f"{page.as_posix()}:{self.line}"


def blocks_of(page: Path) -> List[Block]:
    """The blocks of a page, in their order; an output is part of the block before it.

    Raises:
        ValueError: a fence is not closed, or an output has no block before it.
    """
    blocks: List[Block] = []
    for info, block, follows in _fenced(page):
        if _OUTPUT not in info:
            blocks.append(block)
            continue
        if not follows or not blocks or blocks[-1].output is not None:
            raise ValueError(f"{block.place}: an output belongs directly behind the block that prints it")
        blocks[-1] = attrs.evolve(blocks[-1], output=block.text)
    return blocks


def blocks_in(language: str) -> Dict[str, List[Block]]:
    """The blocks in one language, by page, but for those that another test runs."""
    found: Dict[str, List[Block]] = {}
    for page in PAGES:
        name = page.relative_to(ROOT).as_posix()
        blocks = [block for block in blocks_of(page) if block.language == language]
        if blocks and name not in RUN_BY:
            found[name] = blocks
    return found


def _fenced(page: Path) -> Iterator[Tuple[str, Block, bool]]:
    """Each block with what its fence says, and whether only blank lines are between it and the block before."""
    lines = enumerate(page.read_text("utf-8").splitlines(), start=1)
    follows = False
    for number, line in lines:
        opened = _FENCE.match(line)
        if opened is None:
            follows = follows and not line.strip()
            continue
        info = opened["info"].strip()
        language = re.split(r"[\s{]", info, maxsplit=1)[0]
        inside: List[str] = []
        for _, inner in lines:
            if inner.strip() == opened["fence"]:
                break
            inside.append(inner)
        else:
            raise ValueError(f"{page}:{number}: the block is not closed")
        text = textwrap.dedent("\n".join(inside)) + "\n"
        yield info, Block(page, number + 1, language, text), follows
        follows = True
