"""What a simulated world does itself, beside the steps of its replicas: lines of the trace from which a story can be
read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldEvent:
    """Something that the world did.

    Args:
        at: when.
        provider: to or with which provider.
    """

    at: datetime
    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceChanged(WorldEvent):
    """A source holds something else from now on.

    Args:
        verb: what happened to its entities.
        count: to how many.
        holds: how many it holds now.
    """

    verb: str
    count: int
    holds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTold(WorldEvent):
    """A source sent an event of what it has changed.

    Args:
        added: how many entities were new or changed.
        removed: how many were gone.
        outcome: what became of the event.
    """

    added: int
    removed: int
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operated(WorldEvent):
    """An operator called.

    Args:
        operator: what.
        outcome: what came of it.
    """

    operator: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeployed(WorldEvent):
    """A replica was replaced by a process with other options.

    Args:
        number: which one.
        options: those that differ from the scenario's.
    """

    number: int
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaFroze(WorldEvent):
    """A replica does nothing, and knows nothing of it.

    Args:
        number: which one.
        until: when it goes on.
    """

    number: int
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockJumped(WorldEvent):
    """The clock went ahead, while nobody did anything.

    Args:
        seconds: how far.
    """

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultStruck(WorldEvent):
    """A fault took effect.

    Args:
        kind: which one.
        occurrence: at which of its opportunities.
    """

    kind: str
    occurrence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietBegan(WorldEvent):
    """No faults any more, and the source stays as it is: everything must come to rest."""
