"""Whether a fault happens: by the seed, each kind for itself, and again when it is told to."""

from __future__ import annotations

import pytest

from incrsim.simulation.dice import Dice, Fault

THROWS = 1_000


def struck(dice: Dice, kind: str) -> list[int]:
    """At which of many opportunities a kind happens."""
    return [number for number in range(1, THROWS + 1) if dice.strikes(kind)]


def test_a_rate_is_met() -> None:
    """A fault happens about as often as its rate says, always at 1, and never when nobody planned it."""
    dice = Dice(1, [Fault("hang", 0.2), Fault("always", 1.0)])
    assert 150 < len(struck(dice, "hang")) < 250
    assert len(struck(dice, "always")) == THROWS
    assert not struck(dice, "rate limit")
    assert dice.plans("hang")
    assert not dice.plans("rate limit")


def test_one_kind_never_changes_another_kinds_dice() -> None:
    """A fault happens at the same opportunities whatever other faults there are, and elsewhere with another seed."""
    alone = struck(Dice(7, [Fault("hang", 0.1)]), "hang")
    among = Dice(7, [Fault("rate limit", 0.5), Fault("hang", 0.1)])
    struck(among, "rate limit")
    assert struck(among, "hang") == alone
    assert struck(Dice(8, [Fault("hang", 0.1)]), "hang") != alone


def test_occurrences_replay_what_a_rate_did() -> None:
    """What took effect under a rate can be planned as occurrences: it happens there again, with the same choices."""
    dice = Dice(3, [Fault("hang", 0.1)])
    chosen = [(number, dice.choose("hang", 5)) for number in range(THROWS) if dice.strikes("hang")]
    again = Dice(3, [Fault("hang", occurrences=tuple(number for _, number in dice.effects))])
    assert [(number, again.choose("hang", 5)) for number in range(THROWS) if again.strikes("hang")] == chosen
    assert again.effects == dice.effects


def test_choices_are_spread() -> None:
    """What a strike chooses is any of what there is to choose from."""
    dice = Dice(3, [Fault("hang", 1.0)])
    assert {dice.choose("hang", 4) for _ in range(100) if dice.strikes("hang")} == {0, 1, 2, 3}


def test_what_missed_is_not_in_the_book() -> None:
    """A strike without effect is taken out again; the dice go on as if it had had one."""
    dice = Dice(1, [Fault("hang", occurrences=(1, 3)), Fault("cursor loop", occurrences=(1,))])
    assert dice.strikes("hang")
    assert dice.strikes("cursor loop")
    dice.missed("hang")
    assert struck(dice, "hang") == [2]
    assert dice.effects == [("cursor loop", 1), ("hang", 3)]


def test_one_at_a_time() -> None:
    """Of kinds that exclude each other the first one happens, and the others count as missed."""
    dice = Dice(1, [Fault("hang", occurrences=(1, 2)), Fault("error from next", occurrences=(1,))])
    either = dice.together(("error from next", "hang", "unplanned"))
    assert either.kinds == ("error from next", "hang")
    assert [either.first() for _ in range(3)] == ["error from next", "hang", None]
    assert dice.effects == [("error from next", 1), ("hang", 2)]


def test_together_as_alone() -> None:
    """Kinds that are asked for together happen where they would if they were asked for one by one."""
    planned = [Fault("hang", 0.02), Fault("rate limit", 0.3), Fault("clock jump", occurrences=(5, 700))]
    alone, together = Dice(1, planned), Dice(1, planned)
    kinds = [fault.kind for fault in planned]
    for _ in range(THROWS):
        struck = [kind for kind in kinds if alone.strikes(kind)]
        assert list(together.together(kinds).struck()) == struck
        assert [together.choose(kind, 9) for kind in struck] == [alone.choose(kind, 9) for kind in struck]
    assert together.effects == alone.effects


def test_quiet() -> None:
    """In the quiet phase nothing happens."""
    dice = Dice(1, [Fault("hang", 1.0)])
    dice.be_quiet()
    assert not struck(dice, "hang")
    assert not dice.together(["hang"]).struck()
    assert not dice.effects


def test_a_fault_is_a_rate_or_occurrences() -> None:
    """A fault that cannot be is refused when it is written down."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        Fault("hang", 1.5)
    with pytest.raises(ValueError, match="not both"):
        Fault("hang", 0.5, (1,))
    with pytest.raises(ValueError, match="at most one for each kind"):
        Dice(1, [Fault("hang", 0.5), Fault("hang", 0.1)])


def test_a_fault_may_be_planned_while_the_run_goes_on() -> None:
    """A known kind then happens at its next opportunity, once, also where kinds have their opportunities together."""
    dice = Dice(1, [Fault("alone"), Fault("one"), Fault("other")])
    both = dice.together(["one", "other"])
    for _ in range(3):
        assert not dice.strikes("alone")
        assert not both.struck()
    for kind in ("alone", "other"):
        dice.plan(kind)
    assert [dice.strikes("alone"), dice.strikes("alone")] == [True, False]
    assert [list(both.struck()), list(both.struck())] == [["other"], []]
    assert dice.effects == [("alone", 4), ("other", 4)]


def test_planning_disturbs_no_other_opportunities() -> None:
    """Where none of the kinds that are asked for is known to the run, none happens."""
    dice = Dice(1, [Fault("known")])
    none = dice.together(["strange", "unknown"])
    dice.plan("known")
    assert not none.struck()
    assert none.first() is None
