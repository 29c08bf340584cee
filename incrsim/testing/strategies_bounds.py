"""Bounds that callers give to strategies."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from incrsim.errors import CallerError, shortened


def between(strategy: str, name: str, least: int, most: int, floor: int = 0) -> st.SearchStrategy[int]:
    """Whole numbers within bounds, the least one first.

    Args:
        strategy: whose arguments they are, for errors.
        name: what is counted: the arguments are called `min_…` and `max_…`.
        least: `min_…`.
        most: `max_…`.
        floor: the least that makes sense.

    Raises:
        CallerError: when no number is within them.
    """
    for bound, value in (("min", least), ("max", most)):
        if isinstance(value, bool) or not isinstance(value, int):
            raise CallerError(f"{strategy}({bound}_{name}={shortened(value)}): write a whole number")
    if least < floor:
        raise CallerError(f"{strategy}(min_{name}={least}): it must be {floor} or more")
    if most < least:
        raise CallerError(f"{strategy}(min_{name}={least}, max_{name}={most}): nothing is between them")
    return st.integers(least, most)


def chosen(strategy: str, name: str, given: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """Names that are drawn from, of those that there are.

    Args:
        strategy: whose argument it is, for errors.
        name: of the argument.
        given: its value.
        known: what there is.

    Raises:
        CallerError: when there is no such thing, or nothing to draw from.
    """
    names, there = tuple([given] if isinstance(given, str) else given), tuple(known)
    unknown = [each for each in names if each not in there]
    if unknown:
        raise CallerError(f"{strategy}({name}=…): {shortened(unknown[0])} is none of {', '.join(there)}")
    if not names:
        raise CallerError(f"{strategy}({name}=()): give at least one of {', '.join(there)}")
    return names
