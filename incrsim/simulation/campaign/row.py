"""What is kept of one run of a campaign: a line of JSON, a row of a DataFrame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from traceback import extract_tb
from typing import Any, Self

from incrsim.ingestion import Status
from incrsim.simulation.faults import Need, lying
from incrsim.simulation.run import Run
from incrsim.simulation.scenario import Scenario
from incrsim.simulation.violation import Finding

OK = "ok"
"""The verdict on a run in which every rule held."""

FRAMES = 5
"""How many frames of a traceback tell where a run broke off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One run of a campaign.

    Args:
        seed: of its scenario.
        entities: how many the source held at first.
        pages: in which it came at first.
        dialect: how these followed each other.
        replicas: how many there were.
        sink: whether there was one.
        lies: whether the source may have said what is not so.
        claimed: how many replicas claimed an ingestion of the provider.
        cycles: how many ingestions came to rest.
        steps: how many steps replicas took.
        lost: how many entities were swept that the source held all along: where it drifts or lies, guards and grace
            bound that, and nothing can exclude it.
        faults: how often each kind took effect.
        met: the same by the status of the ingestion that each of them met.
        digest: of the trace.
        seconds: real ones.
        finding: what did not hold; `None` when every rule did.
    """

    seed: int
    entities: int
    pages: int
    dialect: str
    replicas: int
    sink: bool
    lies: bool
    claimed: int = 0
    cycles: int = 0
    steps: int = 0
    lost: int = 0
    faults: Mapping[str, int] = field(default_factory=dict)
    met: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    digest: str = ""
    seconds: float = 0.0
    finding: Finding | None = None

    @classmethod
    def of(cls, run: Run) -> Self:
        """What is kept of a run."""
        met: dict[str, dict[str, int]] = {}
        for (kind, status), times in sorted(run.met.items()):
            met.setdefault(kind, {})[status.value] = times
        return cls(
            **_scenario(run.scenario),
            claimed=len(run.claimed_by),
            cycles=run.cycles,
            steps=run.steps,
            lost=sum(run.losses.values()),
            faults=dict(sorted(run.faults.items())),
            met=met,
            digest=run.digest,
            seconds=round(run.seconds, 3),
            finding=next(iter(run.findings), None),
        )

    @classmethod
    def broken_off(cls, scenario: Scenario, error: Exception) -> Self:
        """What is kept of a run that an error ended which nobody expected."""
        return cls(**_scenario(scenario), finding=unexpected(scenario, error))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """A row from JSON values.

        Raises:
            TypeError: when it is none.
        """
        found = values.get("finding")
        finding = None if found is None else Finding(**{**found, "story": tuple(found["story"])})
        return cls(**{**values, "finding": finding})

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @property
    def verdict(self) -> str:
        """`ok`, or the rule that did not hold."""
        return OK if self.finding is None else self.finding.rule

    @property
    def needs_met(self) -> frozenset[Need]:
        """What was there for faults to happen to."""
        there = {Need.PAGES: self.pages > 1, Need.SECOND_REPLICA: self.replicas > 1, Need.SINK: self.sink}
        return frozenset({Need.SOURCE, Need.EVENTS, *(need for need, is_there in there.items() if is_there)})

    def pairs(self) -> Mapping[tuple[str, Status], int]:
        """How often each kind of fault took effect in each status."""
        return {(kind, Status(status)): times for kind, by in self.met.items() for status, times in by.items()}


def unexpected(scenario: Scenario, error: Exception) -> Finding:
    """An error that is none of the contract's, as a finding: its class stands in place of the rule."""
    frames = extract_tb(error.__traceback__)[-FRAMES:]
    story = tuple(f"{Path(each.filename).name}, line {each.lineno}, in {each.name}: {each.line}" for each in frames)
    return Finding(type(error).__name__, scenario.source.name, 0, "no error", f"{error!r:.300}", story)


def _scenario(scenario: Scenario) -> dict[str, Any]:
    source = scenario.source
    return {
        "seed": scenario.seed,
        "entities": source.entities,
        "pages": max(1, -(-source.entities // source.page_size)),
        "dialect": source.dialect,
        "replicas": scenario.replicas,
        "sink": scenario.sink,
        "lies": lying(scenario.faults),
    }
