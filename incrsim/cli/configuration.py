"""`incrsim config`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from incrsim.cli.options import Config

commands = typer.Typer(help="The configuration file.", no_args_is_help=True)


@commands.command()
def check(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="incrsim.toml unless another is named.", show_default=False)
    ] = None,
    config: Config = None,
) -> None:
    """Read a configuration file and make all that it names, and say what is wrong, with the line; serves nothing."""
    from incrsim.cli.run_config import check_config
    from incrsim.config import FILE

    check_config(file or config or Path(FILE))
