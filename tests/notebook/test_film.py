"""`violation.panel()`: how it came to that, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from incrsim import guards
from incrsim.errors import CallerError
from incrsim.ingestion import Status
from incrsim.notebook.film import Film
from incrsim.simulation.moment import Moment
from incrsim.simulation.run import Run
from incrsim.simulation.scenario import Change, Scenario, SourceSpec
from incrsim.simulation.simulating import run_scenario
from incrsim.simulation.violation import Finding, Violation
from incrsim.testing.mutants import MUTANTS

SCENARIO = Scenario(
    seed=3,
    days=2,
    source=SourceSpec(entities=24, page_size=6),
    options={"reject_removals_above_percentage": 5, "rest_length": "6h"},
    changes=(Change(at=Moment(2), verb="remove", count=10),),
)


@pytest.fixture(scope="module")
def broken() -> Iterator[Run]:
    """A run in which a guard did not refuse; it is as broken whenever it is run again."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(guards, "_above_percentage", lambda census, options: False)
        yield run_scenario(SCENARIO)


def test_pictures(broken: Run) -> None:
    """Each picture is what source, catalog, marks and leases were after its step, in whichever order they are asked."""
    film = Film(broken.staging, broken.findings[0])  # type: ignore[arg-type]  # a run of a scenario has a staging
    wrong = broken.findings[0].step
    assert film.length == wrong
    last, before, first = film.picture(wrong), film.picture(wrong - 1), film.picture(0)
    assert (before.held, before.owned, before.differing) == (14, 24, 10)
    assert (last.held, last.owned, last.differing) == (14, 14, 0)
    assert (first.held, first.owned, first.marks, first.states) == (24, 0, (), ())
    assert [mark.sequence for mark in before.marks] == [1, 2, 3]
    assert before.states[0].lease is not None
    assert last.states[0].lease is None
    assert film.picture(wrong - 1) is before
    assert Film(broken.staging).picture(wrong - 1) == before  # type: ignore[arg-type]  # a run of a scenario has a staging
    film.close()


def test_lines(broken: Run) -> None:
    """Each step has its line of the trace, in words; the step that broke the run has none."""
    film = Film(broken.staging, broken.findings[0])  # type: ignore[arg-type]  # a run of a scenario has a staging
    told = [str(film.line(step)) for step in range(1, film.length)]
    assert any("replica 0: PageCommitted" in line for line in told)
    assert any("world: SourceChanged" in line for line in told)
    assert film.line(film.length) is film.line(0) is None


def test_what_is_broken_stays_so() -> None:
    """A store that is broken on purpose is watched as it is, up to its first wrong step."""
    mutant = MUTANTS["takes-burst-for-all"]
    run = mutant.run(Scenario(days=1, source=SourceSpec(entities=4, page_size=1)))
    film = Film(run.staging, run.findings[0])  # type: ignore[arg-type]  # a run of a scenario has a staging
    assert film.length == run.findings[0].step
    assert film.picture(film.length).states[0].ingestion.status is Status.SWEEPING
    film.close()


def test_the_panel_opens_at_the_first_wrong_step(broken: Run) -> None:
    """The slider stands where the rule does not hold any more; what the step changed stands first."""
    violation = broken.violation
    assert violation is not None
    panel: Any = violation.panel()
    assert {violation.panel()} == {panel}
    panel.refresh()
    assert panel.slider.value == broken.findings[0].step
    assert "C-23 does not hold with this step" in panel._verdict.value
    assert '<div class="now wrong"' in panel._reel.value
    assert panel._picture.value.count("- left the catalog") == 10
    panel.back.click()
    assert "every rule holds so far" in panel._verdict.value
    assert "10 of 24 refs differ" in panel._picture.value
    panel.slider.value = 0
    assert "before the first step" in panel._reel.value
    assert panel.back.disabled
    panel.wrong.click()
    assert panel.slider.value == broken.findings[0].step


def test_a_violation_without_its_run() -> None:
    """A violation that somebody made by hand says what it lacks."""
    with pytest.raises(CallerError, match=r"`run\.violation`"):
        Violation(Finding("C-1", "fake", 1, "this", "that")).panel()
