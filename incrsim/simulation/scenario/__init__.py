"""Scenarios as data: the `scenario` and its `parts`, how they are drawn (`draw`, `sizes.toml`), and their `text`."""

from incrsim.simulation.scenario.scenario import (
    FULL,
    MAIN,
    NOW,
    RIVAL,
    Change,
    Fault,
    Moment,
    OperatorCall,
    Redeploy,
    Rival,
    Scenario,
    SourceSpec,
    Webhook,
)

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
