"""Other systems are told of every change that was committed, and of nothing else (C-12), so many at a time (C-13)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from incrsim.simulation.oracle.book import Asked, Model

AUDITOR = "oracle"
"""A sink that is registered and never served: what waits for it is all that was ever written for sinks."""

LARGEST_BATCH = 500
"""How many changes a sink may be told of at once (C-13)."""


class Sink(Protocol):
    """Another system, as far as it can be looked at."""

    @property
    def entities(self) -> Mapping[str, tuple[str, bytes]]:
        """What it holds: ref → provider and body."""

    @property
    def largest(self) -> int:
        """The most changes that it was told of at once."""


def audit(model: Model) -> None:
    """From now on what is written for sinks can be counted."""
    model.store.register_sink(AUDITOR)


def counted(asked: Asked) -> None:
    """As many rows were written for sinks as entities were written or removed, neither more nor fewer."""
    model, book = asked.model, asked.book
    must = sum(each.outbox for each in model.books.values())
    found = next(sink.behind for sink in model.store.sinks() if sink.name == AUDITOR)
    if must != found:
        raise book.violated("C-12", f"{must} changes wait for a sink that has got nothing yet", f"{found}")


def mirrored(model: Model, sink: Sink) -> None:
    """A sink that has got everything holds what the catalog holds."""
    mirror = sink.entities
    held: dict[str, tuple[str, bytes]] = {}
    after = ""
    while page := model.store.entities(after=after, limit=1000):
        held.update({each.ref: (each.provider, each.body) for each in page})
        after = page[-1].ref
    for ref in sorted(held.keys() | mirror.keys()):
        must, found = held.get(ref), mirror.get(ref)
        if must != found:
            book = model.book((must or found or ("", b""))[0])
            raise book.violated("C-12", f"the sink holds {ref} as the catalog does", "it does not")
    if sink.largest > LARGEST_BATCH:
        # Whichever provider it was of.
        book = min(model.books.values(), key=lambda book: book.name)
        raise book.violated("C-13", f"a sink is told of {LARGEST_BATCH} changes at most at once", f"{sink.largest}")
