"""Small changes of a module of Python: Cosmic Ray's operators, without those that change nothing that runs."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.provider import OperatorProvider

if TYPE_CHECKING:
    from collections.abc import Iterator

NEEDS_ARGUMENTS = frozenset({"VariableReplacer", "VariableInserter"})
"""Operators that have to be told which variable."""


@dataclass(frozen=True, slots=True)
class Change:
    """One small change.

    Args:
        where: the module, or the named query.
        line: the number of the line in it, from 1.
        before: that line.
        after: the line in its place.
        text: the whole of the module, or of the query, after the change.
    """

    where: str
    line: int
    before: str
    after: str
    text: str

    @property
    def key(self) -> str:
        """The same in every run, as long as the line says the same: how a survivor is explained."""
        return f"{self.where}: {self.before} → {self.after}"


def changes(where: str, source: str) -> Iterator[Change]:
    """Every change of a module that can be compiled and does not do the same.

    Args:
        where: what to call the module.
        source: its text.
    """
    seen = {_meaning(source)}
    for text in _mutations(source):
        meaning = _meaning(text)
        if meaning is None or meaning in seen:
            continue
        seen.add(meaning)
        yield changed(where, source, text)


def changed(where: str, source: str, text: str) -> Change:
    """The change that leads from one text to another: of the first line in which they differ."""
    old, new = source.splitlines(), text.splitlines()
    line = next(number for number, (one, other) in enumerate(zip(old, new, strict=False)) if one != other)
    return Change(where, line + 1, old[line].strip(), new[line].strip(), text)


def _mutations(source: str) -> Iterator[str]:
    provider = OperatorProvider()
    for name in provider:
        if name in NEEDS_ARGUMENTS:
            continue
        occurrence = 0
        while (text := mutate_code(source, provider[name](), occurrence)) is not None:
            yield text
            occurrence += 1


def _meaning(source: str) -> str | None:
    """The code without its types and docstrings; nothing for text that is no Python."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    return ast.dump(_Untyped().visit(tree))


class _Untyped(ast.NodeTransformer):
    def visit_arg(self, node: ast.arg) -> Any:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        node.returns = None
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> Any:
        return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)
