from __future__ import annotations

import pytest

from incrsim.entity import Entity
from incrsim.guards import Guard
from incrsim.ingestion import Outcome, Status
from incrsim.provider import Problem
from incrsim.store.page import ProblemKind
from tests.contract.base import Contract
from tests.contract.driver import Driver
from tests.contract.samples import broken, good, ref, unreadable


def owner(p: Driver, name: str) -> str | None:
    """Who owns an entity, if it is there."""
    stored = p.store.entity(ref(name))
    return None if stored is None else stored.provider


class OwnershipContract(Contract):
    """Whose an entity is, and what becomes of bad ones (C-7, C-9)."""

    # --- two providers, one ref (C-9) ---------------------------------------------------------------------------------

    @pytest.mark.rule("C-9")
    @pytest.mark.parametrize(("theirs", "mine"), [(None, None), ("k", None), (None, "k"), ("k", "l")])
    def test_the_first_owner_keeps_it(self, p: Driver, q: Driver, theirs: str | None, mine: str | None) -> None:
        """Without the same location key the first owner keeps its entity; the lost claim is a problem, once."""
        p.cycle(good("a", "p", key=theirs))
        before = p.bodies()
        counts = q.cycle_of([[good("a", "q", key=mine)], [good("a", "q2", key=mine), good("b")]]).counts
        assert p.bodies() == before
        assert q.names() == ["b"]
        assert (counts.lost, counts.added, counts.removed) == (1, 1, 0)
        (problem,) = q.store.problems("q")
        assert (problem.kind, problem.ref) == (ProblemKind.LOST_CLAIM, ref("a"))
        assert "'p'" in problem.message
        assert p.store.problems("p") == []

    @pytest.mark.rule("C-9")
    def test_the_same_location_key_moves_it(self, p: Driver, q: Driver) -> None:
        """With the same location key the newer provider owns it, and neither's sweep removes it."""
        p.cycle(good("a", "p", key="k"), good("b"))
        p.begin()
        p.page(good("a", "p", key="k"), good("b"), done=True)
        moved = q.cycle(good("a", "q", key="k"))
        assert (owner(p, "a"), b'"q"' in q.bodies().get(ref("a"), b"")) == ("q", True)
        assert (moved.counts.added, moved.counts.lost) == (1, 0)
        loser = p.sweep()
        assert (loser.counts.removed, owner(p, "a")) == (0, "q")
        assert loser.verdict is not None
        assert (loser.verdict.census.marked, loser.verdict.census.base) == (1, 1)
        assert (p.cycle(good("b")).counts.removed, owner(p, "a")) == (0, "q")

    @pytest.mark.rule("C-9")
    def test_it_can_move_back(self, p: Driver, q: Driver) -> None:
        """Whoever returned it last owns it, and only its owner's sweep removes it."""
        for driver in (p, q, p):
            driver.cycle(good("a", key="k"))
            assert owner(p, "a") == driver.name
        assert q.cycle().counts.removed == 0
        assert p.cycle().counts.removed == 1

    @pytest.mark.rule("C-9")
    def test_the_claimant_gets_what_its_owner_drops(self, p: Driver, q: Driver) -> None:
        """When the owner drops a ref, the provider that claimed it in vain gets it by its next ingestion."""
        p.cycle(good("a"))
        q.cycle(good("a", "q"))
        p.cycle()
        assert owner(p, "a") is None
        assert q.cycle(good("a", "q")).counts.added == 1
        assert owner(p, "a") == "q"

    # --- invalid entities (C-7) ---------------------------------------------------------------------------------------

    @pytest.mark.rule("C-7")
    def test_the_others_of_the_page_are_stored(self, p: Driver) -> None:
        """One invalid entity is a problem with all that is known of it, and the others are stored."""
        p.begin()
        p.page()
        counts = p.page(good("a"), broken("b"), done=True).counts
        assert (p.names(), counts.added, counts.invalid, counts.valid) == (["a"], 1, 1, 1)
        (problem,) = p.store.problems("p")
        assert (problem.ingestion, problem.sequence, problem.kind) == (1, 2, ProblemKind.INVALID)
        assert (problem.ref, problem.field) == (ref("b"), 'metadata.labels["no spaces allowed"]')
        assert problem.rule
        assert problem.message

    @pytest.mark.rule("C-7")
    def test_a_typo_never_deletes_anything(self, p: Driver) -> None:
        """An entity that became invalid counts as marked: what was stored of it stays as it was (U2)."""
        p.cycle(good("a"), good("b"))
        before = p.bodies()
        swept = p.cycle(broken("a"), good("b"))
        assert (p.bodies(), swept.outcome, swept.counts.removed) == (before, Outcome.SWEPT, 0)

    @pytest.mark.rule("C-7")
    @pytest.mark.parametrize("problem", [unreadable(), "no", Problem("no", field="x"), Problem("no", ref="x")])
    def test_what_cannot_be_read_refuses_the_sweep(self, p: Driver, problem: Entity | Problem | str) -> None:
        """An entity without a readable ref, or a reported problem without one, refuses this sweep, and only this."""
        p.cycle(good("a"), good("b"))
        refused = p.cycle(good("a"), problem) if isinstance(problem, Entity) else p.cycle(good("a"), problems=[problem])
        assert refused.verdict is not None
        assert (refused.outcome, refused.verdict.refused_by) == (Outcome.REFUSED, (Guard.UNREADABLE,))
        assert refused.verdict.census.unreadable == 1
        assert p.names() == ["a", "b"]
        assert p.cycle(good("a")).counts.removed == 1

    @pytest.mark.rule("C-7")
    def test_a_reported_problem_about_one_entity_keeps_that_one(self, p: Driver) -> None:
        """A reported problem with a ref counts as marking it, as an invalid entity would; the sweep goes on."""
        p.cycle(good("a"), good("b"), good("c"))
        swept = p.cycle(good("a"), problems=[Problem("403", ref="Component:default/B"), Problem("404", ref="api:new")])
        assert (swept.outcome, p.names()) == (Outcome.SWEPT, ["a", "b"])
        assert [problem.kind for problem in p.store.problems("p")] == [ProblemKind.REPORTED] * 2

    @pytest.mark.rule("C-7")
    def test_a_problem_is_recorded_once_per_ingestion(self, p: Driver) -> None:
        """The same problem on two pages is recorded and counted once, and again in the next ingestion."""
        p.setting(max_invalid_percentage=100)
        pages = [[broken("a"), unreadable(), good("x")], [broken("a", "other"), unreadable(), broken("c")]]
        for ingestion in (1, 2):
            counts = p.cycle_of(pages, problems=["no /teams", "no /teams"]).counts
            assert (counts.invalid, counts.unreadable) == (3, 2)
            recorded = [each for each in p.store.problems("p") if each.ingestion == ingestion]
            assert sorted(str(each.ref) for each in recorded) == ["None", "None", ref("a"), ref("c")]

    @pytest.mark.rule("C-7")
    def test_too_many_invalid_end_without_a_sweep(self, p: Driver) -> None:
        """More invalid ones than allowed, and at least two: complete as failed, no sweep, a new try after the waits."""
        p.cycle(*(good(f"e{n}") for n in range(10)))
        names = p.names()
        ended = p.cycle(*(broken(f"e{n}") for n in range(2)), good("new"))
        assert (ended.status, ended.outcome, ended.verdict) == (Status.COMPLETE, Outcome.FAILED, None)
        assert p.names() == [*names, "new"]
        assert (p.now_at.number, p.now_at.due_at) == (3, p.clock.now() + p.options.backoff[-1])
        assert p.store.state("p").lease is None
        assert p.store.history("p")[0] == ended

    @pytest.mark.rule("C-7")
    @pytest.mark.parametrize(("new", "outcome"), [(95, Outcome.SWEPT), (94, Outcome.FAILED)])
    def test_the_percentage_is_of_distinct_entities(self, p: Driver, q: Driver, new: int, outcome: Outcome) -> None:
        """Two are one percent of 200 distinct entities: new, changed, unchanged, lost and invalid ones, each once."""
        q.cycle(good("lost1"), good("lost2"), good("lost3"))
        p.cycle(*(good(f"e{number}") for number in range(100)))
        old = [good(f"e{number}", "changed" if number < 50 else "") for number in range(100)]
        added = [good(f"new{number}") for number in range(new)]
        lost = [good("lost1"), good("lost2"), good("lost3")]
        pages = [[broken("x"), *old, *lost], [broken("x"), broken("y"), *old, *added], [*added, *lost]]
        assert p.cycle_of(pages).outcome is outcome

    @pytest.mark.rule("C-7")
    def test_one_invalid_entity_alone_is_never_too_many(self, p: Driver) -> None:
        """A tiny source with one bad entity is swept all the same."""
        assert p.cycle(broken("a")).outcome is Outcome.SWEPT
