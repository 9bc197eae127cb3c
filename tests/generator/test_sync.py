"""The sync client is made of the source of the async one: by rule, as a whole, and checked."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

from generator.failure import GenerationError
from generator.output import check_sync, generate_sync
from generator.sync.docstrings import reworded, with_arguments
from tests.generator.packages import ROOT
from tests.generator.test_check import command


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the async client, to be changed."""
    ignored = shutil.ignore_patterns("__pycache__", "broker", "sync")
    shutil.copytree(ROOT / "queen", tmp_path / "queen", ignore=ignored)
    return tmp_path / "queen"


def change(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1, path
    path.write_text(text.replace(before, after), encoding="utf-8")


def generated(source: Path, name: str) -> str:
    output = source.parent / "out" / "queen_sync"
    generate_sync(source, output)
    return (output / name).read_text(encoding="utf-8")


def test_what_is_stored_is_what_the_async_client_says() -> None:
    assert check_sync(ROOT / "queen", ROOT / "generated" / "queen_sync") == []


def test_a_new_method_of_the_async_client_is_missed_by_the_check(source: Path) -> None:
    change(
        source / "builders" / "dead_letters.py",
        "    async def redrive(\n",
        '    async def count(self, *, exact: bool = True) -> int:\n        """How many."""\n        return 0\n\n'
        "    async def redrive(\n",
    )
    [problem] = check_sync(source, ROOT / "generated" / "queen_sync")
    assert "dead_letters.py differs" in problem
    assert "+    def count(self, *, exact: bool = True) -> int:" in problem
    assert "+        return self._portal.run(self._async.count(exact=exact))" in problem


def test_the_command_line_checks_it_too(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "generated", tmp_path / "generated", ignore=shutil.ignore_patterns("__pycache__"))
    places = ["--output", str(tmp_path / "generated" / "queen_api")]
    assert command("check", *places).returncode == 0
    change(tmp_path / "generated" / "queen_sync" / "client.py", "def transaction(", "def transactions(")
    failed = command("check", *places)
    assert failed.returncode == 1
    assert "client.py differs" in failed.stderr


def test_a_class_that_a_new_method_leads_to_comes_with_it(source: Path) -> None:
    (source / "builders" / "seeking.py").write_text(
        '"""Seeking."""\n\nfrom __future__ import annotations\n\nfrom typing import Callable, List\n\n'
        "from queen.callbacks import MaybeAwaitable\nfrom queen.message import Message\n\n"
        "Sought = Callable[[Message], MaybeAwaitable[bool]]\n\n\n"
        'class Seeker:\n    """Seeks. It waits when it is awaited, and not before."""\n\n'
        "    async def found(self, condition: Sought, *, first: int = 5) -> List[Message]:\n"
        '        """The messages that await you.\n\n        Args:\n            condition: a function, sync or async.\n'
        '        """\n        return []\n',
        encoding="utf-8",
    )
    change(
        source / "client.py",
        "    def transaction(self)",
        '    def seeker(self) -> Seeker:\n        """Seek."""\n        return Seeker()\n\n    def transaction(self)',
    )
    change(
        source / "client.py",
        "from queen.builders.stream import StreamBuilder\n",
        "from queen.builders.seeking import Seeker\nfrom queen.builders.stream import StreamBuilder\n",
    )
    text = generated(source, "builders/seeking.py")
    assert "class Seeker(Delegate[AsyncSeeker]):" in text
    assert "def found(self, condition: Sought, *, first: int = 5) -> List[Message]:" in text
    assert 'call.run(self._async.found(call.function("condition", condition), first=first))' in text
    assert "condition: a function." in text
    assert "return Seeker(self._portal, self._async.seeker())" in generated(source, "client.py")
    assert "Sought = Callable[[Message], bool]" in generated(source, "callbacks.py")


def test_a_type_that_nobody_has_thought_of_is_an_error(source: Path) -> None:
    queue = source / "builders" / "queue.py"
    change(queue, "    async def pop(self) -> List[", "    async def pop(self) -> Dict[str, ")
    change(queue, "from typing import TYPE_CHECKING,", "from typing import TYPE_CHECKING, Dict,")
    with pytest.raises(GenerationError, match=r"cannot return Dict\[str, Message"):
        generated(source, "client.py")


def test_another_constructor_of_the_client_is_an_error(source: Path) -> None:
    change(
        source / "client.py",
        " = None, **options: object) -> None:",
        " = None, *, lazy: bool = False, **options: object) -> None:",
    )
    with pytest.raises(GenerationError, match="the constructor of Queen"):
        generated(source, "client.py")


def test_everything_that_is_generated_is_documented_and_names_its_source() -> None:
    for path in (ROOT / "generated" / "queen_sync").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if not text:
            continue
        assert "python -m generator generate" in text.splitlines()[0], path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef):
                assert ast.get_docstring(node), node.name


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("``await queue.pop()`` waits.", "``queue.pop()`` waits."),
        (
            "Example::\n\n    async with Queen() as queen:\n        await queen.close()",
            "Example::\n\n    with Queen() as queen:\n        queen.close()",
        ),
        ("Push messages when awaited.", "Push messages."),
        ("handler: a function, sync or async. It", "handler: a function. It"),
        ("takes a ``Window``; sync or async.", "takes a ``Window``."),
        ("    from queen import Queen", "    from queen.sync import Queen"),
        (
            "Raises:\n    QueenError: no.\n    WrongEventLoopError: of another event loop\n        that is closed.",
            "Raises:\n    QueenError: no.",
        ),
        (
            "    WrongEventLoopError: it is of another event loop or process.",
            "    WrongEventLoopError: it is of another process.",
        ),
    ],
)
def test_docstrings_lose_the_words_for_waiting(words: str, expected: str) -> None:
    assert reworded(words) == expected


def test_arguments_are_said_behind_those_that_there_are() -> None:
    assert with_arguments("Do it.\n\nRaises:\n    E: no.", {"on_error": "Call ``callback(error)`` then."}) == (
        "Do it.\n\nArgs:\n    on_error: called as ``callback(error)`` then.\n\nRaises:\n    E: no."
    )
    assert with_arguments("Do it.\n\nArgs:\n    a: b.", {"c": "D."}) == "Do it.\n\nArgs:\n    a: b.\n    c: d."
