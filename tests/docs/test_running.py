"""What runs the blocks of pages fails when a page is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import List

import pytest

from queen import Queen
from tests.docs.blocks import ROOT, Block, blocks_of
from tests.docs.fences import CHECKS
from tests.docs.running import run_fragments, run_program

PAGE = ROOT / "docs" / "index.md"


def written(folder: Path, text: str) -> Path:
    page = folder / "page.md"
    page.write_text(text, "utf-8")
    return page


def fragments(*texts: str, output: str = "") -> List[Block]:
    return [Block(PAGE, 1, "py", text, output or None) for text in texts]


def test_blocks_are_found_with_their_lines_and_outputs(tmp_path: Path) -> None:
    page = written(
        tmp_path,
        'words\n\n```python title="a.py"\nprint(1)\n```\n\n```text title="Output"\n1\n```\n\n'
        "??? note\n    ```bash\n    make docs\n    ```\n",
    )
    found = [(block.language, block.line, block.text, block.output) for block in blocks_of(page)]
    assert found == [("python", 4, "print(1)\n", "1\n"), ("bash", 13, "make docs\n", None)]


@pytest.mark.parametrize(
    "text",
    [
        "```py\n1\n",
        'words\n\n```text title="Output"\n1\n```\n',
        '```py\n1\n```\nwords\n```text title="Output"\n1\n```\n',
    ],
    ids=["not closed", "nothing printed it", "words between"],
)
def test_a_page_that_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match="block"):
        blocks_of(written(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "output", "why"),
    [
        ("raise KeyError('no')", None, r"line 7, in <module>[\s\S]*KeyError: 'no'"),
        ("import warnings\nwarnings.warn('old')", None, "UserWarning: old"),
        ("print(2)", "1\n", r"prints\n2"),
    ],
)
def test_a_program_that_fails_warns_or_prints_something_else_is_a_failure(
    tmp_path: Path, text: str, output: str, why: str
) -> None:
    with pytest.raises(AssertionError, match=why):
        run_program(Block(PAGE, 7, "python", text, output), tmp_path)


async def test_fragments_share_their_names_and_may_await(queen: Queen) -> None:
    await run_fragments(fragments("await queen.queue('q').create()\nnumber = 1", "number += 1\nprint(number)"), queen)
    await run_fragments(fragments("import asyncio\nprint(type(queen).__name__, 1.5)", output="Queen ...\n"), queen)


async def test_a_fragment_finds_nothing_that_its_page_does_not_show(queen: Queen) -> None:
    with pytest.raises(NameError, match="asyncio"):
        await run_fragments(fragments("asyncio.sleep(0)"), queen)


async def test_a_fragment_that_prints_something_else_is_a_failure(queen: Queen) -> None:
    with pytest.raises(AssertionError, match=r"index\.md:1 prints"):
        await run_fragments(fragments("print(2)", output="1\n"), queen)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("bash", "make no-such-target"),
        ("bash", 'pip install "queen-mq[no-such-extra]"'),
        ("bash", "python -m queen.broker --no-such-option"),
        ("bash", "queen no-such-command"),
        ("bash", "queen push orders --no-such-option"),
        ("bash", "export QUEEN_NO_SUCH_VARIABLE=1"),
        ("bash", "rm -rf /"),
        ("yaml", "a: b: c"),
        ("json", "{'a': 1}"),
        ("ini", "no section"),
        ("http", "GET\n\n"),
        ("python3", "def f(:"),
        ("text", "\n"),
    ],
)
def test_what_is_not_run_is_refused_when_it_is_wrong(language: str, text: str) -> None:
    with pytest.raises(Exception, match=r"\S"):
        CHECKS[language](text)


@pytest.mark.parametrize(
    "text",
    ["make docs", 'pip install "queen-mq[broker,speed]"', "QUEEN=1 python -m queen.broker \\\n  --port 1  # words"],
)
def test_commands_that_exist_are_taken(text: str) -> None:
    CHECKS["bash"](text)
