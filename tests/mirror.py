"""A sink that keeps what it is told, so that it can be compared with the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from incrsim.sinks import Mutation
    from incrsim.store import Store


class Mirror:
    """Keeps who owns which ref, and its body, as the documentation tells sinks to.

    Args:
        name: the sink's name.
    """

    def __init__(self, name: str = "mirror") -> None:
        self.name = name
        self.kept: dict[str, tuple[str, bytes]] = {}
        self.heard: list[Mutation] = []
        self.failing = ""

    def apply_mutation(self, mutation: Mutation) -> None:
        """Take a mutation in, or fail if that is what it shall do."""
        if self.failing:
            raise ConnectionError(self.failing)
        before = [each.sequence for each in self.heard if each.provider == mutation.provider]
        assert not before or mutation.sequence >= before[-1], "a provider's changes come in their order"
        self.heard.append(mutation)
        span = mutation.resync
        if span is not None:
            self.kept = {
                ref: (owner, body)
                for ref, (owner, body) in self.kept.items()
                if owner != mutation.provider or ref not in span
            }
        for entity in mutation.added:
            self.kept[entity.ref] = (mutation.provider, entity.text)
        for ref in mutation.removed:
            self.kept.pop(ref, None)

    def names(self) -> list[str]:
        """What it keeps, names only, sorted."""
        return sorted(ref.rpartition("/")[2] for ref in self.kept)


def catalog_of(store: Store) -> dict[str, tuple[str, bytes]]:
    """What a mirror should keep."""
    return {each.ref: (each.provider, each.body) for each in store.entities()}
