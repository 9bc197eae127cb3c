"""Writes the package of the sync client."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs
import jinja2

from generator.sync.annotations import CALLBACKS, MESSAGE, Names, sync_module
from generator.sync.classes import ROOT, AsyncClass, Classes
from generator.sync.docstrings import literal, reworded, without_arguments
from generator.sync.methods import SyncMethod, Writer
from generator.sync.source import Import, Source

TEMPLATES = Path(__file__).resolve().parent.parent.parent / "templates"


@attrs.frozen
class SyncClass:
    """A class as the template writes it.

    Attributes:
        name: its name.
        bases: as text.
        docstring: with its quotes.
        methods: its methods.
    """

    name: str
    bases: str
    docstring: str
    methods: list[SyncMethod]


def write_sync_package(folder: Path, package: Path) -> None:
    """Write the sync client into a folder that does not exist yet.

    Args:
        folder: the package ``queen``.
        package: the folder to make.

    Raises:
        GenerationError: something of the async client cannot be said without waiting.
    """
    source = Source(folder)
    classes = Classes(source)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  (it is Python)
    )
    modules: dict[str, list[AsyncClass]] = {}
    for known in sorted(classes.found.values(), key=lambda known: known.node.lineno):
        modules.setdefault(known.module.name, []).append(known)
    callbacks: list[tuple[str, str]] = []
    for name, known_there in sorted(modules.items()):
        names = Names(sync_module(name), source, classes)
        written = [_written(known, names, classes) for known in known_there]
        callbacks += names.callbacks
        docstring = literal(f"``{name}`` without ``await``.", 0)
        text = environment.get_template("sync_module.py.jinja").render(
            docstring=docstring, classes=written, **_imports(names)
        )
        _write(package, sync_module(name), text)
    names = Names(CALLBACKS, source, classes)
    aliases = dict(_aliases(names, source, sorted(set(callbacks))))
    text = environment.get_template("sync_callbacks.py.jinja").render(aliases=aliases, **_imports(names))
    _write(package, CALLBACKS, text)
    (package / "__init__.py").write_text(environment.get_template("sync_init.py.jinja").render(), encoding="utf-8")
    (package / "py.typed").write_text("", encoding="utf-8")


def _aliases(names: Names, source: Source, wanted: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The aliases of users' functions, each behind those that it is made of."""
    for module, own in wanted:
        known = source.module(module)
        before = len(names.callbacks)
        text = names.annotation(known, known.values[own])
        yield from _aliases(names, source, names.callbacks[before:])
        yield own, text


def _written(known: AsyncClass, names: Names, classes: Classes) -> SyncClass:
    writer = Writer(names, classes, known)
    methods = list(writer.methods())
    if known.key == ROOT:
        methods.insert(0, writer.constructor(names.add_class(classes.found[MESSAGE])))
    words = reworded(ast.get_docstring(known.node) or "")
    return SyncClass(
        name=known.node.name,
        bases=_bases(known, names),
        docstring=literal(words if known.key == ROOT else without_arguments(words), 4),
        methods=methods,
    )


def _bases(known: AsyncClass, names: Names) -> str:
    if known.key == ROOT:
        return names.add("ClientDelegate", Import("queen.sync.delegate", "ClientDelegate", for_types=False))
    for name in filter(None, (part.strip() for part in known.parameters.split(","))):
        names.use(known.module, name)
    generic = ""
    if known.parameters:
        generic = f", {names.add('Generic', Import('typing', 'Generic', for_types=False))}[{known.parameters}]"
    if known.key == MESSAGE:
        base = names.add("ActingMessage", Import("queen.sync.acting", "ActingMessage", for_types=False))
        return f"{base}[{known.parameters}]{generic}"
    alias = f"Async{known.node.name}"
    names.add(alias, Import(known.module.name, known.node.name, for_types=False))
    base = names.add("Delegate", Import("queen.sync.delegate", "Delegate", for_types=False))
    parameters = ", ".join(_asynchronous(known, names, part.strip()) for part in known.parameters.split(","))
    return f"{base}[{alias}{f'[{parameters}]' if parameters else ''}]{generic}"


def _asynchronous(known: AsyncClass, names: Names, parameter: str) -> str:
    """A type parameter as the async class has it: of users' functions, it takes all that are made of those."""
    bound = names.bound(known.module, parameter)
    if bound is None:
        return parameter
    module, own = bound
    return names.add(f"Async{own}", Import(module.name, own, for_types=False))


def _imports(names: Names) -> dict[str, list[str]]:
    def statements(*, for_types: bool) -> list[str]:
        found = names.imports.items()
        return sorted(imported.statement(name) for name, imported in found if imported.for_types == for_types)

    return {"imports": statements(for_types=False), "imports_for_types": statements(for_types=True)}


def _write(package: Path, module: str, text: str) -> None:
    path = package.joinpath(*module.split(".")[1:]).with_suffix(".py")
    for folder in _folders(package, path.parent):
        folder.mkdir(parents=True, exist_ok=True)
        if folder != package:
            (folder / "__init__.py").touch()
    path.write_text(text, encoding="utf-8")


def _folders(package: Path, folder: Path) -> Iterable[Path]:
    return [package, *(part for part in reversed([folder, *folder.parents]) if package in part.parents)]
