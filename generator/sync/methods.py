"""Methods of the sync client: what each is called with, what it returns, and what it does."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import attrs

from generator.failure import GenerationError
from generator.sync.annotations import MESSAGE, Names, sync_module
from generator.sync.classes import ROOT, AsyncClass, Classes, Method, names_in
from generator.sync.docstrings import arguments_in, literal, reworded, with_arguments, with_paragraphs
from generator.sync.source import Import, Module

_CALL = Import("queen.sync.call", "Call", for_types=False)


@attrs.frozen
class SyncMethod:
    """A method as the template writes it.

    Attributes:
        decorators: its decorators, as text.
        name: its name.
        parameters: as text.
        returns: the annotation, as text.
        docstring: with its quotes; empty for an overload.
        lines: its body.
        ignored: the comment by which a type checker passes it over; empty for none.
    """

    decorators: list[str]
    name: str
    parameters: str
    returns: str
    docstring: str
    lines: list[str]
    ignored: str = ""


@attrs.frozen
class Writer:
    """Writes the methods of one class.

    Attributes:
        names: those of the module.
        classes: those that have a sync one.
        owner: the class of the async client.
    """

    names: Names
    classes: Classes
    owner: AsyncClass

    def methods(self) -> Iterator[SyncMethod]:
        """All of them."""
        for method in self.owner.methods:
            operation = self.classes.operation(method.module, method.node.returns)
            if operation is not None:
                yield self._operation(method, operation)
                yield from self._begun(method, operation)
            elif "overload" in method.decorators:
                yield self._written(method, [], docstring="")
            else:
                yield self._written(method, self._body(method))
        if self.owner.key != ROOT:
            yield from self._special()

    def constructor(self, message: str) -> SyncMethod:
        """That of the root, which takes what that of the async client takes.

        Args:
            message: the class of its messages.
        """
        [node] = [
            statement
            for statement in self.owner.node.body
            if isinstance(statement, ast.FunctionDef) and statement.name == "__init__"
        ]
        parameters = [argument.arg for argument in node.args.args]
        if parameters != ["self", "config"] or node.args.kwarg is None or node.args.kwonlyargs:
            raise GenerationError(["the constructor of Queen takes something else than config and options"])
        self.names.add("arguments", Import("queen.arguments", "arguments", for_types=False))
        lines = [
            "given = arguments(config, options)",
            "# What is left of them would show in the locals of a traceback.",
            "del config, options",
            f"super().__init__({message}, given)",
        ]
        return self._written(Method(self.owner.module, node), lines, docstring="")

    def _written(self, method: Method, lines: list[str], docstring: str | None = None) -> SyncMethod:
        node = method.node
        assert node.returns is not None
        decorators = [f"@{name}" for name in sorted(method.decorators)]
        for name in method.decorators & {"overload"}:
            self.names.use(method.module, name)
        text = reworded(ast.get_docstring(node) or "")
        return SyncMethod(
            decorators=decorators,
            name=node.name,
            parameters=", ".join(self._parameters(method.module, node.args)),
            returns=self.names.annotation(method.module, node.returns),
            docstring=literal(text, 8) if docstring is None else docstring,
            lines=lines,
            ignored=method.ignored,
        )

    def _special(self) -> Iterator[SyncMethod]:
        """What ``async with`` and ``repr`` call."""
        for node in self.owner.node.body:
            name = {"__aenter__": "__enter__", "__aexit__": "__exit__", "__repr__": "__repr__"}.get(
                node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else ""
            )
            if name is None:
                continue
            assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            method = Method(self.owner.module, node)
            lines = [f"self._portal.run(self._async.{node.name}({self._arguments(method)}))"]
            if name == "__enter__":
                lines.append("return self")
            if name == "__repr__":
                lines = ["return repr(self._async)"]
            yield attrs.evolve(self._written(method, lines, docstring=""), name=name)

    def _operation(self, method: Method, operation: AsyncClass) -> SyncMethod:
        """A method that does at once what the async client does when it is awaited."""
        node = method.node
        assert node.returns is not None
        result = self.classes.operation_result(operation, node.returns)
        said = _said(operation)
        lines = [
            *self._made(method),
            "return " + self._converted(operation.module, result, f"call.run_with(operation, {said})"),
        ]
        words = reworded(ast.get_docstring(node) or "")
        of_operation = reworded(ast.get_docstring(operation.node) or "").split("\n\n")[1:]
        return SyncMethod(
            decorators=[],
            name=node.name,
            parameters=self._with_callbacks(method, operation),
            returns=self._result(method.module, operation.module, result),
            docstring=literal(with_arguments(with_paragraphs(words, "\n\n".join(of_operation)), _words(operation)), 8),
            lines=lines,
        )

    def _begun(self, method: Method, operation: AsyncClass) -> Iterator[SyncMethod]:
        """Methods that begin an operation and return what it runs in, such as ``consume(handler).start()``."""
        for other in operation.methods:
            returns = other.node.returns
            if _takes_callback(other) or returns is None or not self._mapped(other.module, returns):
                continue
            begun = f"call.begin_with(operation, lambda: operation.{other.name}(), {_said(operation)})"
            own = reworded(ast.get_docstring(method.node) or "")
            words = with_arguments(
                reworded(ast.get_docstring(other.node) or ""), {**arguments_in(own), **_words(operation)}
            )
            yield SyncMethod(
                decorators=[],
                name=f"{other.name}_{method.name.rstrip('e')}ing",
                parameters=self._with_callbacks(method, operation),
                returns=self.names.annotation(other.module, returns),
                docstring=literal(words, 8),
                lines=[*self._made(method), "return " + self._converted(other.module, returns, begun)],
            )

    def _made(self, method: Method) -> list[str]:
        self.names.add("Call", _CALL)
        made = f"self._async.{method.name}({self._arguments(method)})"
        return ["call = Call(self._portal)", f"operation = {made}"]

    def _with_callbacks(self, method: Method, operation: AsyncClass) -> str:
        """The parameters of a method and, by keyword, what may be chained behind it in the async client."""
        parameters = list(self._parameters(method.module, method.node.args))
        if not any(parameter.startswith("*") for parameter in parameters):
            parameters.append("*")
        optional = self.names.add("Optional", Import("typing", "Optional", for_types=False))
        for name, chained in _callbacks(operation).items():
            annotation = chained.node.args.args[1].annotation
            assert annotation is not None
            parameters.append(f"{name}: {optional}[{self.names.annotation(chained.module, annotation)}] = None")
        return ", ".join(parameters)

    def _result(self, module: Module, defined: Module, result: ast.expr) -> str:
        # Its names are of the method's module where they are its type arguments, else of the operation's.
        known = all(name in module.imports or name in module.values for name in names_in(result))
        return self.names.annotation(module if known else defined, result)

    def _body(self, method: Method) -> list[str]:
        node, returns = method.node, method.node.returns
        assert returns is not None
        reached = f"self._async.{node.name}"
        if "property" in method.decorators:
            lazy = list(self._lazy_imports(method))
            return [*lazy, "return " + self._converted(method.module, returns, reached)]
        overloaded: list[str] = []
        if self._is_overloaded(method):
            # A checker sees no overload that takes what all of them take.
            for name in ("Any", "Callable", "Coroutine")[: 3 if method.is_async else 2]:
                self.names.add(name, Import("typing", name, for_types=False))
            result = "Any"
            if method.is_async:
                result = f"Coroutine[Any, Any, {self.names.annotation(method.module, returns)}]"
            overloaded = [f"overloaded: Callable[..., {result}] = {reached}"]
            reached = "overloaded"
        return [*overloaded, *self._call(method, f"{reached}({self._arguments(method)})")]

    def _call(self, method: Method, called: str) -> list[str]:
        node, returns = method.node, method.node.returns
        assert returns is not None
        if self.owner.key == ROOT and node.name == "close":
            return [f"self._portal.close({called})"]
        if self.owner.key == MESSAGE and node.name == "trace":
            return [f"return self._traced({called})"]
        if method.is_async and self._uses_call(method):
            self.names.add("Call", _CALL)
            result = self._converted(method.module, returns, f"call.run({called})")
            return ["call = Call(self._portal)", f"return {result}"]
        if method.is_async:
            return ["return " + self._converted(method.module, returns, f"self._portal.run({called})")]
        if self._mapped(method.module, returns):
            return ["return " + self._converted(method.module, returns, called)]
        # What it looks at is changed in the loop.
        return [f"return self._portal.ask(lambda: {called})"]

    def _is_overloaded(self, method: Method) -> bool:
        return any(other.name == method.name and "overload" in other.decorators for other in self.owner.methods)

    def _lazy_imports(self, method: Method) -> Iterator[str]:
        for name in self._mapped(method.module, method.node.returns):
            imported = method.module.imports.get(name)
            if imported is not None and imported.for_types:
                yield "# Imported here, since most programs do without it."
                yield f"from {sync_module(imported.module)} import {imported.name}"
                yield ""

    def _mapped(self, module: Module, annotation: ast.expr | None) -> list[str]:
        return [name for name in names_in(annotation) if self.classes.of(module, name) is not None]

    def _converted(self, module: Module, annotation: ast.expr, expression: str) -> str:
        """An expression of what the async client returns, made into what is returned here.

        Raises:
            GenerationError: a type that nobody has thought of yet.
        """
        if not self._mapped(module, annotation):
            return expression
        if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "Union":
            assert isinstance(annotation.slice, ast.Tuple)
            [same] = {self._converted(module, member, expression) for member in annotation.slice.elts}
            return same
        outer = annotation.value if isinstance(annotation, ast.Subscript) else annotation
        assert isinstance(outer, ast.Name)
        known = self.classes.of(module, outer.id)
        if known is not None:
            name = self.names.use(module, outer.id)
            return f"{name}{'.of' if known.key == MESSAGE else ''}(self._portal, {expression})"
        if outer.id == "List" and isinstance(annotation, ast.Subscript):
            return f"[{self._converted(module, annotation.slice, 'item')} for item in {expression}]"
        raise GenerationError([f"{self.owner.node.name}: cannot return {ast.unparse(annotation)}"])

    def _parameters(self, module: Module, arguments: ast.arguments) -> Iterator[str]:
        defaults: list[ast.expr | None] = [None] * (len(arguments.args) - len(arguments.defaults))
        for argument, default in zip(arguments.args, [*defaults, *arguments.defaults], strict=True):
            yield self._parameter(module, argument, default)
        if arguments.kwonlyargs:
            yield "*"
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            yield self._parameter(module, argument, default)
        if arguments.kwarg is not None:
            yield f"**{self._parameter(module, arguments.kwarg, None)}"

    def _parameter(self, module: Module, argument: ast.arg, default: ast.expr | None) -> str:
        if argument.annotation is None:
            return argument.arg
        text = f"{argument.arg}: {self.names.annotation(module, argument.annotation)}"
        return text if default is None else f"{text} = {self.names.default(module, default)}"

    def _arguments(self, method: Method) -> str:
        """What the async client is called with."""
        arguments = method.node.args
        given = [self._argument(method.module, argument) for argument in arguments.args[1:]]
        given += [f"{argument.arg}={self._argument(method.module, argument)}" for argument in arguments.kwonlyargs]
        return ", ".join(given)

    def _argument(self, module: Module, argument: ast.arg) -> str:
        if self._is_callback(module, argument):
            return f'call.function("{argument.arg}", {argument.arg})'
        return f"call.signal({argument.arg})" if _is_signal(argument) else argument.arg

    def _uses_call(self, method: Method) -> bool:
        arguments = [*method.node.args.args, *method.node.args.kwonlyargs]
        return any(self._is_callback(method.module, argument) or _is_signal(argument) for argument in arguments)

    def _is_callback(self, module: Module, argument: ast.arg) -> bool:
        names = names_in(argument.annotation)
        return "MaybeAwaitable" in names or any(self.names.is_callback(module, name) for name in names)


def _is_signal(argument: ast.arg) -> bool:
    return argument.annotation is not None and "asyncio.Event" in ast.unparse(argument.annotation)


def _takes_callback(method: Method) -> bool:
    return [argument.arg for argument in method.node.args.args] == ["self", "callback"]


def _callbacks(operation: AsyncClass) -> dict[str, Method]:
    return {chained.name: chained for chained in operation.methods if _takes_callback(chained)}


def _said(operation: AsyncClass) -> str:
    return ", ".join(f"{name}={name}" for name in _callbacks(operation))


def _words(operation: AsyncClass) -> dict[str, str]:
    """What is said of the callbacks of an operation."""
    callbacks = _callbacks(operation).items()
    return {name: reworded(ast.get_docstring(chained.node) or "") for name, chained in callbacks}
