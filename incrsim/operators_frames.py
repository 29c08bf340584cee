"""What operators ask, as DataFrames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from incrsim.frames import INSTANT, TEXT, WHOLE, Types, typed
from incrsim.ingestion import Ingestion
from incrsim.ingestion_frame import COUNTS, counts_values, history_frame
from incrsim.operators import Operators
from incrsim.store import Store

if TYPE_CHECKING:
    import pandas as pd

_MARKS: Types = {"ingestion": WHOLE, "page": WHOLE, "committed": INSTANT, "cursor": TEXT, **COUNTS}
_PAGE = 1000
"""How many rows one query brings."""


def history(store: Store, operators: Operators, name: str | None) -> pd.DataFrame:
    """The ingestions of a provider, or of all, from the oldest that is kept to the open one.

    Args:
        store: where they are.
        operators: of the store.
        name: the provider; `None` for all.

    Raises:
        UnknownProvider: when there is none of that name.
        MissingExtra: when pandas is not installed.
    """
    return history_frame(_records(store, _names(operators) if name is None else iter([name])))


def _names(operators: Operators) -> Iterator[str]:
    after: Any = ""
    while after is not None:
        page = operators.providers(after=after, limit=_PAGE)
        yield from (each.provider for each in page.items)
        after = page.next


def _records(store: Store, names: Iterator[str]) -> Iterator[tuple[str, Ingestion]]:
    for name in names:
        state = store.state(name)
        yield from ((name, each) for each in sorted(store.history(name), key=lambda it: it.number))
        yield name, state.ingestion


def marks(operators: Operators, name: str) -> pd.DataFrame:
    """The pages that the open ingestion of a provider has committed, in order.

    Args:
        operators: of the store.
        name: the provider.

    Raises:
        UnknownProvider: when there is none of that name.
        MissingExtra: when pandas is not installed.
    """
    return typed(_marks(operators, name), _MARKS)


def _marks(operators: Operators, name: str) -> Iterator[dict[str, Any]]:
    after: Any = 0
    while after is not None:
        page = operators.marks(name, after=after, limit=_PAGE)
        for mark in page.items:
            first = {"ingestion": mark.ingestion, "page": mark.sequence, "committed": mark.committed_at}
            yield {**first, "cursor": mark.cursor, **counts_values(mark.counts)}
        after = page.next
