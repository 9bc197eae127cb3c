"""Which classes have a sync one, and what is public of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

import attrs
from typing_extensions import override

from generator.failure import GenerationError
from generator.sync.source import Module, Source

Function = ast.FunctionDef | ast.AsyncFunctionDef

ROOT = ("queen.client", "Queen")
OPERATION = ("queen.builders.operation", "Operation")

Key = tuple[str, str]


@attrs.frozen(eq=False)
class Method:
    """A public method.

    Attributes:
        module: the module that it is written in.
        node: how it is written.
    """

    module: Module
    node: Function

    @property
    def name(self) -> str:
        """Its name."""
        return self.node.name

    @property
    def decorators(self) -> set[str]:
        """Its decorators, as text."""
        return {ast.unparse(decorator) for decorator in self.node.decorator_list}

    @property
    def ignored(self) -> str:
        """The comment by which a type checker passes it over; empty for none."""
        return self.module.ignored(self.node.lineno)

    @property
    def is_async(self) -> bool:
        """Whether it returns something to be awaited."""
        if isinstance(self.node, ast.AsyncFunctionDef):
            return True
        return isinstance(self.node.returns, ast.Subscript) and ast.unparse(self.node.returns.value) == "Coroutine"


@attrs.frozen(eq=False)
class AsyncClass:
    """A class of the async client.

    Attributes:
        module: the module that it is written in.
        node: how it is written.
        methods: its public methods, those of its bases in the package too.
    """

    module: Module
    node: ast.ClassDef
    methods: Sequence[Method]

    @property
    def key(self) -> Key:
        """Its module and its name."""
        return self.module.name, self.node.name

    @property
    def parameters(self) -> str:
        """Its type parameters, as text; empty for none."""
        for base in self.node.bases:
            if isinstance(base, ast.Subscript) and ast.unparse(base.value) == "Generic":
                return ast.unparse(base.slice).strip("()")
        return ""


class Classes:
    """The classes that have a sync one, from the root on.

    Args:
        source: the async client.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._seen: dict[Key, AsyncClass] = {}
        self._reach(ROOT)
        kept = {key for key, known in self._seen.items() if any(method.is_async for method in known.methods)}
        kept.add(ROOT)
        grown = True
        while grown:
            more = {key for key, known in self._seen.items() if key not in kept and self._leads_to(known, kept)}
            grown = bool(more)
            kept |= more
        self.found = {key: known for key, known in self._seen.items() if key in kept and not self.is_operation(key)}

    def of(self, module: Module, name: str) -> AsyncClass | None:
        """The class that a name stands for in a module, where it has a sync one."""
        defined, own = self._source.defined(module, name)
        return self.found.get((defined.name, own))

    def operation(self, module: Module, annotation: ast.expr | None) -> AsyncClass | None:
        """The operation that a method returns, if it returns one."""
        for name in names_in(annotation):
            defined, own = self._source.defined(module, name)
            if self.is_operation((defined.name, own)):
                return self._class((defined.name, own))
        return None

    def is_operation(self, key: Key) -> bool:
        """Whether a class is an operation, which happens when it is awaited."""
        return self._operation_base(key) is not None

    def operation_result(self, operation: AsyncClass, annotation: ast.expr) -> ast.expr:
        """What an operation results in, in the words of the method that returns it.

        Args:
            operation: the operation.
            annotation: what the method returns, with the operation's type arguments.
        """
        base = self._operation_base(operation.key)
        assert base is not None
        given = list(_subscripts(annotation))
        names = [name.strip() for name in operation.parameters.split(",") if name.strip()]
        copied = ast.parse(ast.unparse(base.slice), mode="eval").body
        result: ast.expr = _Replacing(dict(zip(names, given, strict=False))).visit(copied)
        return result

    def _operation_base(self, key: Key) -> ast.Subscript | None:
        module = self._source.module(key[0])
        node = module.classes.get(key[1])
        for base in node.bases if node is not None else ():
            if isinstance(base, ast.Subscript) and isinstance(base.value, ast.Name):
                defined, own = self._source.defined(module, base.value.id)
                if (defined.name, own) == OPERATION:
                    return base
        return None

    def _reach(self, key: Key) -> None:
        known = self._class(key)
        for method in known.methods:
            for name in names_in(method.node.returns):
                defined, own = self._source.defined(method.module, name)
                if own in defined.classes and (defined.name, own) not in self._seen:
                    self._reach((defined.name, own))

    def _leads_to(self, known: AsyncClass, kept: set[Key]) -> bool:
        for method in known.methods:
            for name in names_in(method.node.returns):
                defined, own = self._source.defined(method.module, name)
                if (defined.name, own) in kept:
                    return True
        return False

    def _class(self, key: Key) -> AsyncClass:
        if key not in self._seen:
            module = self._source.module(key[0])
            if key[1] not in module.classes:
                raise GenerationError([f"{key[0]} has no class {key[1]}"])
            node = module.classes[key[1]]
            self._seen[key] = AsyncClass(module, node, list(self._methods(module, node, set())))
        return self._seen[key]

    def _methods(self, module: Module, node: ast.ClassDef, seen: set[str]) -> Iterator[Method]:
        own: set[str] = set()
        for statement in node.body:
            if isinstance(statement, Function) and not statement.name.startswith("_") and statement.name not in seen:
                own.add(statement.name)
                yield Method(module, statement)
        for base in node.bases:
            named = base.value if isinstance(base, ast.Subscript) else base
            if isinstance(named, ast.Name):
                defined, name = self._source.defined(module, named.id)
                # What a message says is common to both clients.
                if name in defined.classes and name != "MessageFields":
                    yield from self._methods(defined, defined.classes[name], seen | own)


def names_in(annotation: ast.expr | None) -> list[str]:
    """All names in an annotation."""
    return [] if annotation is None else [node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)]


def _subscripts(annotation: ast.expr) -> Iterator[ast.expr]:
    if isinstance(annotation, ast.Subscript):
        yield from annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]


class _Replacing(ast.NodeTransformer):
    def __init__(self, names: dict[str, ast.expr]) -> None:
        self._names = names

    @override
    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._names.get(node.id, node)
