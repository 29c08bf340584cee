"""Small changes of a SQL query: conditions negated, left out or loosened, comparisons turned, limits moved, writes
forgotten. A mutator of our own, for there is none for SQL; it works on words and needs no parser.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.automatic.changes import Change, changed

if TYPE_CHECKING:
    from collections.abc import Iterator

SWAPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"<>", ("=",)),
    (r">=", (">", "<")),
    (r"<=", ("<", ">")),
    (r"(?<![<>=])=(?!=)", ("<>",)),
    (r"(?<![<>-])>(?![>=])", (">=", "<")),
    (r"(?<![<-])<(?![<>=])", ("<=", ">")),
    (r"\bIS NOT DISTINCT FROM\b", ("IS DISTINCT FROM",)),
    (r"\bNOT EXISTS\b", ("EXISTS",)),
    (r"(?<!NOT )\bEXISTS\b", ("NOT EXISTS",)),
    (r"\bAND NOT\b", ("AND",)),
    (r"\bAND (?=(?:\w+\.)?removable)", ("AND NOT ",)),
    (r"\bAND (?!NOT\b)", ("OR ",)),
    (r"\bLEFT JOIN\b", ("JOIN",)),
    (r"\bmax\b", ("min",)),
    (r"(?<=[^\w'])\+ 1\b", ("+ 2", "- 1", "+ 0")),
    (r"(?<=, )([01])(?=\b[^)]* (?:FROM|>=)|\))", ("2",)),
    (r"\bcoalesce\((\S+), 0\)", (r"\1",)),
    (r" FILTER \(WHERE [^)]*\)(?=[,\n])", ("",)),
    (r"\bAND [^\n()]+?(?=\n|\)| AND | ORDER | RETURNING|$)", ("",)),
    (r"\bORDER BY entity_id\b", ("ORDER BY entity_id DESC",)),
)
"""A pattern, and what may stand in place of each of its matches."""

NOTHING = "SELECT WHERE false"
"""In place of a query whose answer nobody reads."""


def changes(where: str, query: str) -> Iterator[Change]:
    """Every change of a query, the whole of it forgotten included.

    Args:
        where: its name.
        query: its text, without comments.
    """
    seen = {query}
    for pattern, replacements in SWAPS:
        for match in re.finditer(pattern, query):
            for replacement in replacements:
                text = query[: match.start()] + match.expand(replacement) + query[match.end() :]
                if text not in seen:
                    seen.add(text)
                    yield changed(where, query, text)
    if not query.startswith("SELECT") and "RETURNING" not in query:
        yield changed(where, query, NOTHING)
