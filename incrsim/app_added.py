"""What `App.add` did: a note for whoever adds a provider at a prompt or in a notebook."""

from __future__ import annotations

from dataclasses import dataclass

from incrsim.engine import Engine
from incrsim.glance import brief
from incrsim.html import card


@dataclass(frozen=True, slots=True)
class Added:
    """A provider that is served from now on.

    Args:
        provider: its name.
        by: the class that reads its source.
        instead_of: the class that did so until now; `None` when nobody did.
        changed: the options that differ from those until now, as `name: before → now`.
    """

    provider: str
    by: str
    instead_of: str | None
    changed: tuple[str, ...]

    @classmethod
    def of(cls, engine: Engine, before: Engine | None) -> Added:
        """A note.

        Args:
            engine: that is served now.
            before: that was served under its name.
        """
        by = type(engine.provider).__qualname__
        if before is None:
            return cls(engine.name, by, None, ())
        old, new = before.options.describe(), engine.options.describe()
        changed = tuple(f"{name}: {old[name]} → {new[name]}" for name in new if old[name] != new[name])
        kind = type(before.provider)
        named = kind.__qualname__ if kind is type(engine.provider) else f"{kind.__qualname__} as it was defined before"
        return cls(engine.name, by, named, changed)

    def __str__(self) -> str:
        """One sentence."""
        if self.instead_of is None:
            return f"{self.provider} is served by {self.by}"
        options = "; ".join(self.changed) or "the options are the same"
        return (
            f"{self.provider} is served by {self.by} in place of {self.instead_of}; {options}; "
            "its entities stay, and its ingestion goes on where it was"
        )

    def __repr__(self) -> str:
        return brief(self, str(self))

    def _repr_html_(self) -> str:
        """For notebooks."""
        return card(self.provider, str(self))
