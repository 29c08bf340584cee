"""One panel of each thing, and none that is left over when its cell is run again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar


class Kept(Protocol):
    """A panel as the shelf sees it."""

    @property
    def closed(self) -> bool:
        """Whether it shows nothing any more."""

    def supersede(self) -> None:
        """Its cell is run again, and makes another one: close, and end what it is about."""


Made = TypeVar("Made", bound=Kept)

Cell = tuple[str, str]
"""The id of a cell, and of the request that runs it."""

_panels: list[tuple[object, Kept, Cell | None]] = []


def one(about: object, kind: type[Made], make: Callable[[], Made]) -> Made:
    """The panel of a thing: the one that there is, or a new one; those that this cell made when it was run before, of
    other things, are superseded.

    Args:
        about: the thing.
        kind: of panel: a thing may have several.
        make: makes it.
    """
    cell = running_cell()
    _supersede(about, cell)
    there = next((panel for owner, panel, _ in _panels if owner is about and isinstance(panel, kind)), None)
    made = make() if there is None else there
    _panels[:] = [each for each in _panels if each[1] is not made]
    _panels.append((about, made, cell))
    return made


def running_cell() -> Cell | None:
    """The cell that is being run; `None` where nobody knows."""
    try:
        from IPython import get_ipython

        request = get_ipython().get_parent()
        return request["metadata"]["cellId"], request["header"]["msg_id"]
    except (ImportError, AttributeError, KeyError, TypeError):
        return None


def _supersede(about: object, cell: Cell | None) -> None:
    _panels[:] = [each for each in _panels if not each[1].closed]
    for owner, panel, made_in in list(_panels):
        again = cell is not None and made_in is not None and cell[0] == made_in[0] and cell[1] != made_in[1]
        if again and owner is not about:
            panel.supersede()
            _panels.remove((owner, panel, made_in))
