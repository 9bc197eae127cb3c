"""The hooks of mkdocs: pages that are in no file of ``docs/``, and links that lead out of it."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from generator.site.examples_page import examples_page
from generator.site.wire_pages import wire_pages
from generator.spec import load

_ROOT = Path(__file__).resolve().parents[2]
_FROM_ROOT = {"security.md": "SECURITY.md", "contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}
_LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<target>(?!https?:|#)[^)#]+)(?P<anchor>#[^)]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made of other files of the repository."""
    pages = {
        "examples.md": examples_page(_ROOT / "examples"),
        **wire_pages(load(_ROOT / "openapi" / "queen.yaml")),
        **from_root(),
    }
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Let links to files that are not in the site be their text: the repository has no public address."""
    folder = posixpath.join("docs", posixpath.dirname(page.file.src_uri))
    return without_outer_links(markdown, folder)


def from_root() -> dict[str, str]:
    """The pages of the repository's root, with links as from ``docs/``."""
    found: dict[str, str] = {}
    for name, file in _FROM_ROOT.items():
        found[name] = _LINK.sub(_from_docs, (_ROOT / file).read_text("utf-8"))
    return found


def without_outer_links(markdown: str, folder: str) -> str:
    """Markdown whose links lead to pages of the site only.

    Args:
        markdown: the text.
        folder: the folder of its page, from the repository's root.
    """

    def shown(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, link["target"]))
        return link[0] if target.startswith("docs/") else link["text"]

    return _LINK.sub(shown, markdown)


def _from_docs(link: re.Match[str]) -> str:
    if not (_ROOT / link["target"]).exists():
        # A call of what is in a list, in a block of code.
        return link[0]
    pages = {file: name for name, file in _FROM_ROOT.items()}
    target = pages.get(link["target"]) or posixpath.relpath(link["target"], "docs")
    return f"[{link['text']}]({target}{link['anchor'] or ''})"
