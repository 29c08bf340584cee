"""The packages that Debian's dpkg has installed: one `Component` each, with what it depends on.

A burst reads the database through once for an index, and then the stanzas of each page alone. A cursor is the name and
architecture of the package read last. dpkg replaces its file as a whole, so a burst sees one state of it.

Run it with `incrsim run providers.dpkg:Dpkg --once`.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import incrsim
from providers.dpkg_status import Database, Key, provides
from providers.naming import entity_name, own_namespace


class Dpkg(incrsim.IncrementalEntityProvider):
    """One `Component` of type `debian-package` per installed package and architecture.

    `spec.dependsOn` names installed packages only: those that Depends and Pre-Depends ask for, by their own name or by
    one that they provide. Versions are not compared, for dpkg has done that. Memory holds a page, and of every package
    its name, place and what it provides, for a file without order allows no less. A stanza that cannot be read is a
    problem on each page of its burst, and then nothing is removed (C-7).

    Options to add it with: `reject_empty_source_collections=True`, since a file that was cut to nothing in a crash
    looks like a machine without packages; `reject_removals_above_percentage=50`, since an upgrade of the whole system
    replaces a good part of them; `rest_length="1h"`, since a cycle without changes takes a second and writes nothing.

    Args:
        status: dpkg's file; of another machine or a container, a copy or `ROOT/var/lib/dpkg/status`.
        page_size: how many packages are on a page.
        name: the provider's name, and the namespace of its entities; two machines in one catalog need two.
    """

    def __init__(
        self, status: str | os.PathLike[str] = "/var/lib/dpkg/status", page_size: int = 500, name: str = "dpkg"
    ) -> None:
        if page_size < 1:
            raise ValueError(f"Dpkg(page_size={page_size!r}): a page holds 1 package or more, write page_size=500")
        self.name = own_namespace(name)
        self.status = Path(status)
        self.page_size = page_size

    @contextmanager
    def around(self) -> Iterator[Database]:
        """Open the file, and keep to what it is now: a missing one is an error, and not empty."""
        with self.status.open("rb") as file:
            yield Database(file)

    def next(self, context: Database, cursor: list[str] | None = None) -> incrsim.Page:
        """The next `page_size` packages after `cursor`."""
        begin = bisect_right(context.keys, tuple(cursor)) if cursor else 0
        page = context.keys[begin : begin + self.page_size]
        return incrsim.Page(
            [self._entity(context, key) for key in page],
            cursor=list(page[-1]) if page else None,
            done=begin + self.page_size >= len(context.keys),
            problems=context.problems,
        )

    def _entity(self, database: Database, key: Key) -> incrsim.Entity:
        stanza = database.read(key)
        spec = {name: stanza[name] for name in ("version", "architecture", "status", "section") if name in stanza}
        return incrsim.component(
            entity_name(*key),
            provider=self,
            namespace=self.name,
            type="debian-package",
            title=key[0],
            description=stanza.get("description", "").partition("\n")[0],
            depends_on=[f"component:{self.name}/{entity_name(*each)}" for each in database.dependencies(stanza)],
            spec=spec | {"provides": provides(stanza)},
        )
