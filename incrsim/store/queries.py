"""The SQL of `PostgresStore`, by name: each query stands in `sql/*.sql`, can be read, run and explained on its own."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import LiteralString

_HEADER = re.compile(r"^-- name: (\w+)\n-- .+\n", re.MULTILINE)


@cache
def _all_queries() -> dict[str, LiteralString]:
    queries: dict[str, LiteralString] = {}
    folder = resources.files("incrsim.store") / "sql"
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        _, *parts = _HEADER.split(file.read_text("utf-8"))
        queries.update((name, text.strip()) for name, text in zip(parts[::2], parts[1::2], strict=True))
    return queries


def query(name: str) -> LiteralString:
    """The text of a named query.

    Raises:
        KeyError: when there is none of that name.
    """
    # Read from files that are part of the package, never from input: that is what LiteralString asks for.
    return _all_queries()[name]
