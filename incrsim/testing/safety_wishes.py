"""What a test run wishes of simulations in it: set by the pytest plugin, read by those who draw scenarios."""

from __future__ import annotations

from contextvars import ContextVar
from typing import NamedTuple


class Wishes(NamedTuple):
    """How scenarios are drawn where a call does not say so itself.

    Args:
        seed: of the first one; the others follow.
        examples: how many.
    """

    seed: int = 1
    examples: int = 50


WISHES: ContextVar[Wishes] = ContextVar("wishes of this test run", default=Wishes())  # noqa: B039 -- a frozen value
