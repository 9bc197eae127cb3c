"""Every code block of the pages runs, or is held to what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from queen import Queen
from tests.docs.blocks import PAGES, ROOT, RUN_BY, Block, blocks_in, blocks_of
from tests.docs.cluster import reachable
from tests.docs.fences import CHECKS
from tests.docs.running import run_fragments, run_program

PROGRAMS = {block.place: block for blocks in blocks_in("python").values() for block in blocks}
FRAGMENTS = blocks_in("py")
RUN = ("python", "py")


@pytest.mark.parametrize("block", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_a_program_runs_and_prints_what_the_page_says(block: Block, tmp_path: Path) -> None:
    with reachable([block]) as [program]:
        run_program(program, tmp_path)


@pytest.mark.parametrize("page", FRAGMENTS)
async def test_the_fragments_of_a_page_run_in_their_order(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with reachable(FRAGMENTS[page]) as fragments:
        async with Queen(f"memory://docs-{page}") as queen:
            await run_fragments(fragments, queen)


@pytest.mark.parametrize(("page", "test"), RUN_BY.items())
def test_what_another_test_runs_is_run_there(page: str, test: str) -> None:
    assert repr(Path(page).name).replace("'", '"') in (ROOT / test).read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_is_not_run_is_checked(page: Path) -> None:
    run_elsewhere = page.relative_to(ROOT).as_posix() in RUN_BY
    for block in blocks_of(page):
        if block.language in RUN or (run_elsewhere and block.language == "console"):
            continue
        assert block.language in CHECKS, f"{block.place}: nothing checks blocks in {block.language!r}"
        try:
            CHECKS[block.language](block.text)
        except (AssertionError, ValueError) as error:
            raise AssertionError(f"{block.place}: {error}") from error
