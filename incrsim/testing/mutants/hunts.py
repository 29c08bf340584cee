"""The hunt for all mutants, over all cores, and a look at the engine as it is over the same scenarios."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from typing import Any

from incrsim.simulation.campaign.workers import begin, cores
from incrsim.testing.mutants import MUTANTS
from incrsim.testing.mutants.hunting import SEEDS, Hunted, clean, hunt

BATCH = 8
"""Scenarios that a process runs with the engine as it is before it tells of them."""


@dataclass(slots=True)
class Hunts:
    """What came of the hunts.

    Args:
        wanted: how many mutants are hunted.
        hunted: of each mutant, in the order of the list.
        scenarios: how many the engine as it is went through.
        violations: what was found there.
    """

    wanted: int
    hunted: list[Hunted] = field(default_factory=list)
    scenarios: int = 0
    violations: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every mutant was caught, and nothing else."""
        return all(each.caught for each in self.hunted) and not self.violations

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "mutants": [each.to_dict() for each in self.hunted],
            "clean": {"scenarios": self.scenarios, "violations": len(self.violations)},
            "ok": self.ok,
        }


def hunt_all(
    names: Sequence[str] = (),
    seeds: Sequence[int] = SEEDS,
    *,
    jobs: int | None = None,
    tell: Callable[[Hunts], object] = lambda _: None,
) -> Hunts:
    """Hunt for mutants, and run all scenarios that it took with the engine as it is.

    Args:
        names: of the mutants; all of them unless given.
        seeds: of the scenarios.
        jobs: how many processes do it; one for each core unless given.
        tell: hears how far it is.
    """
    wanted = list(names or MUTANTS)
    hunts = Hunts(len(wanted))
    with _processes(jobs or cores()) as each_of:
        for hunted in each_of(partial(_hunt, seeds=seeds), wanted):
            hunts.hunted.append(hunted)
            tell(hunts)
        needed = seeds[: max(each.scenarios for each in hunts.hunted)]
        batches = [needed[first : first + BATCH] for first in range(0, len(needed), BATCH)]
        for batch, violations in zip(batches, each_of(_clean, batches), strict=True):
            hunts.scenarios += len(batch)
            hunts.violations += violations
            tell(hunts)
    return hunts


@contextmanager
def _processes(count: int) -> Iterator[Callable[..., Iterable[Any]]]:
    """Does what `map` does, in so many processes; a single one is this one."""
    if count == 1:
        yield map
        return
    with ProcessPoolExecutor(count, get_context("spawn"), begin) as pool:
        try:
            yield pool.map
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _hunt(name: str, seeds: Sequence[int]) -> Hunted:
    return hunt(MUTANTS[name], seeds)


def _clean(seeds: Sequence[int]) -> list[str]:
    return [f"seed {run.scenario.seed}: {run.verdict}" for run in clean(seeds)]
