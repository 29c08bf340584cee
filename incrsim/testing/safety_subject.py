"""A provider whose sweeps are put to the test, and the source that it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from incrsim.draft import as_entity
from incrsim.errors import CallerError, shortened
from incrsim.preview import preview
from incrsim.provider import check_provider
from incrsim.simulation.scenario import SourceSpec
from incrsim.simulation.served.wires import WIRES
from incrsim.simulation.source import FakeSource

PROBED = 20
"""Pages of a provider that are looked at before it is simulated."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is put to the test.

    Args:
        factory: makes the provider, of a source or of the URL at which it is served.
        source: what it reads; copies of it are read, so that it stays as it is.
        serve: how it is served (`FakeSource.serve`), if it is.

    Raises:
        CallerError: when that cannot be simulated.
    """

    factory: Callable[[Any], Any]
    source: FakeSource
    serve: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.source, FakeSource):
            raise CallerError(
                f"source={shortened(self.source)}: a source must change and fail when it is told to; write for example "
                "source=incrsim.simulation.FakeSource(entities=60, page_size=10)"
            )
        if self.serve is not None and self.serve not in WIRES:
            raise CallerError(f"serve={shortened(self.serve)}: a source is served by {', '.join(WIRES)}")

    @contextmanager
    def fresh(self, spec: SourceSpec | None = None) -> Iterator[tuple[FakeSource, Any]]:
        """A source as it is at first, and a provider that has read nothing of it; `None` when that is the source.

        Args:
            spec: how many of the source's entities there are, and how many a page; as in the source unless given.

        Raises:
            CallerError: the factory fails, or makes no provider.
        """
        source = deepcopy(self.source)
        if spec is not None:
            source.page_size = spec.page_size
            source.remove(count=max(0, len(source) - spec.entities))
        with replace(self, source=source).taken() as taken:
            yield taken

    @contextmanager
    def taken(self) -> Iterator[tuple[FakeSource, Any]]:
        """The same, with the source itself, which changes."""
        source = self.source
        with nullcontext(source) if self.serve is None else source.serve(self.serve) as address:
            provider = self._provider(address)
            yield source, None if provider is source else provider

    def probe(self) -> None:
        """See that the provider returns what its source holds, before it is run a hundred times.

        Raises:
            CallerError: when nobody could tell what of the source is missing.
        """
        with self.fresh() as (source, provider):
            if provider is None:
                return
            pages = preview(provider, pages=PROBED).pages
            returned = {str(as_entity(each).ref) for page in pages for each in page.entities}
            held = source.snapshot().refs
        if strange := sorted(returned - held):
            raise CallerError(
                f"the provider returns {strange[0]}, which its source does not hold (but {min(held, default='nothing')}"
                "): nobody could tell what is missing. Give entities the kind, the namespace and the name that they "
                "have in the source, or the source (namespace=…) those of the provider"
            )

    def _provider(self, address: Any) -> Any:
        try:
            provider = self.factory(address)
        except Exception as error:
            given = "the source" if self.serve is None else "the URL of the source"
            raise CallerError(
                f"the factory of the provider, called with {given}, failed: {type(error).__name__}: {error}"
            ) from error
        check_provider(provider)
        return provider
