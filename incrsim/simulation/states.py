"""The state of one entity of a generated source, and what may become of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, get_args

Spoiled = Literal["", "label", "name"]
"""What is wrong with an entity: nothing, a label (its ref can be read), or its name (it cannot)."""


class State(NamedTuple):
    """What is true of one entity.

    Args:
        version: counts its changes, from 1.
        present: whether the source holds it now; what is gone keeps the rest, for the day it comes back.
        renamed: how often it was renamed.
        spoiled: what is wrong with it.
    """

    version: int = 1
    present: bool = True
    renamed: int = 0
    spoiled: Spoiled = ""

    @property
    def entry(self) -> int | State:
        """How a present entity is told: by its version alone where nothing else is special, since pages are read more
        often than anything happens.
        """
        return self if self.renamed or self.spoiled else self.version


def is_present(state: State) -> bool:
    """Whether it is there."""
    return state.present


def is_gone(state: State) -> bool:
    """Whether it vanished."""
    return not state.present


def is_spoiled(state: State) -> bool:
    """Whether it is invalid."""
    return bool(state.spoiled)


def is_sound(state: State) -> bool:
    """Whether it is there and valid."""
    return state.present and not state.spoiled


def gone(state: State) -> State:
    """It vanishes."""
    return state._replace(present=False)


def back(state: State) -> State:
    """It is back."""
    return state._replace(present=True)


def newer(state: State) -> State:
    """It says something else."""
    return state._replace(version=state.version + 1)


def renamed(state: State) -> State:
    """It has another name."""
    return state._replace(renamed=state.renamed + 1)


def healed(state: State) -> State:
    """It is valid again."""
    return state._replace(spoiled="")


def _spoiler(what: Spoiled) -> Callable[[State], State]:
    return lambda state: state._replace(spoiled=what)


SPOILERS: Mapping[str, Callable[[State], State]] = {what: _spoiler(what) for what in get_args(Spoiled) if what}
"""What may be spoiled, each with the function that does it."""
