"""`incrsim mutants`."""

from __future__ import annotations

from typing import Annotated

import typer

from incrsim.cli.options import Json

HELP = (
    "Break the engine on purpose, and see that simulations notice.\n\n"
    "A mutant is an engine, a store, a guard or a source with one flaw. It is caught when the oracle, in one of the "
    "scenarios, names the rule of the contract that is broken. The engine as it is goes through the same scenarios, "
    "and must keep every rule.\n\n"
    "For example: incrsim mutants asks-no-fence marks-first"
)


def mutants(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME] ...", help="Which of them; all unless named.", show_default=False),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="A mutant gets away after so many scenarios.")] = 2000,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="How many processes hunt.", show_default="one for each core")
    ] = None,
    as_json: Json = False,
) -> None:
    """The command; `HELP` is what its users read."""
    from incrsim.cli.run_mutants import run_mutants

    raise typer.Exit(run_mutants(names or [], seeds, jobs, as_json=as_json))
