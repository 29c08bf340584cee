"""A provider whose sweeps are put to the test, the source that it reads, and who judges."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from incrsim.draft import as_entity
from incrsim.errors import CallerError, shortened
from incrsim.options import ProviderOptions
from incrsim.preview import preview
from incrsim.provider import check_provider
from incrsim.simulation.dialects import DIALECTS, STABLE
from incrsim.simulation.observation import Observer
from incrsim.simulation.oracle import Oracle
from incrsim.simulation.served_wires import WIRES
from incrsim.simulation.simulating import spec_of
from incrsim.simulation.source import FakeSource
from incrsim.simulation.world import World

_PAGES = 20


@dataclass(slots=True)
class Judge:
    """Makes the oracles of many runs, and keeps book of what was lost in them.

    Args:
        lossless: whether it is a violation when an entity is swept that the source held all along (C-20); it is counted
            otherwise.
    """

    lossless: bool
    oracles: list[Oracle] = field(default_factory=list)

    def __call__(self, world: World) -> Observer:
        """Who judges a world."""
        oracle = Oracle(world.store, world.clock, line=lambda: world.trace.length, protects=self.lossless)
        self.oracles.append(oracle)
        return oracle

    @property
    def losses(self) -> int:
        """How many entities were swept that the source held all along."""
        return sum(sum(oracle.losses.values()) for oracle in self.oracles)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is put to the test.

    Args:
        factory: makes the provider, of a source or of the URL at which it is served.
        source: what it reads; copies of it are read, so that it stays as it is.
        serve: how it is served (`FakeSource.serve`), if it is.
        options: the provider's.
    """

    factory: Callable[[Any], Any]
    source: FakeSource
    serve: str | None
    options: Mapping[str, Any]

    @contextmanager
    def fresh(self, entities: int | None = None) -> Iterator[tuple[FakeSource, Any]]:
        """A source as it is at first, and a provider that has read nothing of it; `None` when it is the source itself.

        Args:
            entities: how many of the source's there are.

        Raises:
            CallerError: the factory fails, or makes no provider.
        """
        source = deepcopy(self.source)
        if entities is not None and entities < len(source):
            source.remove(count=len(source) - entities)
        with nullcontext(source) if self.serve is None else source.serve(self.serve) as address:
            provider = self._provider(address)
            yield source, None if provider is source else provider

    @property
    def is_stable(self) -> bool:
        """Whether nothing that stays is missed while the source changes, however it is read."""
        dialect = self.source.dialect if self.serve is None else WIRES[self.serve].dialect
        return dialect in STABLE

    def check(self) -> None:
        """See that all of this fits together, before it is run a hundred times.

        Raises:
            CallerError: what does not.
            InvalidOptions: an option that there is not, or a value that cannot work.
        """
        ProviderOptions.of(**self.options)
        if not isinstance(self.source, FakeSource):
            raise CallerError(
                f"source={shortened(self.source)}: sources that change and fail on request are FakeSources; write for "
                "example source=incrsim.simulation.FakeSource(entities=60, page_size=10)"
            )
        if self.serve is not None and self.serve not in WIRES:
            raise CallerError(f"serve={shortened(self.serve)}: a source is served by {', '.join(WIRES)}")
        with self.fresh() as (source, provider):
            if provider is not None:
                _same_refs(source, provider)

    def _provider(self, address: Any) -> Any:
        try:
            provider = self.factory(address)
        except Exception as error:
            what = "the source" if self.serve is None else "the source's URL"
            raise CallerError(
                f"the factory of the provider failed: {type(error).__name__}: {error}; it is called with {what}"
            ) from error
        check_provider(provider)
        return provider


def _same_refs(source: FakeSource, provider: Any) -> None:
    """What a provider returns must be the source's, by their refs: otherwise nobody could tell what is missing."""
    seen = preview(provider, pages=_PAGES)
    returned = {as_entity(each).ref for page in seen.pages for each in page.entities}
    held = source.snapshot().refs
    if strange := sorted(map(str, returned - held)):
        raise CallerError(
            f"the provider returns {strange[0]}, and its source holds {min(held, default='nothing')} …: make entities "
            "with the kind, namespace and name that the source gives them, so that what is missing can be told"
        )


def spec_with(source: FakeSource, entities: int) -> Any:
    """What a scenario says of so many of a source's entities."""
    return replace(spec_of(source), entities=entities)


__all__ = ["DIALECTS", "Judge", "Subject", "spec_with"]
