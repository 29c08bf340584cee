"""The digests of traces that are kept in the repository (C-41): a change of the engine that shows in any of them is
seen in its review.

    python -m tests.simulation.golden       # runs the scenarios again, and writes what is so now
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

from incrsim.simulation.scenario import Scenario
from incrsim.simulation.simulating import run_scenario

FILE = Path(__file__).parent / "golden" / "digests.json"

SCENARIOS = {
    "calm": Scenario.draw(1, days=3, entities=60),
    "rough": Scenario.draw(2, "rough", days=4, entities=60, replicas=2),
    "hostile": Scenario.draw(3, "hostile", days=4, entities=60, replicas=2),
}


def digests() -> dict[str, str]:
    """Of all scenarios, as they are now."""
    return {name: run_scenario(scenario).digest for name, scenario in SCENARIOS.items()}


def main() -> None:
    """Write them."""
    logging.disable()
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(digests(), indent=2) + "\n")


if __name__ == "__main__":
    main()
