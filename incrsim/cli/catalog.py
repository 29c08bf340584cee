"""`incrsim entities` and `incrsim export`: what the catalog holds."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from incrsim.cli.failures import UsageError, complain
from incrsim.cli.kept import KeptDatabase, kept_database
from incrsim.cli.options import Config, Json
from incrsim.errors import IncrsimError

if TYPE_CHECKING:
    from incrsim.catalog import Filters

ENTITIES_HELP = (
    "Entities of the catalog, in the order of their refs, a page at a time.\n\n"
    "For example: incrsim entities --kind component --label tier=1 --text billing --database embedded\n\n"
    "All filters that are given must hold. The next page begins behind the last ref: --after REF."
)
EXPORT_HELP = (
    "Write entities as Backstage's catalog-info YAML, a document each: to a file, or to standard output.\n\n"
    "For example: incrsim export catalog-info.yaml --kind component --database embedded"
)

Kind = Annotated[str | None, typer.Option(help="Only this kind, in any case.")]
Namespace = Annotated[str | None, typer.Option(help="Only this namespace, in any case.")]
Provider = Annotated[str | None, typer.Option(help="Only what this provider owns.")]
Owner = Annotated[str | None, typer.Option(help="Only this spec.owner, exactly.")]
Label = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY[=VALUE]", help="Only with this label, of any value when none is given; may come again."),
]
Annotation = Annotated[list[str] | None, typer.Option(metavar="KEY[=VALUE]", help="The same for annotations.")]
Words = Annotated[str | None, typer.Option("--text", help="Occurs in the ref, title or description, in any case.")]


def entities(  # noqa: PLR0913  # a command has as many options as it has
    *,
    database: KeptDatabase = None,
    config: Config = None,
    kind: Kind = None,
    namespace: Namespace = None,
    provider: Provider = None,
    owner: Owner = None,
    label: Label = None,
    annotation: Annotation = None,
    text: Words = None,
    after: Annotated[str, typer.Option(metavar="REF", help="Begin behind this ref.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 50,
    as_json: Json = False,
) -> None:
    """The command; `ENTITIES_HELP` is what its users read."""
    filters = _filters(kind, namespace, owner, label, annotation, text)
    where = kept_database(database, config)
    from incrsim.cli.output import print_result
    from incrsim.cli.screens_catalog import entity_table
    from incrsim.opening import open as open_app

    with open_app(where) as app:
        page = app.catalog.find(provider, after=after, limit=limit, **filters)
        total = page.total
    print_result(
        {"total": total, "entities": [each.body for each in page.items], "next": page.next},
        entity_table(page.items, total, page.next),
        as_json=as_json,
    )


def export(  # noqa: PLR0913  # likewise
    *,
    database: KeptDatabase = None,
    config: Config = None,
    file: Annotated[str, typer.Argument(metavar="[FILE]", help="Where to; - is standard output.")] = "-",
    kind: Kind = None,
    namespace: Namespace = None,
    provider: Provider = None,
    owner: Owner = None,
    label: Label = None,
    annotation: Annotation = None,
    text: Words = None,
) -> None:
    """The command; `EXPORT_HELP` is what its users read."""
    filters = _filters(kind, namespace, owner, label, annotation, text)
    where = kept_database(database, config)
    from incrsim.opening import open as open_app

    with open_app(where) as app:
        try:
            count = app.catalog.export(sys.stdout if file == "-" else file, provider, **filters)
        except OSError as error:
            if isinstance(error, BrokenPipeError | IncrsimError):
                raise
            raise UsageError(f"{file}: cannot be written: {error.strerror or error}") from error
    complain(f"{count:,} entities written to {'standard output' if file == '-' else file}")


def _filters(
    kind: str | None,
    namespace: str | None,
    owner: str | None,
    label: Sequence[str] | None,
    annotation: Sequence[str] | None,
    text: str | None,
) -> Filters:
    return {
        "kind": kind,
        "namespace": namespace,
        "owner": owner,
        "label": _pairs("--label", label or ()),
        "annotation": _pairs("--annotation", annotation or ()),
        "text": text,
    }


def _pairs(option: str, given: Sequence[str]) -> dict[str, str | None]:
    pairs: dict[str, str | None] = {}
    for each in given:
        key, separator, value = each.partition("=")
        if not key:
            raise UsageError(f"{option} {each!r} names no key; write for example {option} tier=1, or {option} tier")
        if key in pairs:
            raise UsageError(f"{option} {key} comes twice, and an entity has each key once; leave one out")
        pairs[key] = value if separator else None
    return pairs
