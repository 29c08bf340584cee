"""Strategies for plain values: JSON, cursors, options."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from incrsim.cursor import JSONValue
from incrsim.durations import format_duration
from incrsim.options import LEASE_BEYOND_PAGE_TIMEOUT, ProviderOptions
from incrsim.testing.strategies_bounds import between

_BITS = 64
_BEYOND = "lease beyond the least"


def texts(*, min_size: int = 0, max_size: int = 20) -> st.SearchStrategy[str]:
    """Texts that any store can hold: without NUL and lone surrogates.

    Args:
        min_size: characters at least.
        max_size: characters at most.

    Raises:
        CallerError: bounds that no text fits, as in all of these.
    """
    between("texts", "size", min_size, max_size)
    characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    return st.text(characters, min_size=min_size, max_size=max_size)


def json_values(*, max_leaves: int = 10) -> st.SearchStrategy[JSONValue]:
    """JSON values that come back exactly, from any database.

    Args:
        max_leaves: how many values that are not lists or objects it holds, about.
    """
    between("json_values", "leaves", 1, max_leaves)
    leaves: st.SearchStrategy[Any] = (
        st.none()
        | st.booleans()
        | st.integers(-(2 ** (_BITS - 1)), 2**_BITS - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | texts()
    )
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts(max_size=8), inner, max_size=4),
        max_leaves=max_leaves,
    )


def cursors(*, max_leaves: int = 10) -> st.SearchStrategy[JSONValue]:
    """Cursors that a page may carry (C-4): numbers first, then texts, then anything that JSON holds exactly.

    Args:
        max_leaves: how many values that are not lists or objects a cursor holds, about.
    """
    between("cursors", "leaves", 1, max_leaves)
    return st.integers(0, 10_000) | texts() | json_values(max_leaves=max_leaves).filter(lambda each: each is not None)


def _seconds(least: int, most: int) -> st.SearchStrategy[str]:
    return st.integers(least, most).map(lambda seconds: f"{seconds}s")


_WAITS = st.sampled_from(["10s", "1m", "5m", "30m", "3h"])
_PERCENTAGES = st.integers(0, 100) | st.sampled_from(["33.3", "1/3", "0.01"])

_OPTIONS: Mapping[str, st.SearchStrategy[Any]] = {
    "burst_length": _seconds(1, 60),
    "burst_interval": _seconds(0, 60),
    "rest_length": st.sampled_from(["1d", "6h", "0s", "7d"]),
    "backoff": st.lists(_WAITS, min_size=1, max_size=4),
    "page_timeout": _seconds(30, 300),
    "lease_length": st.integers(1, 600),  # seconds beyond the least that works
    "max_pages": st.integers(1, 1000),
    "reject_empty_source_collections": st.just(value=True),
    "reject_removals_above_percentage": _PERCENTAGES,
    "reject_removals_above_count": st.integers(0, 50),
    "removal_grace_cycles": st.integers(1, 3),
    "on_invalid_entity": st.just("fail"),
    "max_invalid_percentage": _PERCENTAGES,
}

HARMLESS = tuple(name for name in _OPTIONS if name not in {"rest_length", "page_timeout", "max_pages"})
"""Options with which every ingestion comes to an end, and rests as long as usual."""


def options(**given: Any) -> st.SearchStrategy[ProviderOptions]:
    """Options that work together; shrink to the defaults.

    Args:
        given: options that are not drawn from all that they may be: values, or strategies for them.

    Raises:
        InvalidOptions: an option that there is not, or a value that cannot work.

    Example:
        options(removal_grace_cycles=st.integers(1, 2), max_pages=None)
    """
    return option_values(**given).map(lambda values: ProviderOptions.of(**values))


def option_values(names: tuple[str, ...] = tuple(_OPTIONS), **given: Any) -> st.SearchStrategy[dict[str, Any]]:
    """The same as plain data, as scenarios have it; what is as usual is left out.

    Args:
        names: of those that are drawn.
        given: as for `options`.

    Raises:
        InvalidOptions: as for `options`.
    """
    strategies = {name: each for name, each in given.items() if isinstance(each, st.SearchStrategy)}
    fixed = {name: each for name, each in given.items() if name not in strategies}
    ProviderOptions.of(**fixed, **dict.fromkeys(strategies.keys() - ProviderOptions.names()))
    drawn = {name: _OPTIONS[name] for name in names if name not in given}
    if "lease_length" in drawn:
        drawn[_BEYOND] = drawn.pop("lease_length")
    return st.fixed_dictionaries(strategies, optional=drawn).map(lambda values: _fitting({**fixed, **values}))


def _fitting(values: dict[str, Any]) -> dict[str, Any]:
    if beyond := values.pop(_BEYOND, None):
        least = ProviderOptions.of(**values).page_timeout + LEASE_BEYOND_PAGE_TIMEOUT
        values["lease_length"] = format_duration(least + timedelta(seconds=beyond))
    return values
