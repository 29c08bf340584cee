from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import example, given, strategies as st

from incrsim.clock import EPOCH
from incrsim.guards import Census, Guard, Verdict, judge, percentage_text, too_many_invalid
from incrsim.options import ProviderOptions

CALM = Census(marked=100, stale=0, removable=0, base=100, valid=100, unreadable=0)


def vanished(count: int, of: int) -> Census:
    """A sweep that would remove `count` entities out of a base."""
    return Census(marked=of - count, stale=count, removable=count, base=of, valid=max(1, of - count), unreadable=0)


def refuses_at(limit: object, census: Census) -> bool:
    """Whether that percentage is the only thing that refuses the sweep."""
    return judge(census, ProviderOptions.of(reject_removals_above_percentage=limit)) == (Guard.PERCENTAGE,)


@st.composite
def sweeps(draw: st.DrawFn) -> Census:
    """Any sweep in which nothing odd happened but entities that vanished, of any size."""
    base = draw(st.integers(0, 10**18) | st.integers(0, 300))
    return vanished(draw(st.integers(0, base)), base)


percentages = st.fractions(0, 100, max_denominator=10**6) | st.integers(0, 100).map(Fraction)


# --- reject_removals_above_percentage (C-23) --------------------------------------------------------------------------


@pytest.mark.rule("C-23")
@given(census=sweeps(), limit=percentages)
def test_the_percentage_is_exact(census: Census, limit: Fraction) -> None:
    """A sweep is refused exactly when it would remove more than the limit, however large the numbers are."""
    share = Fraction(100 * census.removable, census.base) if census.base else Fraction(0)
    assert refuses_at(limit, census) == (share > limit)


@pytest.mark.rule("C-23")
@given(limit=st.integers(0, 100), hundreds=st.integers(1, 10**15))
@example(limit=50, hundreds=10**15)  # where one entity is less than a float can tell
def test_exactly_the_limit_passes(limit: int, hundreds: int) -> None:
    """Exactly the allowed percentage passes, and one entity more is refused."""
    base, allowed = 100 * hundreds, limit * hundreds
    assert not refuses_at(limit, vanished(allowed, base))
    if limit < 100:
        assert refuses_at(limit, vanished(allowed + 1, base))


@pytest.mark.rule("C-23")
@pytest.mark.parametrize(
    ("gone", "of", "limit", "refused"),
    [
        (40, 100, 40, False),  # upstream calls this 66.67 %
        (60, 100, 66, False),  # and this 150 %
        (60, 100, 100, False),
        (100, 100, 99, True),
        (100, 100, 100, False),  # never above 100, so that a limit of 100 allows everything
        (1, 1000, "0.1", False),  # one tenth in decimal writing, which no float is
        (3, 1000, "0.3", False),
        (4, 1000, 0.3, True),
    ],
)
def test_the_base_holds_what_vanished(gone: int, of: int, limit: object, refused: bool) -> None:  # noqa: FBT001 -- a parameter of the table
    """The percentage is of all that was there before, what vanished included (U4)."""
    assert refuses_at(limit, vanished(gone, of)) == refused


@pytest.mark.rule("C-23")
def test_zero_percent_removes_nothing() -> None:
    """A limit of 0 refuses to remove even one entity, and is not the same as no limit."""
    assert refuses_at(0, vanished(1, 10**9))
    assert not refuses_at(0, CALM)
    assert not refuses_at(None, vanished(10, 10))


@pytest.mark.rule("C-23")
@pytest.mark.parametrize("limit", [0, "0.001", 100])
def test_nothing_there_before_passes(limit: object) -> None:
    """The first ingestion has nothing to remove from, so it passes any limit."""
    assert not refuses_at(limit, replace(CALM, base=0))


@pytest.mark.rule("C-23")
def test_new_entities_do_not_dilute() -> None:
    """Half of what was there is half, however many entities came in their place."""
    assert refuses_at(49, replace(vanished(50, 100), marked=10**6, valid=10**6))


# --- reject_removals_above_count (C-24) -------------------------------------------------------------------------------


@pytest.mark.rule("C-24")
@given(limit=st.integers(0, 10**12), beyond=st.integers(-1, 1))
def test_exactly_the_count_passes(limit: int, beyond: int) -> None:
    """As many entities as allowed may go, and not one more; 0 removes nothing."""
    gone = max(0, limit + beyond)
    found = judge(vanished(gone, 10**13), ProviderOptions.of(reject_removals_above_count=limit))
    assert found == ((Guard.COUNT,) if gone > limit else ())


@pytest.mark.rule("C-24")
def test_grace_is_not_counted() -> None:
    """What stays within its grace is not removable, and so counts for neither limit."""
    waiting = replace(vanished(50, 100), removable=1)
    options = ProviderOptions.of(reject_removals_above_count=1, reject_removals_above_percentage=1)
    assert judge(waiting, options) == ()
    assert judge(replace(waiting, removable=2), options) == (Guard.PERCENTAGE, Guard.COUNT)


# --- reject_empty_source_collections, unreadable (C-22, C-7) ----------------------------------------------------------


