"""Scenarios as data: the `scenario` and its `parts`, how they are drawn (`draw`, `sizes.toml`), and their `text`."""

from incrsim.simulation.dice import Fault
from incrsim.simulation.moment import Moment
from incrsim.simulation.scenario.parts import (
    FULL,
    MAIN,
    NOW,
    RIVAL,
    Change,
    OperatorCall,
    Redeploy,
    Rival,
    SourceSpec,
    Webhook,
)
from incrsim.simulation.scenario.scenario import Scenario

__all__ = [
    "FULL",
    "MAIN",
    "NOW",
    "RIVAL",
    "Change",
    "Fault",
    "Moment",
    "OperatorCall",
    "Redeploy",
    "Rival",
    "Scenario",
    "SourceSpec",
    "Webhook",
]
