"""What a sink is, and what it is told."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import orjson

from incrsim.errors import InvalidSink
from incrsim.store.outbox import Delivery, Span, check_name


@dataclass(frozen=True, slots=True)
class SinkEntity:
    """An entity as it is at delivery.

    Args:
        ref: `kind:namespace/name`.
        location_key: as its provider gave it.
        text: its body as JSON, as the catalog has it.
    """

    ref: str
    location_key: str | None
    text: bytes

    @property
    def body(self) -> dict[str, Any]:
        """A fresh copy of the body."""
        body: dict[str, Any] = json.loads(self.text)
        return body


@dataclass(frozen=True, slots=True)
class Mutation:
    """What has changed in one provider's part of the catalog, and is committed (C-12).

    Args:
        provider: the provider's name.
        ingestion: the number of the ingestion that did it; `None` for events, direct deltas, `retire`, and in a resync.
        sequence: the number of its last change in the provider's outbox: it only grows, and one that came before means
            that the mutation is delivered again. The parts of a resync carry that of the last change before it.
        added: entities that are new or changed, as they are now.
        removed: the refs of those that are gone. No ref is in both.
        resync: for a part of a resync, the refs that it stands for: whatever else of this provider is kept between
            them is no longer there. `None` for all other mutations.
    """

    provider: str
    ingestion: int | None
    sequence: int
    added: Sequence[SinkEntity] = ()
    removed: Sequence[str] = ()
    resync: Span | None = None

    @classmethod
    def of(cls, delivery: Delivery) -> Mutation:
        """What a delivery of the store says."""
        added = [SinkEntity(each.ref, each.location_key, each.body) for each in delivery.added]
        return cls(
            delivery.turn.provider, delivery.ingestion, delivery.sequence, added, delivery.removed, delivery.span
        )

    @property
    def size(self) -> int:
        """How many changes it holds."""
        return len(self.added) + len(self.removed)

    def to_json(self) -> bytes:
        """As JSON on one line: a delta as Backstage's `applyMutation` takes it, and where it comes from."""
        return orjson.dumps(
            {
                "type": "delta",
                "provider": self.provider,
                "ingestion": self.ingestion,
                "sequence": self.sequence,
                "resync": None if self.resync is None else asdict(self.resync),
                "added": [
                    {"entityRef": each.ref, "locationKey": each.location_key, "entity": orjson.Fragment(each.text)}
                    for each in self.added
                ],
                "removed": [{"entityRef": ref} for ref in self.removed],
            }
        )


class Sink(Protocol):
    """Another system that is kept equal to the catalog."""

    name: str
    """By which the store knows it, from process to process: 1 to 255 printable characters."""

    def apply_mutation(self, mutation: Mutation) -> None:
        """Take in what has changed. It is delivered once this returns, and comes again when it raises or the process
        dies before; it must come back within a minute, or another replica delivers the same meanwhile.
        """


def check_sink(sink: Any) -> str:
    """Refuse what cannot serve as a sink; returns its name.

    Raises:
        InvalidSink: when it has no usable `apply_mutation`.
        CallerError: when no store can hold its name.
    """
    apply = getattr(sink, "apply_mutation", None)
    if not callable(apply) or inspect.iscoroutinefunction(apply):
        raise InvalidSink(
            f"{sink!r:.200} cannot be a sink: it needs a method apply_mutation(mutation), and not an async one, "
            "since a mutation counts as delivered when that returns"
        )
    name: str = getattr(sink, "name", "")
    check_name(name)
    return name
