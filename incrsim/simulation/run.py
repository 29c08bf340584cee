"""What came of a simulation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from incrsim import events, panels
from incrsim.errors import CallerError
from incrsim.glance import brief, many
from incrsim.html import SHOWN, Html, card, facts
from incrsim.ingestion import Status
from incrsim.panels import Panel
from incrsim.simulation.run_frame import events_frame, rows, to_frame
from incrsim.simulation.scenario import Scenario
from incrsim.simulation.simulator import Happening
from incrsim.simulation.staging import Staging
from incrsim.simulation.violation import Finding, Violation
from incrsim.simulation.world.happenings import WorldEvent

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class Run:
    """A scenario that was run.

    Args:
        scenario: which one.
        provider: the name of the provider that it is about.
        findings: the rule that did not hold, if there was one: the first one ends a run.
        happenings: everything that happened, each with the replica's number, in order.
        steps: how many steps replicas took.
        effects: each fault that took effect, with the number of its opportunity.
        losses: how many entities that the source held all along were swept, by provider and ingestion: where its pages
            drift or it lies, guards and grace bound that, and nothing can exclude it.
        met: how often each kind of fault took effect in each status of an ingestion.
        digest: of the trace (C-41).
        seconds: real ones.
        staging: how it can be run again; `None` when it read a provider that was given.
    """

    scenario: Scenario
    provider: str
    findings: tuple[Finding, ...]
    happenings: Sequence[tuple[int, Happening | WorldEvent]]
    steps: int
    effects: tuple[tuple[str, int], ...]
    losses: Mapping[tuple[str, int], int]
    met: Mapping[tuple[str, Status], int]
    digest: str
    seconds: float
    staging: Staging | None = field(default=None, compare=False, repr=False)

    @property
    def ok(self) -> bool:
        """Whether every rule held."""
        return not self.findings

    @property
    def verdict(self) -> str:
        """`ok`, or what did not hold."""
        return "ok" if self.ok else str(self.findings[0])

    @property
    def violation(self) -> Violation | None:
        """What did not hold, as an exception to raise or to watch; `None` when every rule held."""
        return None if self.ok else Violation(self.findings[0], self.staging)

    def panel(self) -> Panel:
        """Watch it in a notebook from its beginning: the same steps once more, by hand or one after the other.

        Raises:
            CallerError: when it cannot be run again.
            MissingExtra: when ipywidgets is not installed.
        """
        if self.staging is None:
            raise CallerError("this run read a provider that was given, and only that one could repeat it; simulate(…)")
        return panels.panel("simulation_panel", self.staging)

    @property
    def cycles(self) -> int:
        """How many ingestions of the provider came to rest: swept or refused."""
        return sum(isinstance(each, events.SweepCommitted) for each in self.heard())

    @property
    def claimed_by(self) -> tuple[int, ...]:
        """The numbers of the replicas that claimed an ingestion of the provider."""
        return tuple(sorted({number for number, each in self.numbered_events() if isinstance(each, events.Claimed)}))

    @property
    def faults(self) -> Counter[str]:
        """How often each kind of fault took effect."""
        return Counter(kind for kind, _ in self.effects)

    def numbered_events(self) -> Iterator[tuple[int, events.Event]]:
        """The engine's events about the provider, in order, each with the replica's number."""
        for number, each in self.happenings:
            if isinstance(each, events.Event) and each.provider == self.provider:
                yield number, each

    def heard(self) -> Iterator[events.Event]:
        """The same, without the numbers."""
        return (each for _, each in self.numbered_events())

    def to_frame(self) -> pd.DataFrame:
        """A row for each ingestion of the provider.

        Raises:
            MissingExtra: when pandas is not installed.
        """
        return to_frame(self.heard())

    def events(self) -> pd.DataFrame:
        """A row for everything that happened: what replicas, operators, the source and faults did, in order.

        Raises:
            MissingExtra: when pandas is not installed.
        """
        return events_frame(self.happenings)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw how the catalog followed its source; `incrsim.notebook.plots` has more pictures.

        Args:
            ax: matplotlib's axes to draw into; new ones unless given.

        Raises:
            MissingExtra: when matplotlib is not installed.
        """
        drawn: Axes = import_module("incrsim.notebook.plots").catalog(self, ax)  # above this module
        return drawn

    def to_dict(self) -> dict[str, Any]:
        """The run as JSON values."""
        return {
            "seed": self.scenario.seed,
            "provider": self.provider,
            "cycles": self.cycles,
            "steps": self.steps,
            "faults": dict(sorted(self.faults.items())),
            "lost": sum(self.losses.values()),
            "violations": [asdict(each) for each in self.findings],
            "digest": self.digest,
            "seconds": round(self.seconds, 3),
            "ok": self.ok,
        }

    def __str__(self) -> str:
        """A sentence or two for terminals."""
        counts = [many(self.cycles, "cycle"), many(self.steps, "step")]
        faults = many(len(self.effects), "fault") if self.effects else "no faults"
        told = f"{self.provider}, seed {self.scenario.seed}: {' in '.join(counts)}, {faults}"
        return f"{told}: {self.verdict}"

    def __repr__(self) -> str:
        return brief(self, str(self))

    def _repr_html_(self) -> str:
        """For notebooks."""
        scenario, ends = self.scenario, Counter(row.outcome or "ended from outside" for row in rows(self.heard()))
        strikes = [f"{kind} {count:,}" for kind, count in self.faults.most_common()]
        more = f" and of {len(strikes) - SHOWN:,} more kinds" if len(strikes) > SHOWN else ""
        known = {
            "seed": str(scenario.seed),
            "source": f"{scenario.source.entities:,} entities on pages of {scenario.source.page_size:,}",
            "time": f"{scenario.days:g} virtual days in {self.seconds:,.2f} s, {self.steps:,} steps",
            "replicas": f"{scenario.replicas:,}",
            "ingestions": ", ".join(f"{count:,} {outcome}" for outcome, count in ends.most_common()),
            f"{len(self.effects):,} faults": ", ".join(strikes[:SHOWN]) + more,
            "digest": self.digest,
        }
        found = [Html(each._repr_html_()) for each in self.findings]  # as notebooks call it
        return card(f"Run of {self.provider}", facts(known), *found, of="ok" if self.ok else "violated")
