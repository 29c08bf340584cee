"""Is the catalog what it must be? Both sides are read in the order of refs, in constant memory (C-13)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from incrsim.simulation.view import View
from incrsim.store import Store
from incrsim.store.contract import StoredEntity

SHOWN = 10
"""How many refs of each kind of difference are kept."""

_PAGE = 1000


@dataclass(slots=True)
class Differences:
    """Refs that differ in the same way.

    Args:
        count: how many.
        first: the first `SHOWN` of them.
    """

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, ref: str) -> None:
        """One more."""
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(ref)

    def __str__(self) -> str:
        more = ", …" if self.count > len(self.first) else ""
        return f"{self.count:,} ({', '.join(self.first)}{more})"


@dataclass(slots=True)
class Comparison:
    """A catalog beside what it must be.

    Args:
        provider: whose part of the catalog.
        compared: how many refs there are on either side.
        missing: expected, but not in the catalog (or owned by another provider).
        unexpected: in the catalog, but not expected.
        different: on both sides, with another body.
    """

    provider: str
    compared: int = 0
    missing: Differences = field(default_factory=Differences)
    unexpected: Differences = field(default_factory=Differences)
    different: Differences = field(default_factory=Differences)

    @property
    def ok(self) -> bool:
        """Whether both are the same, byte for byte."""
        return not (self.missing.count or self.unexpected.count or self.different.count)

    def __str__(self) -> str:
        """One sentence."""
        if self.ok:
            return f"the catalog of {self.provider!r} holds exactly the {self.compared:,} expected entities"
        kinds = {"missing": self.missing, "unexpected": self.unexpected, "different": self.different}
        told = "; ".join(f"{name}: {found}" for name, found in kinds.items() if found.count)
        return f"the catalog of {self.provider!r} is not what it must be; {told}"


def compare(store: Store, provider: str, expected: View) -> Comparison:
    """Compare a provider's entities in the catalog with what they must be, byte for byte.

    Args:
        store: where the catalog is; nobody should write to it meanwhile.
        provider: whose entities.
        expected: what they must be, in the order of their refs.
    """
    result = Comparison(provider)
    catalog = _catalog(store, provider)
    held = next(catalog, None)
    for ref, entity in expected:
        while held is not None and held.ref < ref:
            result.compared += 1
            result.unexpected.add(held.ref)
            held = next(catalog, None)
        result.compared += 1
        if held is None or held.ref != ref:
            result.missing.add(ref)
            continue
        if held.canonical != entity.canonical:
            result.different.add(ref)
        held = next(catalog, None)
    while held is not None:
        result.compared += 1
        result.unexpected.add(held.ref)
        held = next(catalog, None)
    return result


def _catalog(store: Store, provider: str) -> Iterator[StoredEntity]:
    after = ""
    while page := store.entities(provider, after=after, limit=_PAGE):
        yield from page
        after = page[-1].ref
