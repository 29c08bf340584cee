"""What a scenario is made of, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from incrsim.errors import CallerError
from incrsim.lifecycle import Operator
from incrsim.simulation.dialects import DIALECTS
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


def at_least(spec: object, name: str, least: int) -> None:
    """Refuse a number that is smaller.

    Raises:
        CallerError: when it is.
    """
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
        dialect: how its pages follow each other; one of `incrsim.simulation.dialects.DIALECTS`.
        seconds: virtual seconds that a page takes.
        name: the provider's.
        namespace: of its entities; the name unless given.
        seed: of what its entities say and which of them change; the scenario's unless given.
    """

    entities: int = 200
    page_size: int = 20
    dialect: str = "keyset"
    seconds: float = 1.0
    name: str = MAIN
    namespace: str | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        at_least(self, "entities", 0)
        at_least(self, "page_size", 1)
        at_least(self, "seconds", 0)
        _one_of(self, "dialect", tuple(DIALECTS))


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
        at_least(self, "entities", 0)
        at_least(self, "page_size", 1)
