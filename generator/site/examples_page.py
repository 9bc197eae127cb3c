"""The page of examples: each program of ``examples/``, with what its docstring says of it."""

from __future__ import annotations

import ast
from pathlib import Path

_HEAD = """# Examples

One program for each pattern, to run and to copy: they are in `examples/` of the repository. Each runs by itself on the
embedded broker, and with `--url http://localhost:6632` on a server. All of them run in the test suite.
"""


def examples_page(folder: Path) -> str:
    """The page's Markdown.

    Args:
        folder: where the programs are.
    """
    programs = sorted(folder.glob("*.py"), key=lambda path: (path.stem != "quickstart", path.stem))
    return "\n".join([_HEAD, *map(_section, programs)])


def _section(program: Path) -> str:
    text = program.read_text("utf-8")
    tree = ast.parse(text)
    summary, _, rest = (ast.get_docstring(tree) or "").replace("``", "`").partition("\n\n")
    assert tree.body[0].end_lineno is not None
    code = "\n".join(text.splitlines()[tree.body[0].end_lineno :]).strip()
    title = program.stem.replace("_", " ").capitalize()
    return f'## {title}\n\n{summary}\n\n{rest}\n\n```python title="examples/{program.name}"\n{code}\n```\n'
