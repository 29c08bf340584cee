"""A violation as the author of a provider gets to see it."""

from __future__ import annotations

from textwrap import indent

from incrsim.simulation.reduction.result import Reduced
from incrsim.simulation.violation import Violation
from incrsim.testing.safety_subject import Subject


def unsafe(reduced: Reduced, subject: Subject) -> Violation:
    """A violation that says how to meet it again.

    Args:
        reduced: the scenario in which it was found, made small.
        subject: what was put to the test.
    """
    violation = Violation(reduced.finding)
    violation.add_note(
        f"Found with seed {reduced.seed}. A smaller scenario, to paste into a test:\n\n"
        + indent(_to_paste(reduced, subject), "    ")
    )
    return violation


def _to_paste(reduced: Reduced, subject: Subject) -> str:
    name = getattr(subject.factory, "__name__", "")
    serve = [] if subject.serve is None else [f"serve={subject.serve!r}"]
    given = ", ".join([name if name.isidentifier() else "…", "source=…", *serve, "scenario=scenario"])
    scenario = f'scenario = Scenario.from_toml(r"""\n{reduced.scenario.to_toml()}""")'
    return f"from incrsim.simulation import Scenario\n\n{scenario}\nassert_sweep_safe({given})\n"
