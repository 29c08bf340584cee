"""Backstage's rules for entities, as `docs/entity-rules.md` lists them (C-6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

PROVIDER_ANNOTATION = "@backstage/incremental-entity-provider"
RULES_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which an entity breaks a rule (C-7).

    Attributes:
        field: where in the entity, for example `metadata.labels["a b"]`.
        rule: short, stable name of the rule, as in `docs/entity-rules.md`.
        message: what was found, and what to write instead.
    """

    field: str
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def entity_violations(body: dict[str, Any], ref: str | None) -> Iterator[Violation]:
    """Tell everything about an entity that breaks a rule.

    Args:
        body: the entity as JSON gives it back.
        ref: its ref, or `None` when it has none that can be read.
    """
    if ref is None:
        yield Violation("metadata.name", "ref", "kind or metadata.name is missing")


def text_violations(text: str, field: str) -> Iterator[Violation]:
    """Tell what makes a text unfit for every store: NUL and lone surrogates.

    Args:
        text: any text.
        field: how the violation calls it.
    """
    if "\0" in text:
        yield Violation(field, "nul", "holds NUL, which Postgres cannot store; remove it at the source")
