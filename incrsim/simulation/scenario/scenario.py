"""A scenario: all that a simulation depends on, as plain data (C-41). The same scenario gives the same trace, on every
store and in any process.

It is frozen, compares by value, and goes through JSON and TOML exactly. Besides the faults, whose dice are the seed's,
everything that happens in it is written down with its `Moment`, so that it can be read, changed by hand and reduced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from incrsim.errors import CallerError, InvalidOptions
from incrsim.options import ProviderOptions
from incrsim.simulation.dice import Fault
from incrsim.simulation.scenario.draw import drawn
from incrsim.simulation.scenario.parts import (
    Change,
    OperatorCall,
    Redeploy,
    Rival,
    SourceSpec,
    Webhook,
    at_least,
)
from incrsim.simulation.scenario.text import as_json, as_toml, json_values, plain_spec, read_spec, toml_values


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What happens in a simulation.

    Args:
        seed: of everything that is drawn while it runs.
        days: how long the fault phase lasts, in virtual days; the quiet phase follows.
        replicas: how many processes serve the provider.
        source: what it reads.
        options: the provider's options (`ProviderOptions.of`), as plain data.
        changes: of the source.
        operators: calls of operators.
        webhooks: events of the source.
        redeploys: replicas that are replaced.
        faults: kinds of faults, each once at most.
        rival: the other provider of the catalog, if there is one.
        sink: whether another system is kept equal to the catalog (C-12).
    """

    seed: int = 1
    days: float = 10
    replicas: int = 1
    source: SourceSpec = field(default_factory=SourceSpec)
    options: Mapping[str, Any] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    operators: tuple[OperatorCall, ...] = ()
    webhooks: tuple[Webhook, ...] = ()
    redeploys: tuple[Redeploy, ...] = ()
    faults: tuple[Fault, ...] = ()
    rival: Rival | None = None
    sink: bool = False

    def __post_init__(self) -> None:
        at_least(self, "days", 0)
        at_least(self, "replicas", 1)
        if not all(each.replica in range(self.replicas) for each in self.redeploys):
            raise CallerError(f"Scenario(redeploys=…): replicas are numbered from 0, and there are {self.replicas}")
        if len({each.kind for each in self.faults}) < len(self.faults):
            raise CallerError("Scenario(faults=…): each kind of fault may be there once; put its occurrences together")
        self.provider_options()
        for redeploy in self.redeploys:
            self.provider_options(redeploy.options)

    def provider_options(self, over: Mapping[str, Any] | None = None) -> ProviderOptions:
        """The provider's options, with others in their place where `over` has them.

        Raises:
            InvalidOptions: when they cannot work.
        """
        given = {**self.options, **(over or {})}
        if "redact" in given:
            raise InvalidOptions("redact is a function, and a scenario is plain data; leave it out")
        return ProviderOptions.of(**given)

    # --- made ---------------------------------------------------------------------------------------------------------

    @classmethod
    def draw(
        cls,
        seed: int,
        faults: str | Iterable[Fault] = "none",
        *,
        days: float | None = None,
        entities: int | None = None,
        replicas: int | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Self:
        """A scenario drawn from a seed; its sizes from a distribution that a file of the package fixes.

        Args:
            seed: of the scenario, and of all that is drawn while it runs.
            faults: `none`, `gentle`, `rough` or `hostile`, or the very faults.
            days: how long the fault phase lasts; drawn unless given, as all that follows.
            entities: how many the source holds at first.
            replicas: how many processes serve the provider.
            options: the provider's.
        """
        wished = {"days": days, "replicas": replicas, "options": options}
        given = {name: value for name, value in wished.items() if value is not None}
        return cls(**{**drawn(seed, faults, entities, days), **given})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """A scenario from JSON values.

        Raises:
            CallerError: when it cannot be read; the message says where, as in all of these.
        """
        return read_spec(cls, values, "scenario")

    @classmethod
    def from_json(cls, text: str) -> Self:
        """A scenario from JSON text."""
        return cls.from_dict(json_values(text))

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """A scenario from TOML text."""
        return cls.from_dict(toml_values(text))

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """A scenario from a file whose name ends in `.json` or `.toml`."""
        file = Path(path)
        readers: dict[str, Callable[[str], Self]] = {".json": cls.from_json, ".toml": cls.from_toml}
        reader = readers.get(file.suffix)
        if reader is None:
            raise CallerError(f"{file}: a scenario is a file that ends in {' or '.join(readers)}")
        try:
            return reader(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, CallerError) as error:
            raise CallerError(f"{file}: {error}") from error

    # --- written ------------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; what is as usual is left out."""
        return plain_spec(self)

    def to_json(self) -> str:
        """As JSON on one line."""
        return as_json(self.to_dict())

    def to_toml(self) -> str:
        """As TOML, with a line for each thing that happens."""
        return as_toml(self.to_dict())
