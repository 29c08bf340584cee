"""What notebooks show of an app."""

from __future__ import annotations

from collections.abc import Sequence

from incrsim.errors import StoreError
from incrsim.html import SHOWN, Html, card
from incrsim.operators import Operators
from incrsim.operators_values import statuses

SHOWN_NAMES = 8
"""How many names the `repr` of an app has."""


def named(names: Sequence[str]) -> str:
    """Some of them, and how many more there are."""
    more = f" and {len(names) - SHOWN_NAMES:,} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(names[:SHOWN_NAMES]) + more or "no providers yet"


def app_card(operators: Operators, where: str, served: Sequence[str]) -> Html:
    """The providers of the store, and where they are.

    Args:
        operators: of the store.
        where: the store is.
        served: the providers that the app itself serves.
    """
    title = f"App on {where}"
    try:
        listing = operators.providers(limit=SHOWN)
    except StoreError as error:
        return card(title, f"its providers cannot be read now: {error}", of="failed")
    if not listing.items:
        return card(title, "No providers yet: app.add(…)")
    more = "" if listing.next is None else f"… and more: app.operators.providers(after={listing.next!r})"
    return card(title, f"It serves {named(served)}" if served else "It serves none", statuses(listing.items, more))
