"""The modules of the async client as they are written."""

from __future__ import annotations

import ast
import re
from functools import cached_property
from pathlib import Path

import attrs

from generator.failure import GenerationError


@attrs.frozen
class Import:
    """Where a name comes from.

    Attributes:
        module: the module.
        name: its name there; None for the module itself.
        for_types: whether it is there for type checkers only.
    """

    module: str
    name: str | None
    for_types: bool

    def statement(self, known_as: str) -> str:
        """The statement that imports it."""
        if self.name is None:
            return f"import {self.module}" if known_as == self.module else f"import {self.module} as {known_as}"
        return f"from {self.module} import {self.name}" + ("" if known_as == self.name else f" as {known_as}")


class Module:
    """One module.

    Args:
        name: its dotted name.
        text: its source.
    """

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self._lines = text.splitlines()
        self._body = ast.parse(text).body

    def ignored(self, line: int) -> str:
        """The comment of a line (from 1) by which a type checker passes it over; empty for none."""
        return "".join(re.findall(r"# type: ignore.*", self._lines[line - 1]))

    @cached_property
    def imports(self) -> dict[str, Import]:
        """What it imports, by the names that it has here."""
        found: dict[str, Import] = {}
        for statement in self._body:
            found.update(_imports(statement, for_types=False))
        return found

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """Its classes."""
        return {statement.name: statement for statement in self._body if isinstance(statement, ast.ClassDef)}

    @cached_property
    def values(self) -> dict[str, ast.expr]:
        """Its aliases, type variables and constants."""
        found: dict[str, ast.expr] = {}
        for statement in self._body:
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                found[statement.targets[0].id] = statement.value
            elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
                found[statement.target.id] = statement.value
        return found


class Source:
    """A package's modules, read as they are asked for.

    Args:
        folder: the folder of the package, whose name is that of the package.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._modules: dict[str, Module] = {}

    def module(self, name: str) -> Module:
        """A module by its dotted name.

        Raises:
            GenerationError: there is none.
        """
        if name not in self._modules:
            path = self._folder.parent.joinpath(*name.split("."))
            found = next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)
            if found is None:
                raise GenerationError([f"there is no module {name} in {self._folder}"])
            self._modules[name] = Module(name, found.read_text(encoding="utf-8"))
        return self._modules[name]

    def defined(self, module: Module, name: str) -> tuple[Module, str]:
        """The module of the package that defines what a name stands for in another, and its name there."""
        imported = module.imports.get(name)
        if imported is None or imported.name is None or not self.is_own(imported.module):
            return module, name
        return self.defined(self.module(imported.module), imported.name)

    def is_own(self, module: str) -> bool:
        """Whether a module is one of the package's."""
        return module.split(".")[0] == self._folder.name


def _imports(statement: ast.stmt, *, for_types: bool) -> dict[str, Import]:
    found: dict[str, Import] = {}
    if isinstance(statement, ast.ImportFrom) and statement.module is not None:
        for alias in statement.names:
            found[alias.asname or alias.name] = Import(statement.module, alias.name, for_types)
    elif isinstance(statement, ast.Import):
        for alias in statement.names:
            found[alias.asname or alias.name] = Import(alias.name, None, for_types)
    elif isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
        for inner in statement.body:
            found.update(_imports(inner, for_types=True))
    return found
