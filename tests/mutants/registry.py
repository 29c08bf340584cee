"""Every mutant: a way to break the engine on purpose, so that the tests of a rule can be seen to fail.

`tests/README.md` says how to add one.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.mutants.patch import Patch

    Break = Callable[[Patch], None]

RULES = tuple(f"C-{number}" for number in range(1, 42))
"""The rules of the contract that must have tests and mutants by now."""

LEFT_OUT = frozenset({"slow", "postgres"})
"""Tests with these markers face only the mutants that ask for them with `also=`."""

_REGISTRY: dict[str, Mutant] = {}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One flaw.

    Args:
        name: how `pytest --mutant NAME` calls it.
        rules: the contract's rules that it breaks; the tests tied to them must notice.
        flaw: what it does wrong, in words.
        apply: breaks the code that is loaded in this process, for good.
        also: which tests of `LEFT_OUT` face it too.
        raises: exceptions, apart from failed assertions and incrsim's own, by which a test may notice it.
    """

    name: str
    rules: tuple[str, ...]
    flaw: str
    apply: Break
    also: frozenset[str]
    raises: tuple[type[Exception], ...]


def mutant(
    rules: str | tuple[str, ...],
    flaw: str,
    *,
    also: tuple[str, ...] = (),
    raises: tuple[type[Exception], ...] = (),
) -> Callable[[Break], Break]:
    """Register the function below as a mutant under its own name.

    Args:
        rules: one rule of the contract, or several.
        flaw: what the mutant does wrong, in words.
        also: `"slow"`, `"postgres"`: markers of tests that face it too, and else would not.
        raises: exceptions by which a test may notice it, beside failed assertions and incrsim's own.

    Raises:
        ValueError: when the name is taken, or `also` names another marker.
    """
    if unknown := set(also) - LEFT_OUT:
        raise ValueError(f"mutant(..., also={also!r}): {sorted(unknown)} is left out nowhere; use {sorted(LEFT_OUT)}")

    def register(function: Break) -> Break:
        name = function.__name__
        if name in _REGISTRY:
            raise ValueError(f"there are two mutants called {name!r}: rename one")
        tied = (rules,) if isinstance(rules, str) else rules
        _REGISTRY[name] = Mutant(name, tied, flaw, function, frozenset(also), raises)
        return function

    return register


def load(source: str) -> Mapping[str, Mutant]:
    """All mutants of a module, or of every module in a package.

    Args:
        source: dotted name; `tests.mutants.broken` for our own.
    """
    found = importlib.import_module(source)
    for module in pkgutil.iter_modules(getattr(found, "__path__", ())):
        importlib.import_module(f"{source}.{module.name}")
    return {
        name: each
        for name, each in sorted(_REGISTRY.items())
        if each.apply.__module__ == source or each.apply.__module__.startswith(f"{source}.")
    }
