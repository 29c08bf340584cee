"""Options that several commands have."""

from __future__ import annotations

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
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, and nothing else, on standard output.")]
