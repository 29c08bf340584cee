"""How a mutant breaks loaded code. There is no way back: the process that was patched ends with its test run."""

from __future__ import annotations

import ast
import inspect
import sys
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class MutantOutdated(Exception):  # noqa: N818 -- says what happened to the mutant
    """The code that the mutant wants to break no longer looks as it expects: adapt the mutant."""


class Patch:
    """What a mutant is given.

    Most want `rewrite`: one line of shipped code said differently, which holds wherever the function is known.
    `replace` is for constants and for classes as a whole.

    Args:
        packages: top-level packages in which names are looked for.
    """

    def __init__(self, packages: tuple[str, ...] = ("incrsim", "providers", "tests")) -> None:
        self._packages = packages

    def rewrite(self, function: Callable[..., Any] | property, old: str, new: str) -> None:
        """Run a function with one piece of its source exchanged.

        Args:
            function: a function, method, property or generator function, decorated or not.
            old: text that stands exactly once in its source.
            new: what it says instead; it may span lines, indented as in the file.

        Raises:
            MutantOutdated: when `old` is not there exactly once.
        """
        target = plain(function)
        target.__code__ = _recompiled(target, old, new)

    def replace(self, owner: ModuleType | type, name: str, new: object) -> None:
        """Give an attribute of a module or class another value, and so in every module that imported it by name.

        Args:
            owner: the module or class that defines it.
            name: the attribute, which must exist.
            new: its value from now on.

        Raises:
            MutantOutdated: when there is no such attribute.
        """
        try:
            old = inspect.getattr_static(owner, name)
        except AttributeError as error:
            raise MutantOutdated(f"{owner!r} has no {name!r} any more") from error
        setattr(owner, name, new)
        if isinstance(owner, ModuleType):
            for module, alias in self.importers(old):
                setattr(module, alias, new)

    def importers(self, value: object) -> Iterator[tuple[ModuleType, str]]:
        """Where else a value is known, by which name."""
        for module in list(sys.modules.values()):
            if module is None or module.__name__.partition(".")[0] not in self._packages:
                continue
            for alias, held in list(vars(module).items()):
                if held is value:
                    yield module, alias


def plain(function: Callable[..., Any] | property) -> FunctionType:
    """The function behind a method, property or decorator."""
    accessor = function.fget if isinstance(function, property) else function
    unwrapped = inspect.unwrap(getattr(accessor, "__func__", accessor))  # type: ignore[arg-type]  # an accessor of a kind that was looked at above
    if not isinstance(unwrapped, FunctionType):
        raise TypeError(f"rewrite({function!r}): only functions written in Python can be rewritten; use replace")
    return unwrapped


def _recompiled(function: FunctionType, old: str, new: str) -> CodeType:
    """The function's code after the change: its whole module is compiled again, so that closures keep their shape."""
    path = Path(inspect.getfile(function))
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    first, last = _span(function, path)
    source = "".join(lines[first - 1 : last])
    if source.count(old) != 1:
        raise MutantOutdated(
            f"{function.__module__}.{function.__qualname__} holds {old!r} {source.count(old)} times, not once; "
            "copy the text from its source as it is now"
        )
    changed = "".join([*lines[: first - 1], source.replace(old, new), *lines[last:]])
    return _find(compile(changed, str(path), "exec", dont_inherit=True), function)


def _span(function: FunctionType, path: Path) -> tuple[int, int]:
    start = function.__code__.co_firstlineno
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            if first == start and node.end_lineno is not None:
                return first, node.end_lineno
    raise MutantOutdated(f"the source of {function.__module__}.{function.__qualname__} is not where it was loaded from")


def _find(code: CodeType, function: FunctionType) -> CodeType:
    wanted = (function.__code__.co_qualname, function.__code__.co_firstlineno)
    waiting = [code]
    while waiting:
        each = waiting.pop()
        if (each.co_qualname, each.co_firstlineno) == wanted:
            return each
        waiting.extend(inner for inner in each.co_consts if isinstance(inner, CodeType))
    raise MutantOutdated(f"after the change there is no {function.__qualname__} any more")
