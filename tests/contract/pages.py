from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from incrsim.cursor import JSONValue
from incrsim.entity_rules import PROVIDER_ANNOTATION
from incrsim.errors import CursorRepeated, InvalidEntity, InvalidTransition, TooManyPages
from incrsim.ingestion import Status
from incrsim.store.contract import Mark
from tests.contract.base import Contract, everything
from tests.contract.driver import Driver
from tests.contract.samples import broken, good, ref, unreadable


class PageContract(Contract):
    """A page is one atomic step (C-5, C-8, C-10, C-11, C-40)."""

    @pytest.mark.rule("C-10")
    def test_a_page_is_committed_as_a_whole(self, p: Driver) -> None:
        """After a commit entities, mark, cursor, counts and lease renewal are all there."""
        p.claim()
        committed = p.page(good("a"), good("b"), cursor={"next": 2})
        assert p.names() == ["a", "b"]
        assert p.store.marks("p") == [Mark(1, 1, '{"next":2}', committed.counts, p.clock.now())]
        assert (p.now_at.cursor, p.now_at.pages) == ('{"next":2}', 1)
        assert p.now_at == committed.decision.ingestion
        assert (committed.counts.returned, committed.counts.valid, committed.counts.added) == (2, 2, 2)
        assert p.store.state("p").lease == committed.lease

    @pytest.mark.rule("C-10")
    def test_the_next_burst_goes_on_after_the_last_page(self, p: Driver) -> None:
        """Whoever comes next, after a burst's end, a failure or a crash, asks for the page after the last committed."""
        p.claim()
        p.page(good("a"), cursor="after 1")
        p.end_burst()
        assert (p.begin().ingestion.cursor, p.now_at.pages) == ('"after 1"', 1)
        p.page(good("b"), cursor="after 2")
        p.fail()
        assert (p.begin().ingestion.cursor, p.now_at.pages) == ('"after 2"', 2)
        p.clock.advance_to(p.lease.expires_at)  # as if this replica had died
        granted = p.other("r2").claim()
        assert (granted.ingestion.cursor, granted.ingestion.pages) == ('"after 2"', 2)

    @pytest.mark.rule("C-10", "C-40")
    @pytest.mark.parametrize(
        ("error", "flaw"),
        [
            (InvalidEntity, lambda p: p.page(good("a", "newer"), good("b"), broken("c"))),
            (InvalidEntity, lambda p: p.page(good("a", "newer"), good("b"), unreadable())),
            (CursorRepeated, lambda p: p.page(good("a", "newer"), good("b"), cursor="seen", problems=["no /teams"])),
            (InvalidTransition, lambda p: p.page(good("a", "newer"), good("b"), sequence=3)),
        ],
        ids=["invalid", "unreadable", "cursor", "sequence"],
    )
    def test_a_page_that_fails_keeps_nothing(
        self, p: Driver, error: type[Exception], flaw: Callable[[Driver], object]
    ) -> None:
        """A page that cannot be committed leaves no entity, mark, cursor, problem or renewal behind (U1)."""
        p.setting(on_invalid_entity="fail")
        p.cycle(good("a"))
        p.begin()
        p.page(good("a", "new"), cursor="seen")
        p.clock.advance(p.options.burst_length)
        before = everything(p.store)
        with pytest.raises(error):
            flaw(p)
        assert everything(p.store) == before
        assert p.page(good("b")).counts.added == 1

    @pytest.mark.rule("C-10")
    @pytest.mark.parametrize("sequence", [1, 3])
    def test_a_page_is_committed_once_and_in_order(self, p: Driver, sequence: int) -> None:
        """Only the next page can be committed: neither the last one again, nor one past it."""
        p.claim()
        p.page(good("a"))
        with pytest.raises(InvalidTransition, match=f"page {sequence} cannot be committed, the next one is 2"):
            p.page(good("b"), sequence=sequence, cursor="elsewhere")
        assert p.names() == ["a"]

    def test_the_body_names_the_provider(self, p: Driver) -> None:
        """The catalog holds what the provider returned, and the engine's annotation with the provider's name."""
        p.cycle(good("a", "text", key="k"))
        stored = p.store.entity(ref("a"))
        assert stored is not None
        body = json.loads(stored.body)
        assert body["metadata"]["annotations"].pop(PROVIDER_ANNOTATION) == "p"
        assert body == good("a", "text").body
        assert (stored.ref, stored.provider, stored.location_key) == (ref("a"), "p", "k")
        assert stored.digest == good("a", "text", key="k").digest

    def test_an_empty_page_is_fine(self, p: Driver) -> None:
        """An empty page counts as a page, done or not."""
        p.claim()
        p.page()
        assert (p.page(done=True).decision.ingestion.status, p.now_at.pages) == (Status.SWEEPING, 2)

    # --- cursors (C-5) ------------------------------------------------------------------------------------------------

    @pytest.mark.rule("C-5")
    def test_a_cursor_that_comes_back_is_refused(self, p: Driver) -> None:
        """A cursor that any page of this ingestion returned before is an error that says how to mend it (U12)."""
        p.claim()
        seen: list[JSONValue] = [{"a": 1, "b": 2}, "x", 7]
        for cursor in seen:
            p.page(cursor=cursor)
        again: list[JSONValue] = [{"b": 2, "a": 1}, "x", 7]
        for repeated in again:
            with pytest.raises(CursorRepeated, match=r"page 4 returned the cursor .* done=True on the last one"):
                p.page(cursor=repeated)
        p.page(cursor="7")

    @pytest.mark.rule("C-5")
    def test_cursors_are_remembered_across_bursts_and_not_longer(self, p: Driver) -> None:
        """A repeated cursor is noticed in the next burst, and may be used again by the next ingestion."""
        p.claim()
        p.page(cursor="x")
        p.end_burst()
        p.begin()
        with pytest.raises(CursorRepeated):
            p.page(cursor="x")
        p.page(done=True)
        p.sweep()
        p.begin()
        p.page(cursor="x")

    @pytest.mark.rule("C-5")
    def test_pages_can_be_bounded(self, p: Driver) -> None:
        """With `max_pages` as many pages are fine, and one more is an error that keeps nothing."""
        p.setting(max_pages=2).claim()
        p.page(good("a"))
        p.page(good("b"))
        with pytest.raises(TooManyPages, match="page 3 is past max_pages=2"):
            p.page(good("c"), done=True)
        assert p.names() == ["a", "b"]

    # --- what is new, changed, the same (C-8, C-11) -------------------------------------------------------------------

    @pytest.mark.rule("C-11")
    def test_only_what_differs_is_written(self, p: Driver) -> None:
        """New, changed and unchanged entities are told apart by their digest."""
        p.cycle(good("a"), good("b"), good("c"))
        before = p.bodies()
        counts = p.cycle(good("a"), good("b", "new"), good("c", key="k"), good("d")).counts
        assert (counts.added, counts.updated, counts.unchanged, counts.removed) == (1, 2, 1, 0)
        after = p.bodies()
        assert {name for name, body in after.items() if before.get(name) != body} == {ref("b"), ref("d")}
        stored = p.store.entity(ref("c"))
        assert stored is not None
        assert stored.location_key == "k"

    @pytest.mark.rule("C-8")
    def test_the_later_one_wins(self, p: Driver) -> None:
        """Of the same ref twice, in a page or in an ingestion, the later one is what the catalog holds."""
        p.begin()
        p.page(good("a", "1"), good("b"), good("a", "2"))
        first = p.bodies()[ref("a")]
        p.page(good("a", "3"), done=True)
        p.sweep()
        assert b'"2"' in first
        assert b'"3"' in p.bodies()[ref("a")]
        assert p.names() == ["a", "b"]

    @pytest.mark.rule("C-8")
    def test_repetitions_count_once(self, p: Driver) -> None:
        """An entity that comes on several pages is one added, one updated or one unchanged entity."""
        counts = p.cycle_of([[good("a"), good("a", "2")], [good("a")], [good("a", "3"), good("b")], [good("b")]]).counts
        assert (counts.added, counts.updated, counts.unchanged, counts.returned) == (2, 0, 0, 6)
        counts = p.cycle_of([[good("a", "3"), good("b")], [good("b", "2")], [good("b", "3"), good("a", "3")]]).counts
        assert (counts.added, counts.updated, counts.unchanged, counts.removed) == (0, 1, 1, 0)
