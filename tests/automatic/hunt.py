"""Looks for a scenario in which the oracle notices a change, in a process that has loaded no other code."""

from __future__ import annotations

import importlib.abc
import importlib.util
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from tests.automatic.changes import Change


SECONDS = 60
"""A change that keeps a process busy for longer with one scenario has made something endless."""


@dataclass(frozen=True, slots=True)
class Caught:
    """The oracle has named a rule.

    Args:
        rule: which one.
        scenarios: how many it took.
    """

    rule: str
    scenarios: int


@dataclass(frozen=True, slots=True)
class Raised:
    """Something raised where no oracle looks, and no rule was named.

    Args:
        error: the first that did.
    """

    error: str


def load_changed(change: Change) -> None:
    """Make this process load a module of Python as it is after a change; nothing of incrsim may be loaded yet."""
    if f"incrsim.{change.where}" in sys.modules:
        raise AssertionError(f"incrsim.{change.where} was loaded before it was changed")
    sys.meta_path.insert(0, _Changed(f"incrsim.{change.where}", change.text))


def change_query(change: Change) -> None:
    """Make this process use a query as it is after a change."""
    from incrsim.store import queries

    queries._all_queries()[change.where] = change.text


def hunt(seeds: Iterable[int], database: str | None) -> Caught | Raised | None:
    """Run the scenarios that mutants are hunted with, until the oracle names a rule.

    Args:
        seeds: of the scenarios.
        database: where, as for `incrsim.simulate`.
    """
    from incrsim.simulation.simulating import run_scenario
    from incrsim.simulation.world.store import stores
    from incrsim.testing.mutants.hunting import scenario_of

    raised = None
    with stores(database) as opened:
        for tried, seed in enumerate(seeds, start=1):
            signal.alarm(SECONDS)  # ends the process
            try:
                findings = run_scenario(scenario_of(seed), store=opened).findings
            except Exception as error:  # noqa: BLE001 -- broken code may raise anything, and that catches nothing
                raised = raised or Raised(f"{type(error).__name__}: {error}"[:200])
                continue
            finally:
                signal.alarm(0)
            if findings:
                return Caught(findings[0].rule, tried)
    return raised


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return importlib.util.spec_from_loader(fullname, self) if fullname == self._name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._text, f"{self._name} (changed)", "exec"), module.__dict__)
