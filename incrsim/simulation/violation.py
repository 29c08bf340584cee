"""A rule of the contract that did not hold in a simulation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from incrsim import panels
from incrsim.errors import CallerError
from incrsim.glance import brief
from incrsim.html import card, facts
from incrsim.panels import Panel


@dataclass(frozen=True, slots=True)
class Finding:
    """What did not hold.

    Args:
        rule: of the contract, for instance `C-20`.
        provider: whose.
        step: the number of the trace's line since which it is so.
        expected: what must be.
        found: what is.
        story: what happened before, at most ten readable lines.
    """

    rule: str
    provider: str
    step: int
    expected: str
    found: str
    story: tuple[str, ...] = ()

    def __str__(self) -> str:
        told = "".join(f"\n  {line}" for line in self.story)
        what = f"expected {self.expected}; found {self.found}"
        return f"{self.rule} does not hold for {self.provider!r} since step {self.step}: {what}{told}"

    def __repr__(self) -> str:
        return brief(self, str(self).partition("\n")[0])

    def _repr_html_(self) -> str:
        """For notebooks."""
        known = {
            "expected": self.expected,
            "found": self.found,
            "since step": f"{self.step:,}",
            "what happened": "\n".join(self.story),
        }
        return card(f"{self.rule} does not hold for {self.provider}", facts(known), of="violated")


class Violation(AssertionError):  # noqa: N818 -- named for what happened, as those in `errors`
    """A rule did not hold. An assertion, so that a test that meets it fails as one that asserted it itself.

    Args:
        finding: what did not hold.
        staging: how what it was found in can be run again (`incrsim.simulation.staging`), for whoever wants to watch.
    """

    def __init__(self, finding: Finding, staging: Any = None) -> None:
        super().__init__(str(finding))
        self.finding = finding
        self.staging = staging

    def panel(self) -> Panel:
        """Watch in a notebook how it came to that, step by step: source, catalog, marks and leases side by side.

        Raises:
            CallerError: when it does not know what it was found in.
            MissingExtra: when ipywidgets is not installed.
        """
        if self.staging is None:
            raise CallerError("this violation does not know its run; take `run.violation` of the run that found it")
        return panels.panel("film_panel", self.staging, self.finding)


class Halt(BaseException):
    """Carries a violation out of the engine, which takes every `Exception` there for a failure of the provider; whoever
    drives the engine raises the violation itself.

    Args:
        violation: what was found.
    """

    def __init__(self, violation: Violation) -> None:
        super().__init__(str(violation))
        self.violation = violation


def halting(tell: Callable[..., None]) -> Callable[..., None]:
    """An observer's method, for those who call it inside of the engine: a violation comes as a `Halt`."""

    def told(*arguments: Any) -> None:
        try:
            tell(*arguments)
        except Violation as violation:
            raise Halt(violation) from None

    return told
