from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from incrsim.errors import CallerError, UnknownProvider
from incrsim.operators import Listing, Operators
from tests.contract.base import Contract, everything
from tests.contract.driver import Driver
from tests.contract.samples import good

BY_NAME = (
    *("status", "marks", "problems", "history", "stale"),
    *("trigger", "start", "cancel", "pause", "resume", "delete", "delete_marks"),
)
LISTS = ("marks", "problems", "history", "stale")

hostile_text = st.one_of(
    st.text(st.characters(exclude_categories=())),
    st.sampled_from(
        [
            *(
                "",
                "\0",
                "p\0",
                "\ud800",
                "p\udfff",
                "'",
                "p' OR '1'='1",
                'p"; DROP TABLE incrsim.provider; --',
                "%s",
                "%(x)s",
            ),
            *("P", " p", "p ", "p\n", "π", "\uff50", "\u202ep", "p/../p", "x" * 255, "x" * 256, "x" * 10_000_000),
        ]
    ),
)
hostile_number = st.one_of(
    st.integers(),
    st.sampled_from([-1, 0, 2**31, 2**63 - 1, 2**63, -(2**63), 10**5000, 10**20]),
    st.floats(),
    st.booleans(),
)
hostile_thing = st.one_of(
    st.none(),
    st.binary(max_size=9),
    st.lists(st.integers(), max_size=2),
    st.just({}),
    st.just(object()),
    hostile_number,
)
anything = hostile_text | hostile_thing


class HostileContract(Contract):
    """Whatever is passed to operators' calls is understood, or refused in plain words; it changes nothing (C-35)."""

    @pytest.mark.slow
    @pytest.mark.rule("C-35")
    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(name=anything, number=anything, cursor=anything, limit=anything)
    @example(name="x" * 10_000_000, number=10**5000, cursor="x" * 10_000_000, limit=-(10**5000))
    @example(name="p\0", number="1", cursor="\ud800", limit=True)
    def test_hostile_input(self, p: Driver, name: Any, number: Any, cursor: Any, limit: Any) -> None:
        """A name, id, count, cursor or limit of any kind is an answer or a caller's error that is short and clear."""
        if p.now_at.number == 1:
            p.setting(reject_removals_above_count=0)
            p.cycle(good("a"), good("b"))
            p.cycle(good("a"))
        before, operators = everything(p.store), Operators(p.store)
        if name != "p":
            for call in BY_NAME:
                refused(getattr(operators, call), name)
            refused(operators.approve, name, 1)
            refused(operators.retire, name, 2)
        if number not in (2, "2") or not isinstance(number, int):
            refused(operators.approve, "p", number)
            refused(operators.retire, "p", number)
        for call in LISTS:
            answered(getattr(operators, call), "p", after=cursor)
            answered(getattr(operators, call), "p", after=number, limit=limit)
        answered(operators.providers, after=cursor, limit=limit)
        assert everything(p.store) == before

    @pytest.mark.rule("C-35")
    def test_errors_are_short(self, p: Driver) -> None:
        """What was passed is shown, though not all of it; with many providers, only some of their names."""
        for number in range(300):
            p.store.register(f"provider-{number:03}")
        with pytest.raises(UnknownProvider) as long:
            Operators(p.store).status("x" * 10_000_000)
        assert "too long to show" in str(long.value)
        assert "p, provider-000, " in str(long.value)
        assert "and 201 more" in str(long.value)
        assert len(str(long.value)) < 3000


def refused(call: Any, *arguments: Any) -> None:
    """The call must be refused as the caller's fault."""
    with pytest.raises(CallerError) as error:
        call(*arguments)
    clear(str(error.value))


def answered(call: Any, *arguments: Any, **named: Any) -> None:
    """The call may answer with a page, or be refused as the caller's fault."""
    try:
        assert isinstance(call(*arguments, **named), Listing)
    except CallerError as error:
        clear(str(error))


def clear(message: str) -> None:
    """An error says something, not too much, and nothing of a database."""
    assert 10 < len(message) < 1000
    assert message.isprintable() or "\n" not in message
    assert not any(word in message for word in ("SELECT ", "psycopg", "Traceback"))
