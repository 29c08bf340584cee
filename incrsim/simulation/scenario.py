"""A scenario: all that a simulation depends on, as plain data (C-41). The same scenario gives the same trace, on every
store and in any process.

It is frozen, compares by value, and goes through JSON and TOML exactly (`incrsim.simulation.scenario_text`). Besides
the faults, whose dice are the seed's, everything that happens in it is written down with its `Moment`, so that it can
be read, changed by hand and reduced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from incrsim.errors import CallerError, InvalidOptions
from incrsim.lifecycle import Operator
from incrsim.options import ProviderOptions
from incrsim.simulation.dice import Fault
from incrsim.simulation.moment import Moment

MAIN = "main"
"""The provider that a scenario is about, unless its source has another name."""

RIVAL = "rival"
"""The other provider of the same catalog."""

NOW = Moment(1)
"""Of what is not planned, but happens now."""

VERBS = ("add", "remove", "change", "rename", "bring_back", "spoil", "heal", "claim", "unclaim")
"""What becomes of entities of a source: `spoil` makes them invalid, `claim` returns refs that the rival owns, too."""

FULL = "full"
"""In place of an operator's call: a full mutation of what the source holds then (C-30)."""

CALLS = (*Operator, "cleanup", "approve", "retire", FULL)
"""What an operator may call."""

WHERE = ("anywhere", "before", "during", "after")
"""Which entities an event is about: any, or those of a page that was not read yet, was fetched and not committed, or
was committed."""


def _at_least(spec: object, name: str, least: int) -> None:
    value = getattr(spec, name)
    if not value >= least:
        raise CallerError(f"{type(spec).__name__}({name}={value!r}): it must be {least} or more")


def _one_of(spec: object, name: str, allowed: Sequence[str]) -> None:
    value = getattr(spec, name)
    if value not in allowed:
        raise CallerError(f"{type(spec).__name__}({name}={value!r}): it must be one of {', '.join(allowed)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpec:
    """The source as it is at first.

    Args:
        entities: how many it holds.
        page_size: entities a page.
        dialect: how its pages are told apart; `incrsim.simulation.FakeSource` knows which there are.
        seconds: virtual seconds that a page takes.
        name: the provider's, and its entities' namespace.
    """

    entities: int = 200
    page_size: int = 20
    dialect: str = "keyset"
    seconds: float = 1.0
    name: str = MAIN

    def __post_init__(self) -> None:
        _at_least(self, "entities", 0)
        _at_least(self, "page_size", 1)
        _at_least(self, "seconds", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something becomes of a part of the source's entities.

    Args:
        at: when.
        verb: what.
        count: how many, at most as many as there are.
        percent: or how many of a hundred.
    """

    at: Moment
    verb: str
    count: int | None = None
    percent: float | None = None

    def __post_init__(self) -> None:
        _one_of(self, "verb", VERBS)
        if (self.count is None) == (self.percent is None):
            raise CallerError(f"Change({self.verb!r}, count={self.count}, percent={self.percent}): give one of them")


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorCall:
    """A person intervenes.

    Args:
        at: when.
        operator: which call.
        provider: to which provider; the scenario's own when left out.
        arguments: of the call, where it takes any; what is left out (the verdict of an `approve`, the count of a
            `retire`) is looked up at that moment, as a person would.
    """

    at: Moment
    operator: str
    provider: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _one_of(self, "operator", CALLS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """The source changes, and says so at once by an event (C-29).

    Args:
        at: when.
        added: how many entities are new.
        changed: how many are changed.
        removed: how many are gone.
        where: which ones of those that the source held before.
    """

    at: Moment
    added: int = 0
    changed: int = 0
    removed: int = 0
    where: str = "anywhere"

    def __post_init__(self) -> None:
        _one_of(self, "where", WHERE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeploy:
    """A replica is replaced by one with other options.

    Args:
        at: when.
        replica: which one, from 0.
        options: over those of the scenario.
    """

    at: Moment
    replica: int
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """Another provider of the same catalog, of which nothing may ever be touched.

    Args:
        entities: how many it holds.
        page_size: entities a page.
    """

    entities: int = 20
    page_size: int = 10

    def __post_init__(self) -> None:
        _at_least(self, "entities", 0)
        _at_least(self, "page_size", 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What happens in a simulation.

    Args:
        seed: of everything that is drawn while it runs.
        days: how long the fault phase lasts, in virtual days; the quiet phase follows.
        replicas: how many processes serve the provider.
        source: what it reads.
        options: the provider's options (`ProviderOptions.of`), as plain data.
        changes: of the source.
        operators: calls of operators.
        webhooks: events of the source.
        redeploys: replicas that are replaced.
        faults: kinds of faults, each once at most.
        rival: the other provider of the catalog, if there is one.
        sink: whether another system is kept equal to the catalog (C-12).
    """

    seed: int = 1
    days: float = 10
    replicas: int = 1
    source: SourceSpec = SourceSpec()
    options: Mapping[str, Any] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    operators: tuple[OperatorCall, ...] = ()
    webhooks: tuple[Webhook, ...] = ()
    redeploys: tuple[Redeploy, ...] = ()
    faults: tuple[Fault, ...] = ()
    rival: Rival | None = None
    sink: bool = False

    def __post_init__(self) -> None:
        _at_least(self, "days", 0)
        _at_least(self, "replicas", 1)
        if not all(each.replica in range(self.replicas) for each in self.redeploys):
            raise CallerError(f"Scenario(redeploys=…): replicas are numbered from 0, and there are {self.replicas}")
        if len({each.kind for each in self.faults}) < len(self.faults):
            raise CallerError("Scenario(faults=…): each kind of fault may be there once; put its occurrences together")
        self.provider_options()
        for redeploy in self.redeploys:
            self.provider_options(redeploy.options)

    def provider_options(self, over: Mapping[str, Any] | None = None) -> ProviderOptions:
        """The provider's options, with others in their place where `over` has them.

        Raises:
            InvalidOptions: when they cannot work.
        """
        given = {**self.options, **(over or {})}
        if "redact" in given:
            raise InvalidOptions("redact is a function, and a scenario is plain data; leave it out")
        return ProviderOptions.of(**given)
