"""What `SweepSafety` costs under Hypothesis, against an empty state machine of the same length and rules.

    .venv/bin/python benchmarks/machine_cost.py

An empty machine draws the same arguments for the same number of steps, and does nothing with them.
"""

from __future__ import annotations

import time
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from incrsim.testing import SweepSafety
from incrsim.testing.strategies_faults import kinds_in

ROUNDS = 5
"""Of which the fastest counts: what else the machine does only makes it slower."""


class Idle(SweepSafety):
    """The same rules, behind which nothing happens."""

    def __init__(self) -> None:
        RuleBasedStateMachine.__init__(self)
        self.stage: Any = _Nothing()

    def teardown(self) -> None:
        """Nothing comes to rest."""


class _Nothing:
    """Takes every call."""

    kinds = tuple(kind.name for kind in kinds_in("rough"))

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


def cost(examples: int = 100, steps: int = 50) -> tuple[float, float]:
    """Seconds of CPU time for all examples: of `SweepSafety`, and of the empty machine.

    Args:
        examples: how often each is run.
        steps: of each run.
    """
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    rounds = [(_seconds(SweepSafety, chosen), _seconds(Idle, chosen)) for _ in range(ROUNDS)]
    return min(full for full, _ in rounds), min(empty for _, empty in rounds)


def _seconds(machine: type[RuleBasedStateMachine], chosen: settings) -> float:
    began = time.process_time()
    run_state_machine_as_test(machine, settings=chosen)
    return time.process_time() - began


if __name__ == "__main__":
    safety, empty = cost()
    print(f"SweepSafety {safety:.2f} s, an empty machine {empty:.2f} s: {safety / empty:.2f} times as long")
