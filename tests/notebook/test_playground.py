"""`source.panel()`: what can be done to a source by hand, and what an engine makes of it."""

from __future__ import annotations

from typing import Any

import incrsim
from incrsim.clock import VirtualClock
from incrsim.ingestion import Status
from incrsim.notebook.playground import DEEDS
from incrsim.simulation import FakeSource


def test_deeds() -> None:
    """Each button does what it says, and the panel tells it; there is one playground of a source."""
    source = FakeSource(1_000)
    panel: Any = source.panel()
    assert {source.panel()} == {panel}
    assert list(panel.buttons) == [each.name for each in DEEDS]

    def do(name: str) -> str:
        panel.buttons[name].click()
        markup: str = panel._state.value + panel._past.value
        return markup

    assert "50 added" in do("Add 5 %")
    assert "52 removed" in do("Remove 5 %")
    assert "598 removed" in do("Remove 60 %")
    assert "holds 400 entities" in do("Change 5 %")
    assert "holds 0 entities" in do("Go empty")
    assert "≈ flaky" in do("Become flaky")
    assert "◷ rate-limited: 5 questions in 10 s" in do("Rate-limit")
    recovered = do("Recover")
    assert "holds 1,050 entities" in recovered
    assert "○ calm" in recovered


def test_an_engine_reacts() -> None:
    """A guard refuses what vanished, an empty source too, a flaky one is tried again, and a limit waits."""
    source = FakeSource(200, 10, name="services", clock=(clock := VirtualClock()))
    panel: Any = source.panel()
    with incrsim.open(clock=clock) as app:
        app.add(source, rest_length="1h", reject_removals_above_percentage=50)
        app.run_cycle("services")
        for deed, outcome in (("Remove 60 %", "refused"), ("Go empty", "refused"), ("Recover", "swept")):
            panel.buttons[deed].click()
            assert app.run_cycle("services").ingestion.outcome == outcome
        panel.buttons["Become flaky"].click()
        app.operators.trigger("services")
        app.tick("services")
        assert app.state("services").ingestion.status is Status.BACKING_OFF
        panel.buttons["Rate-limit"].click()
        app.operators.trigger("services")
        app.tick("services")
        assert app.state("services").ingestion.status is Status.INTERSTITIAL
