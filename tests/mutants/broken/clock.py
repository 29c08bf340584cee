"""Clocks that are wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incrsim.clock import VirtualClock
from tests.mutants.registry import mutant

if TYPE_CHECKING:
    from tests.mutants.patch import Patch


@mutant("C-39", "a virtual clock can be turned back")
def clock_turned_back(patch: Patch) -> None:
    patch.rewrite(VirtualClock.advance, "if by < timedelta(0):", "if False:")


@mutant("C-39", "advancing to a past instant goes there")
def clock_jumps_back(patch: Patch) -> None:
    patch.rewrite(VirtualClock.advance_to, "max(self._now, instant)", "instant")


@mutant("C-39", "virtual waiting takes no virtual time")
def clock_stands_still(patch: Patch) -> None:
    patch.rewrite(VirtualClock.wait, "timedelta(seconds=max(0.0, seconds))", "timedelta(0)")
