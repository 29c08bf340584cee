"""What went wrong, as one line on standard error and an exit code that says whose fault it is."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from incrsim.errors import AllSlotsStuck, CallerError, IncrsimError

FAILED = 1
USAGE = 2
TRY_AGAIN = 75
"""`EX_TEMPFAIL`: whoever watches over this process may start it again."""
INTERRUPTED = 130


class UsageError(CallerError):
    """The command line cannot work as written."""


_ParseError: type[Exception] = next(
    each for each in typer.BadParameter.__mro__ if each.__name__ == "ClickException"
)  # Typer's parser has one base class for its errors, and no public name for it in all of its versions


class Commands(TyperGroup):
    """Runs a command; whatever it raises ends as one line, unless `--debug` asks for more."""

    def main(self, args: Sequence[str] | None = None, *more: Any, **options: Any) -> Any:
        """Parse and run; always ends with `SystemExit`, unless `standalone_mode=False` asks otherwise."""
        try:
            code = super().main(args, *more, **{**options, "standalone_mode": False})
        except _ParseError as error:
            context = getattr(error, "ctx", None)
            where = f" (see `{context.command_path} --help`)" if context is not None else ""
            complain(f"{error.format_message().rstrip('.')}{where}")  # type: ignore[attr-defined]  # Typer's own click has no types
            code = error.exit_code  # type: ignore[attr-defined]  # Typer's own click has no types
        if options.get("standalone_mode", True):
            sys.exit(code if isinstance(code, int) else 0)
        return code

    def invoke(self, ctx: Any) -> Any:
        """Run the command that the arguments name."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            complain("stopped at once; what was committed is kept, and the lease expires by itself")
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            # Whoever read our output has gone; without this, Python would complain once more while it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(FAILED) from None
        except (typer.Exit, typer.Abort, _ParseError):
            raise
        except Exception as error:
            if ctx.params.get("debug"):
                traceback.print_exc()
            complain(describe(error))
            raise typer.Exit(_code(error)) from error


def _code(error: Exception) -> int:
    match error:
        case CallerError():
            return USAGE
        case AllSlotsStuck():
            return TRY_AGAIN
    return FAILED


def describe(error: Exception) -> str:
    """An error in one line."""
    if isinstance(error, IncrsimError):
        return " ".join(str(error).split())
    return f"{type(error).__name__}: {' '.join(str(error).split())} (unexpected; `incrsim --debug …` shows where)"


def complain(line: str) -> None:
    """Say on standard error what is wrong."""
    typer.echo(f"incrsim: {line}", err=True)