@pytest.mark.rule("C-22")
def test_an_empty_source_removes_nothing_when_asked() -> None:
    """Pages without any valid entity refuse the sweep when the option is on, also while all of it is within grace."""
    empty = Census(marked=3, stale=97, removable=97, base=100, valid=0, unreadable=0)
    options = ProviderOptions.of(reject_empty_source_collections=True)
    assert judge(empty, options) == (Guard.EMPTY,)
    assert judge(replace(empty, removable=0), options) == (Guard.EMPTY,)
    assert judge(replace(empty, valid=1), options) == ()


@pytest.mark.rule("C-22")
def test_an_empty_source_empties_the_catalog_by_default() -> None:
    """The option is off unless asked for, as in the seed."""
    assert judge(Census(marked=0, stale=9, removable=9, base=9, valid=0, unreadable=0), ProviderOptions()) == ()


@pytest.mark.rule("C-7")
def test_what_cannot_be_read_refuses() -> None:
    """One problem without a ref refuses the sweep, whatever the options are."""
    assert judge(replace(CALM, unreadable=1), ProviderOptions()) == (Guard.UNREADABLE,)


# --- max_invalid_percentage (C-7) -------------------------------------------------------------------------------------


@pytest.mark.rule("C-7")
@given(distinct=st.integers(1, 10**15) | st.integers(1, 300), limit=percentages, data=st.data())
def test_the_invalid_percentage_is_exact(distinct: int, limit: Fraction, data: st.DataObject) -> None:
    """More than the limit, and at least two, are too many; one alone never is."""
    invalid = data.draw(st.integers(0, min(distinct, 5)) | st.integers(0, distinct))
    expected = invalid >= 2 and Fraction(100 * invalid, distinct) > limit
    assert too_many_invalid(invalid, distinct, ProviderOptions.of(max_invalid_percentage=limit)) == expected


@pytest.mark.rule("C-7")
@pytest.mark.parametrize(
    ("invalid", "distinct", "many"), [(1, 1, False), (2, 200, False), (2, 199, True), (2, 2, True)]
)
def test_one_percent_may_be_invalid_by_default(invalid: int, distinct: int, many: bool) -> None:  # noqa: FBT001 -- a parameter of the table
    """Unless told otherwise, one in a hundred may be invalid."""
    assert too_many_invalid(invalid, distinct, ProviderOptions()) == many


# --- the verdict in words ---------------------------------------------------------------------------------------------


def told(census: Census, options: ProviderOptions, removed: int = 0) -> Verdict:
    """The verdict that a store would keep."""
    limit = options.reject_removals_above_percentage
    text = None if limit is None else percentage_text(limit)
    return Verdict(1, 1, EPOCH, census, judge(census, options), removed, text, options.reject_removals_above_count)


@pytest.mark.rule("C-26")
def test_a_refusal_says_its_numbers() -> None:
    """A refused verdict says how much of how much it would have removed, and which limits forbid it."""
    options = ProviderOptions.of(reject_removals_above_percentage="20.5", reject_removals_above_count=1000)
    verdict = told(vanished(2000, 6000), options)
    assert (verdict.refused, verdict.word) == (True, "refused")
    assert str(verdict) == (
        "refused to remove 2,000 of 6,000 (33.33 %): above the limit of 20.5 %, above the limit of 1,000"
    )


@pytest.mark.rule("C-26")
def test_a_passed_sweep_says_its_numbers() -> None:
    """A sweep that went through says what it removed of how many."""
    waiting = replace(vanished(1, 8), stale=3)
    assert str(told(waiting, ProviderOptions(), removed=1)) == "swept: removed 1 of 8 (12.50 %)"
    assert told(CALM, ProviderOptions()).word == "swept"


@given(census=sweeps())
def test_the_percentage_never_exceeds_100(census: Census) -> None:
    """People are never told a percentage outside 0 to 100."""
    assert 0 <= told(census, ProviderOptions()).percentage <= 100


# --- approved removals (C-26) -----------------------------------------------------------------------------------------


@pytest.mark.rule("C-26")
@given(census=sweeps(), approved=st.integers(0, 10**18) | st.integers(0, 300), limit=percentages)
def test_what_was_approved_changes_no_guard(census: Census, approved: int, limit: Fraction) -> None:
    """However many removals were approved beside the others, the guards judge the others alone."""
    beside = replace(census, stale=census.stale + approved, approved=approved)
    for name, value in (
        ("reject_removals_above_percentage", limit),
        ("reject_removals_above_count", census.removable),
        ("reject_removals_above_count", max(0, census.removable - 1)),
        ("reject_empty_source_collections", True),
    ):
        options = ProviderOptions.of(**{name: value})
        for valid in (0, census.valid):
            assert judge(replace(beside, valid=valid), options) == judge(replace(census, valid=valid), options)


@pytest.mark.rule("C-26")
def test_an_approval_lets_no_unreadable_source_through() -> None:
    """A source that could not be read whole is refused all the same."""
    census = replace(CALM, stale=3, approved=3, unreadable=1)
    assert judge(census, ProviderOptions()) == (Guard.UNREADABLE,)
