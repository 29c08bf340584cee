"""What a panel works on: a store's providers, whoever serves them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from incrsim.catalog import Catalog
from incrsim.events import Event
from incrsim.operators import Operators
from incrsim.planning_values import Plan
from incrsim.stopping import Stop


class Stream(Protocol):
    """Where events are told."""

    def subscribe(self, subscriber: Callable[[Event], None], /) -> Callable[[], None]:
        """Call `subscriber` with every event from now on; the function that comes back ends that."""


@dataclass(frozen=True, slots=True)
class Desk:
    """All that a panel may ask and do.

    Args:
        operators: of the store.
        catalog: of the store.
        served: the providers whose code is here, and whose events are told.
        plan: makes a plan of one of them.
        no_plan: why there can be no plan of a provider; `None` when there can.
        stream: their events.
        by: who serves them, in words, when no replica says that it does.
    """

    operators: Operators
    catalog: Catalog
    served: Callable[[], Collection[str]]
    plan: Callable[[str, Stop], Plan]
    no_plan: Callable[[str], str | None]
    stream: Stream
    by: str = "served by this kernel when asked"
