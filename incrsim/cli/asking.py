"""Dangerous commands ask first."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from incrsim.cli.failures import FAILED, UsageError, complain

if TYPE_CHECKING:
    from incrsim.app import App

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]

Before = Callable[["App"], None]
"""What happens before a call is made; may raise."""


def question(command: str, foresee: Callable[[App], str], *, yes: bool) -> Before:
    """What asks, unless the answer was given already.

    Args:
        command: which one asks.
        foresee: what it will do, in a sentence with numbers.
        yes: the answer.

    Raises:
        UsageError: when nobody can answer, since standard input is no terminal.
    """
    if yes:
        return no_question
    if not sys.stdin.isatty():
        raise UsageError(
            f"{command} asks before it does anything, and there is no terminal to ask on; nothing was done; add --yes "
            "to do it without asking"
        )
    return lambda app: _ask(foresee(app))


def no_question(app: App) -> None:
    """For calls that cost nothing but time."""


def _ask(consequence: str) -> None:
    typer.echo(consequence, err=True)
    typer.echo("Do it? [y/N] ", err=True, nl=False)
    # Not `typer.confirm`, which writes a space on standard output, where a document may be asked for.
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        complain("nothing was done")
        raise typer.Exit(FAILED)
