"""How far the open ingestion has read: what is ahead, in hand or behind, for events that come then (C-29)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from incrsim import events
from incrsim.draft import as_entity
from incrsim.provider import Page
from incrsim.simulation.simulator import Died, Happening


class Reading:
    """Keeps the pages of the ingestion that is open."""

    def __init__(self) -> None:
        self._in_hand: dict[int, Page] = {}
        self._read: list[Page] = []
        self._ingestion = 0

    def fetched(self, number: int, page: Page) -> None:
        """A replica has a page in hand."""
        self._in_hand[number] = page

    def happened(self, number: int, happening: Happening) -> None:
        """A replica's step ended with this."""
        match happening:
            case events.Claimed() if happening.ingestion > self._ingestion:
                self._ingestion = happening.ingestion
                self._read = []
            case events.PageCommitted() if number in self._in_hand:
                self._read.append(self._in_hand.pop(number))
            case events.Failed() | events.Overtaken() | events.ContextLeft() | Died():
                self._in_hand.pop(number, None)

    def chosen(self, where: str, held: Iterable[str]) -> list[str]:
        """Those of the refs that a source holds which are so.

        Args:
            where: `anywhere`; `before`, ahead of what was read; `during`, on a page in hand; `after`, committed.
            held: the refs.
        """
        in_hand, read = set(_refs(self._in_hand.values())), set(_refs(self._read))
        match where:
            case "before":
                return sorted(set(held) - in_hand - read)
            case "during":
                return sorted(in_hand & set(held))
            case "after":
                return sorted((read - in_hand) & set(held))
        return sorted(held)


def _refs(pages: Iterable[Page]) -> Iterator[str]:
    return (ref for page in pages for each in page.entities if (ref := as_entity(each).ref) is not None)
