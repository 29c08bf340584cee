from __future__ import annotations

import inspect

import pytest

import incrsim
from providers import increasing_numbers
from providers.increasing_numbers import IncreasingNumbers


@pytest.mark.parametrize("last", [0, 1, 99, 100, 101, 200, 1000])
def test_all_numbers_come_in(last: int) -> None:
    """Every number up to the last one is in the catalog, also around page boundaries."""
    provider = IncreasingNumbers()
    provider.last = last
    with incrsim.open() as app:
        app.add(provider)
        report = app.run_cycle(provider.name)
        assert (report.verdict, app.catalog.count()) == ("swept", last)
        assert {each.ref for each in app.catalog.entities()} == {f"component:default/n{n}" for n in range(1, last + 1)}


def test_it_is_a_nice_first_read() -> None:
    """The smallest provider stays under 15 lines."""
    assert len(inspect.getsource(increasing_numbers).splitlines()) < 15
