"""Annotations of the async client in the types of the sync one, and what they need to be imported."""

from __future__ import annotations

import ast
import builtins

from typing_extensions import override

from generator.failure import GenerationError
from generator.sync.classes import AsyncClass, Classes, names_in
from generator.sync.source import Import, Module, Source

MESSAGE = ("queen.message", "Message")
_WAITING = frozenset(["Coroutine", "Awaitable", "MaybeAwaitable"])


class Names:
    """The names of one module of the sync client.

    Args:
        module: its dotted name.
        source: the async client.
        classes: those that have a sync one.
    """

    def __init__(self, module: str, source: Source, classes: Classes) -> None:
        self.module = module
        self._source = source
        self._classes = classes
        self.imports: dict[str, Import] = {}
        self.callbacks: list[tuple[str, str]] = []

    def annotation(self, module: Module, annotation: ast.expr) -> str:
        """An annotation, as text.

        Args:
            module: where it is written.
            annotation: the annotation there.
        """
        translated = _Translating(self, module).visit(ast.parse(ast.unparse(annotation), mode="eval").body)
        return ast.unparse(translated)

    def default(self, module: Module, value: ast.expr) -> str:
        """The default of a parameter, as text."""
        if isinstance(value, ast.Name) and value.id.startswith("_"):
            return ast.unparse(module.values[value.id])
        for node in ast.walk(value):
            if isinstance(node, ast.Name):
                self.use(module, node.id)
        return ast.unparse(value)

    def add(self, name: str, imported: Import) -> str:
        """Import a name.

        Raises:
            GenerationError: another one is known by it.
        """
        known = self.imports.setdefault(name, imported)
        if (known.module, known.name) != (imported.module, imported.name):
            raise GenerationError([f"{self.module}: {name} is of {known.module} and of {imported.module}"])
        if known.for_types and not imported.for_types:
            self.imports[name] = imported
        return name

    def use(self, module: Module, name: str) -> str:
        """Import what a name stands for in a module of the async client; what it is called here."""
        known = self._classes.of(module, name)
        if known is not None:
            return self.add_class(known, for_types=name in module.imports and module.imports[name].for_types)
        if self.is_callback(module, name):
            defined, own = self._source.defined(module, name)
            if (defined.name, own) not in self.callbacks:
                self.callbacks.append((defined.name, own))
            return own if self.module == CALLBACKS else self.add(own, Import(CALLBACKS, own, for_types=False))
        if name in module.imports:
            return self.add(name, module.imports[name])
        if name in module.values or name in module.classes:
            return self.add(name, Import(module.name, name, for_types=False))
        if not hasattr(builtins, name):
            raise GenerationError([f"{module.name}: nobody knows what {name} is"])
        return name

    def add_class(self, known: AsyncClass, *, for_types: bool = False) -> str:
        """Import a class of the sync client; what it is called here."""
        place, name = sync_module(known.module.name), known.node.name
        return name if place == self.module else self.add(name, Import(place, name, for_types))

    def is_callback(self, module: Module, name: str) -> bool:
        """Whether a name is an alias for users' functions, which may be async there, or a type variable of them."""
        defined, own = self._source.defined(module, name)
        inside = names_in(defined.values.get(own))
        return "MaybeAwaitable" in inside or any(self.is_callback(defined, other) for other in inside if other != own)

    def bound(self, module: Module, variable: str) -> tuple[Module, str] | None:
        """The alias that bounds a type variable of users' functions; None for any other."""
        value = module.values.get(variable)
        if not isinstance(value, ast.Call) or not self.is_callback(module, variable):
            return None
        [name] = [
            keyword.value.id
            for keyword in value.keywords
            if keyword.arg == "bound" and isinstance(keyword.value, ast.Name)
        ]
        return self._source.defined(module, name)


CALLBACKS = "queen_sync.callbacks"


def sync_module(module: str) -> str:
    """The module of the sync client for one of the async one."""
    return module.replace("queen.", "queen_sync.", 1)


class _Translating(ast.NodeTransformer):
    def __init__(self, names: Names, module: Module) -> None:
        self._names = names
        self._module = module

    @override
    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        if isinstance(node.value, ast.Name) and node.value.id in _WAITING:
            last = node.slice.elts[-1] if isinstance(node.slice, ast.Tuple) else node.slice
            translated: ast.expr = self.visit(last)
            return translated
        visited = self.generic_visit(node)
        assert isinstance(visited, ast.expr)
        return visited

    @override
    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if ast.unparse(node) == "asyncio.Event":
            return ast.Name(self._names.add("Signal", Import("queen.sync.signals", "Signal", for_types=False)))
        visited = self.generic_visit(node)
        assert isinstance(visited, ast.expr)
        return visited

    @override
    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Name(self._names.use(self._module, node.id))
