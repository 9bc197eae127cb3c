"""One snippet as a program: its statements, executed one after the other as they are written."""

from __future__ import annotations

import ast
import asyncio
import builtins
import dis
import inspect
import time
from contextlib import asynccontextmanager
from types import CodeType
from typing import Any, AsyncIterator, Callable, Coroutine, Dict, Iterator, List, Mapping, Optional, Set

from typing_extensions import Final

from tests.guide.snippets import GUIDE, Snippet

PLACEHOLDER: Final = "placeholder"
"""The name of what stands in the place of ``[...]``."""

_PATIENCE: Final = 10.0
_LOADS: Final = frozenset(["LOAD_NAME", "LOAD_GLOBAL"])
_STORES: Final = frozenset(["STORE_NAME", "STORE_GLOBAL"])


class Program:
    """A snippet whose statements are executed as in an interactive session that may ``await``.

    A statement that goes on for ever, as consuming does, ends by ``interrupt()``; then the next one starts.

    Args:
        snippet: the snippet.
        names: its namespace.
        mains: the coroutines that the snippet gave to ``asyncio.run``.
        twin: text that is executed in place of the snippet's own.
    """

    def __init__(
        self,
        snippet: Snippet,
        names: Dict[str, Any],
        mains: List[Coroutine[Any, Any, Any]],
        twin: Optional[str] = None,
    ) -> None:
        self.names = names
        self._number = snippet.number
        self._mains = mains
        self._left = compiled(snippet, twin)
        self._current: Optional[asyncio.Future[None]] = None
        self._background: Optional[asyncio.Future[None]] = None

    async def next(self) -> None:
        """Execute the next statement."""
        code = self._left.pop(0)
        current = self._current = asyncio.ensure_future(self._execute(code))
        try:
            await asyncio.wait({current})
        finally:
            current.cancel()
        if not current.cancelled():
            current.result()

    async def finish(self) -> None:
        """Execute all statements that are left."""
        while self._left:
            await self.next()

    def go(self) -> None:
        """Execute the statements that are left in the background."""
        self._background = asyncio.ensure_future(self.finish())

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until a condition holds, and until what follows from it is done.

        Raises:
            Exception: what the snippet raised.
            AssertionError: it does not come to hold.
        """

        def holds() -> bool:
            if condition():
                return True
            self._raise_failure()
            done = self._background is not None and self._background.done()
            assert not done, f"snippet {self._number} ended before what was waited for"
            return False

        await until(holds)
        self._raise_failure()

    async def interrupt(self) -> None:
        """End the statement that is executed, as Ctrl-C does; the next one starts."""
        if self._current is not None and not self._current.done():
            self._current.cancel()
            await asyncio.wait({self._current})
        await settle()
        self._raise_failure()

    async def wait(self) -> None:
        """Wait until all statements have ended by themselves."""
        assert self._background is not None
        await self.until(self._background.done)

    async def close(self) -> None:
        """End the statement that is executed.

        Raises:
            AssertionError: another statement was not started at all.
        """
        if self._current is not None and not self._current.done() and not self._left:
            await self.interrupt()
        if self._background is not None:
            if self._left:
                self._background.cancel()
            await asyncio.wait({self._background})
            self._raise_failure()
        assert not self._left, f"snippet {self._number}: {len(self._left)} statements were not started"

    def abandon(self) -> None:
        """End everything at once, since the test has failed."""
        for future in (self._background, self._current):
            if future is not None:
                future.cancel()

    async def _execute(self, code: CodeType) -> None:
        result = eval(code, self.names)
        if code.co_flags & inspect.CO_COROUTINE:
            await result
        while self._mains:
            await self._mains.pop(0)

    def _raise_failure(self) -> None:
        background = self._background
        if background is not None and background.done() and not background.cancelled():
            background.result()


def compiled(snippet: Snippet, twin: Optional[str] = None) -> List[CodeType]:
    """The statements of a snippet; their lines are those of the guide."""
    tree = _Placeholders().visit(ast.parse(snippet.text if twin is None else twin))
    ast.increment_lineno(tree, snippet.line)
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    return [
        compile(ast.Module([statement], []), str(GUIDE), "exec", flags, dont_inherit=True) for statement in tree.body
    ]


def undefined(statements: List[CodeType]) -> Set[str]:
    """The names that a snippet uses and does not define."""
    used: Set[str] = set()
    defined: Set[str] = set(vars(builtins))
    for statement in statements:
        for code in _nested(statement):
            for instruction in dis.get_instructions(code):
                if instruction.opname in _LOADS:
                    used.add(instruction.argval)
                elif instruction.opname in _STORES:
                    defined.add(instruction.argval)
    return used - defined - {"__name__", "__annotations__"}


def namespace(modules: Mapping[str, Any]) -> Dict[str, Any]:
    """A namespace of a main program in which some modules are replaced."""

    def find(name: str, *arguments: Any) -> Any:
        return modules[name] if name in modules else __import__(name, *arguments)

    return {"__name__": "__main__", "__builtins__": {**vars(builtins), "__import__": find}}


async def until(condition: Callable[[], object]) -> None:
    """Wait until a condition holds, and until what follows from it is done.

    Raises:
        AssertionError: it does not come to hold.
    """
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0)
    await settle()


@asynccontextmanager
async def alongside(*works: Coroutine[Any, Any, Any]) -> AsyncIterator[None]:
    """Let functions of a snippet work while the block does; they end with it."""
    working = [asyncio.ensure_future(work) for work in works]
    try:
        yield
    finally:
        for work in working:
            work.cancel()
        ended = await asyncio.gather(*working, return_exceptions=True)
    failures = [failure for failure in ended if isinstance(failure, Exception)]
    assert not failures, failures


async def settle() -> None:
    """Let everything go on that can go on without waiting."""
    for _ in range(100):
        await asyncio.sleep(0)


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


class _Placeholders(ast.NodeTransformer):
    """``[...]`` stands for what the reader would push; here it is a name that the test supplies."""

    def visit_List(self, node: ast.List) -> ast.expr:
        first = node.elts[0] if len(node.elts) == 1 else None
        if isinstance(first, ast.Constant) and first.value is Ellipsis:
            return ast.copy_location(ast.Name(PLACEHOLDER, ast.Load()), node)
        self.generic_visit(node)
        return node
