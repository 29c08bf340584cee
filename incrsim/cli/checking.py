"""`incrsim check`."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import Annotated

import typer

from incrsim.cli.options import Json

HELP = (
    "Look whether a provider keeps the contract, rule by rule; nothing is written.\n\n"
    "For example: incrsim check providers.files:Files --set root=DIR\n\n"
    "Its first pages are read once through, some of them again by fresh instances, out of order and twice, and once "
    "more after an error. Ends with 1 when a rule failed; advice is no failure."
)


def check(
    target: Annotated[
        str,
        typer.Argument(
            metavar="MODULE:OBJECT",
            help="A class or function that returns a provider, so that several can be made; or a provider.",
        ),
    ],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="An option of the provider, or an argument of the class."),
    ] = None,
    max_pages: Annotated[int, typer.Option(min=1, help="How many pages of the source to look at.")] = 20,
    source: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE:OBJECT",
            help="What the provider reads, if that can be changed with add(count) and remove(count=…): then its drift "
            "is measured.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """The command; `HELP` is what its users read."""
    from incrsim.cli.loading import load_factory, load_object, parse_settings
    from incrsim.cli.run_check import show_report
    from incrsim.testing.conformance import check as check_provider

    # What a provider prints must not get into the report.
    with redirect_stdout(sys.stderr):
        factory, options = load_factory(target, parse_settings(settings or []))
        options.pop("max_pages", None)  # bounds an ingestion, and not this look at it
        changing = None if source is None else load_object(source, {})
        report = check_provider(factory, source=changing, max_pages=max_pages, **options)
    raise typer.Exit(show_report(report, as_json=as_json))
