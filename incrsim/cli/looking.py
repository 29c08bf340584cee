"""What operators ask of live providers: `incrsim health`, `providers`, `status`, and the lists of what a provider left
in the store, which differ in a row of a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from incrsim.cli.failures import FAILED, UsageError
from incrsim.cli.kept import KeptDatabase, kept_database
from incrsim.cli.operating import Name
from incrsim.cli.options import Config, Json

if TYPE_CHECKING:
    from incrsim.operators import Listing, Operators

HEALTH_HELP = (
    "The providers and sinks that somebody should look at, and why.\n\n"
    "Ends with 0 when there are none, and with 1 when there are some, so that a watchdog can call it."
)
HEALTH_EPILOG = (
    "Exit codes: 0 all providers and sinks are healthy; 1 some are not, or it failed; 2 it was called wrongly."
)
PROVIDERS_HELP = "All providers, a line for each: what they do, what comes next and when, and whether they are healthy."
STATUS_HELP = "Where a provider is: what comes next and when, what it did, what went wrong, who serves it."

Limit = Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")]


@dataclass(frozen=True, slots=True)
class Pages:
    """A list that a provider has.

    Args:
        name: of the command.
        help: what its users read.
        read: reads a page of it: provider, position, limit.
    """

    name: str
    help: str
    read: Callable[[Operators, str, str, int], Listing[Any]]


LISTS = (
    Pages(
        "marks",
        "The pages that a provider's ingestion has committed, in order.",
        lambda operators, name, after, limit: operators.marks(name, _number(after), limit),
    ),
    Pages(
        "problems",
        "What was wrong with a provider's entities, in the order in which it was found.",
        lambda operators, name, after, limit: operators.problems(name, _number(after), limit),
    ),
    Pages(
        "history",
        "A provider's complete ingestions, the latest first; the last 20 are kept.",
        lambda operators, name, after, limit: operators.history(name, _number(after), limit),
    ),
    Pages(
        "stale",
        "The refs that a guard refused to remove, sorted.",
        lambda operators, name, after, limit: operators.stale(name, after, limit),
    ),
)


def health(database: KeptDatabase = None, config: Config = None, as_json: Json = False) -> None:
    """The command; `HEALTH_HELP` is what its users read."""
    with _operators(database, config) as operators:
        unhealthy = operators.health()
    from incrsim.cli.output import print_result
    from incrsim.cli.screens_operating import health_screen

    print_result(
        {"healthy": not unhealthy, "unhealthy": [each.to_dict() for each in unhealthy]},
        health_screen(unhealthy),
        as_json=as_json,
    )
    if unhealthy:
        raise typer.Exit(FAILED)


def providers(
    after: Annotated[str, typer.Option(metavar="NAME", help="Begin behind this provider.")] = "",
    limit: Limit = 100,
    database: KeptDatabase = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """The command; `PROVIDERS_HELP` is what its users read."""
    with _operators(database, config) as operators:
        page = operators.providers(after, limit)
    from incrsim.cli.output import print_result
    from incrsim.cli.screens_operating import providers_screen

    print_result(page.to_dict(), providers_screen(page), as_json=as_json)


def status(name: Name, database: KeptDatabase = None, config: Config = None, as_json: Json = False) -> None:
    """The command; `STATUS_HELP` is what its users read."""
    with _operators(database, config) as operators:
        found = operators.status(name)
    from incrsim.cli.output import print_result
    from incrsim.cli.screens_operating import status_screen

    print_result(found.to_dict(), status_screen(found), as_json=as_json)


def command_of(pages: Pages) -> Callable[..., None]:
    """The command of a row of the table."""

    def command(
        name: Name,
        after: Annotated[
            str, typer.Option(metavar="POSITION", help="Begin behind it; the page before says where it ends.")
        ] = "",
        limit: Limit = 100,
        database: KeptDatabase = None,
        config: Config = None,
        as_json: Json = False,
    ) -> None:
        with _operators(database, config) as operators:
            page = pages.read(operators, name, after, limit)
            current = operators.status(name)
        from incrsim.cli.output import print_result
        from incrsim.cli.screens_lists import list_screen

        print_result(page.to_dict(), list_screen(pages.name, current, page), as_json=as_json)

    return command


@contextmanager
def _operators(database: str | None, config: Path | None) -> Iterator[Operators]:
    where = kept_database(database, config)
    from incrsim.opening import open as open_app

    with open_app(where) as app:
        yield app.operators


def _number(after: str) -> int:
    try:
        return int(after or 0)
    except ValueError:
        raise UsageError(f"--after {after!r} is no number; pass what the page before says") from None
