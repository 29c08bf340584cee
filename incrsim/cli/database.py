"""`incrsim db`."""
from __future__ import annotations
import typer
commands = typer.Typer(help="The database's schema.", no_args_is_help=True)
@commands.command()
def path() -> None:
    """p"""
@commands.command()
def check() -> None:
    """p"""
