"""A campaign: many seeds, over all cores, kept in a file so that it can go on another day."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any

from incrsim.errors import CallerError
from incrsim.simulation import faults_presets
from incrsim.simulation.campaign.file import ResultsFile, results_file
from incrsim.simulation.campaign.result import CampaignResult
from incrsim.simulation.campaign.row import Row
from incrsim.simulation.campaign.workers import Runner, cores, databases, run_seeds, silence
from incrsim.simulation.faults import KINDS
from incrsim.simulation.reduction.reducing import reduce
from incrsim.simulation.reduction.result import Reduced
from incrsim.simulation.run import Run
from incrsim.simulation.scenario import Scenario
from incrsim.simulation.scenario.draw import sizes
from incrsim.simulation.simulating import run_scenario
from incrsim.simulation.violation import Finding
from incrsim.simulation.world.store import Stores, stores

REDUCED = 3
"""So many violations are reduced, each of another rule: most of the others are the same ones again."""

Tell = Callable[["Standing"], object]


@dataclass(slots=True)
class Standing:
    """How far a campaign is.

    Args:
        wanted: how many scenarios there are to be.
        known: how many of them were run before.
        done: how many are, now.
        violations: in how many of these a rule did not hold.
        doing: what is done now, unless scenarios are run.
    """

    wanted: int
    known: int = 0
    done: int = 0
    violations: int = 0
    doing: str | None = None
    _began: float = field(default_factory=time.perf_counter)

    @property
    def rate(self) -> float:
        """Scenarios a second, now."""
        return (self.done - self.known) / (time.perf_counter() - self._began)

    def add(self, row: Row) -> None:
        """One more."""
        self.done += 1
        self.violations += row.finding is not None


def as_shipped(scenario: Scenario, store: Stores) -> Run:
    """Run a scenario with the engine as it is."""
    return run_scenario(scenario, store=store)


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """What the scenarios of a campaign have in common.

    Args:
        faults: `none`, `gentle`, `rough` or `hostile`.
        days: how long their fault phases last; drawn from their seeds unless given, as all that follows.
        entities: how many their sources hold at first.
        replicas: how many processes serve the provider.
        database: where they happen: `memory`, `embedded`, or the URL of a server on which databases may be created.
        run: runs a scenario on a store; must be found by its name in another process.

    Raises:
        CallerError: when there is no such weather.
    """

    faults: str = "hostile"
    days: float | None = None
    entities: int | None = None
    replicas: int | None = None
    database: str = "memory"
    run: Runner = as_shipped

    def __post_init__(self) -> None:
        if self.faults not in faults_presets.PRESETS:
            known = ", ".join(faults_presets.PRESETS)
            raise CallerError(f"no preset of faults is called {self.faults!r}; there are {known}")

    def scenario(self, seed: int) -> Scenario:
        """The scenario of a seed."""
        return Scenario.draw(seed, self.faults, days=self.days, entities=self.entities, replicas=self.replicas)

    def over(
        self,
        seeds: Iterable[int],
        *,
        jobs: int | None = None,
        results: Path | str | None = None,
        tell: Tell = lambda _: None,
        reduced: int = REDUCED,
    ) -> CampaignResult:
        """Run the scenarios of seeds.

        Args:
            seeds: which.
            jobs: how many processes do it; one for each core unless given. Each of them imports the program that it
                is called from, which therefore does nothing at its import (`if __name__ == "__main__":`).
            results: a file that keeps what is known: a campaign that was broken off goes on.
            tell: hears how far it is.
            reduced: how many violations are made small, each of another rule; beside the file of the results they are
                written as files, too.

        Raises:
            CallerError: when the file is another campaign's, or the database is none.
            StoreError: when the database cannot be used.
        """
        wanted = sorted(set(seeds))
        began = time.perf_counter()
        with results_file(results, self._header()) as file:
            missing = [seed for seed in wanted if seed not in file.rows]
            processes = max(1, min(jobs or cores(), len(missing)))
            with databases(self.database, processes) as where:
                standing = self._run(wanted, missing, where, file, tell)
                rows = [file.rows[seed] for seed in wanted]
                small = list(self._reduced(rows, where[0], reduced, partial(tell, standing), standing))
        if results is not None:
            _write(small, Path(results))
        return CampaignResult(rows, self._planned(wanted), time.perf_counter() - began, small, self.command())

    def command(self) -> str:
        """The command that runs a scenario of it, without the seed."""
        given = {"--days": self.days, "--entities": self.entities, "--replicas": self.replicas}
        wished = "".join(f" {name} {value}" for name, value in given.items() if value is not None)
        return f"incrsim simulate --faults {self.faults}{wished}"

    def _run(
        self, wanted: Sequence[int], missing: Sequence[int], where: Sequence[str], file: ResultsFile, tell: Tell
    ) -> Standing:
        standing = Standing(len(wanted), len(wanted) - len(missing))
        for seed in sorted({*wanted} - {*missing}):
            standing.add(file.rows[seed])
        tell(standing)
        for row in run_seeds(missing, where, self.scenario, self.run):
            file.add(row)
            standing.add(row)
            tell(standing)
        return standing

    def _reduced(
        self, rows: Iterable[Row], database: str, count: int, tell: Callable[[], object], standing: Standing
    ) -> Iterable[Reduced]:
        """Violations made small, the first one of each rule."""
        first: dict[str, tuple[int, Finding]] = {}
        for row in rows:
            if row.finding is not None:
                first.setdefault(row.verdict, (row.seed, row.finding))
        for seed, finding in list(first.values())[:count]:
            standing.doing = f"reducing seed {seed}, {finding.rule}"
            with silence(), stores(database) as opened:
                run = partial(self.run, store=opened)
                yield reduce(self.scenario(seed), finding, run=run, tell=lambda _: tell())

    def _planned(self, seeds: Iterable[int]) -> frozenset[str]:
        return frozenset(fault.kind for seed in seeds for fault in faults_presets.draw(self.faults, seed))

    def _header(self) -> dict[str, Any]:
        """What a file of results must agree in."""
        store = "memory" if self.database == "memory" else "Postgres"
        rates = [(kind.name, kind.rate) for kind in KINDS.values()]
        drawn_from = blake2b(f"{sizes()} {rates}".encode(), digest_size=8).hexdigest()
        wished = {"days": self.days, "entities": self.entities, "replicas": self.replicas}
        return {
            "version": version("incrsim"),
            "faults": self.faults,
            **wished,
            "store": store,
            "drawn from": drawn_from,
        }


def _write(reduced: Iterable[Reduced], results: Path) -> None:
    """Each reduced violation as a scenario's file, and as Python, beside the file of the results."""
    for each in reduced:
        file = results.with_name(f"{results.stem}-{each.name}.toml")
        file.write_text(each.to_toml(), encoding="utf-8")
        file.with_suffix(".py").write_text(f"{each}\n", encoding="utf-8")
