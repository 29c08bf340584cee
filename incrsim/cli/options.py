"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Database = Annotated[
    str,
    typer.Option(
        envvar="INCRSIM_DATABASE",
        metavar="memory|embedded|URL",
        help="Where the catalog is: in memory, in a Postgres of its own, or postgresql://user@host/name.",
    ),
]
SettableDatabase = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar="INCRSIM_DATABASE",
        metavar="memory|embedded|URL",
        help="Where the catalog is: in memory (unless the configuration says otherwise), in a Postgres of its own, or "
        "postgresql://user@host/name.",
        show_default=False,
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        envvar="INCRSIM_CONFIG",
        metavar="FILE",
        help="The configuration file; incrsim.toml, where there is one, unless another is named.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, and nothing else, on standard output.")]
