"""The documentation site is built without a warning, of all pages, and asks nobody else for anything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import List, Optional, Tuple

import pytest

import queen
from tests.docs.blocks import ROOT

pytest.importorskip("mkdocs", reason="the extra docs is not installed")
pytest.importorskip("material", reason="the extra docs is not installed")
pytestmark = pytest.mark.skipif(sys.version_info < (3, 10), reason="the generator needs a newer Python")


class Loads(HTMLParser):
    """What a page makes a browser load."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: List[str] = []

    def handle_starttag(self, tag: str, attrs: List[Tuple[str, Optional[str]]]) -> None:
        said = dict(attrs)
        loaded = said.get("src") if tag in ("script", "img", "iframe") else None
        if tag == "link" and said.get("rel") not in ("canonical", "next", "prev"):
            loaded = said.get("href")
        if loaded is not None:
            self.addresses.append(loaded)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


def test_every_page_is_there(site: Path) -> None:
    for page in (ROOT / "docs").rglob("*.md"):
        name = page.relative_to(ROOT / "docs").with_suffix("")
        assert (site / ("" if name.name == "index" else name) / "index.html").is_file()
    for generated in ("examples", "wire", "wire/messages", "wire/shapes", "security", "contributing", "changelog"):
        assert (site / generated / "index.html").is_file()


def test_every_example_is_on_the_page_of_examples(site: Path) -> None:
    shown = (site / "examples" / "index.html").read_text("utf-8")
    programs = list((ROOT / "examples").glob("*.py"))
    assert programs
    assert [program.name for program in programs if f"examples/{program.name}<" not in shown] == []


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        loads = Loads()
        loads.feed(page.read_text("utf-8"))
        assert [address for address in loads.addresses if re.match(r"(https?:)?//", address)] == [], page
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(\s*[\"']?(https?:)?//", style.read_text("utf-8")), style


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    reference = "".join(page.read_text("utf-8") for page in (site / "reference").rglob("*.html"))
    documented = {name.rpartition(".")[2] for name in re.findall(r'id="(queen\.[\w.]+)"', reference)}
    assert {name for name in queen.__all__ if not name.endswith("_DEFAULTS")} <= documented
    assert all(f"<code>{name}</code>" in reference for name in ("queen.CLIENT_DEFAULTS", "QUEUE_DEFAULTS"))


def test_sections_of_docstrings_are_read(site: Path) -> None:
    page = (site / "reference" / "client" / "index.html").read_text("utf-8")
    assert "Args:" not in page
    assert "Example::" not in page
    assert "``" not in page
    assert page.count("Raises:") > 5
    assert 'href="../../typed-payloads/"' in page


def test_links_that_leave_the_site_are_text(site: Path) -> None:
    reliability = (site / "reliability" / "index.html").read_text("utf-8")
    assert "tests/faults/proxy.py" in reliability
    assert 'href="../tests' not in reliability
    contributing = (site / "contributing" / "index.html").read_text("utf-8")
    assert 'href="../design/#map-of-the-repository"' in contributing
    assert "tests/generator/test_contributing.py" in contributing
