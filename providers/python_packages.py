"""The Python distributions that are installed in some directories: one `Component` each, with what it requires.

Metadata is read through `importlib.metadata`, so wheels, eggs and editable installs all count. A burst reads all names
once, and then the metadata of each page. A cursor is the normalized name of the distribution read last.

Run it with `incrsim run providers.python_packages:PythonPackages --once`.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distributions
from pathlib import Path

import incrsim
from providers.naming import entity_name, own_namespace, storable

_requirement = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)").match
_of_an_extra = re.compile(r";.*\bextra\b").search


@dataclass(slots=True)
class Installed:
    """The distributions by normalized name, and what of them cannot be read."""

    distributions: dict[str, Distribution] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


class PythonPackages(incrsim.IncrementalEntityProvider):
    """One `Component` of type `python-package` per distribution; of two with the same name the one that Python imports.

    `spec.dependsOn` names the requirements that are installed, without those of extras; a requirement for another
    platform counts when it is there. Memory holds a page, and of each distribution its name and directory. A
    distribution without readable name is a problem on each page of its burst, and then nothing is removed (C-7).

    Options to add it with: `reject_empty_source_collections=True` and `reject_removals_above_percentage=50`, since an
    environment that is being made anew is nearly empty for a while; `burst_length="30s"`, since each burst reads all
    metadata for the names in it, about a millisecond each.

    Args:
        path: directories to look in, as a list or joined as in `PYTHONPATH`; by default those that this Python imports
            from. Of another environment: its `lib/python3.…/site-packages`.
        page_size: how many distributions are on a page.
        name: the provider's name, and the namespace of its entities; two environments in one catalog need two.
    """

    def __init__(
        self, path: str | Sequence[str | os.PathLike[str]] = "", page_size: int = 200, name: str = "python-packages"
    ) -> None:
        if page_size < 1:
            raise ValueError(f"PythonPackages(page_size={page_size!r}): write 1 or more, as in page_size=200")
        self.name = own_namespace(name)
        self.path = path.split(os.pathsep) if isinstance(path, str) and path else [os.fspath(each) for each in path]
        self.page_size = page_size

    @contextmanager
    def around(self) -> Iterator[Installed]:
        """Find what is installed: a directory that is missing or cannot be read is an error, and not empty."""
        for each in self.path:
            os.scandir(each).close()
        importlib.invalidate_caches()  # which else see nothing of a change within the resolution of directory times
        installed = Installed()
        for distribution in distributions(path=self.path or [each for each in sys.path if Path(each).exists()]):
            try:
                installed.distributions.setdefault(normalized(name_of(distribution)), distribution)
            except (OSError, ValueError) as error:
                installed.problems.append(f"a distribution in {distribution.locate_file('')} cannot be read: {error}")
        yield installed

    def next(self, context: Installed, cursor: str | None = None) -> incrsim.Page:
        """The next `page_size` distributions after `cursor`."""
        names = sorted(context.distributions)
        begin = 0 if cursor is None else bisect_right(names, cursor)
        page = names[begin : begin + self.page_size]
        return incrsim.Page(
            [self._entity(context, each) for each in page],
            cursor=page[-1] if page else None,
            done=begin + self.page_size >= len(names),
            problems=context.problems,
        )

    def _entity(self, installed: Installed, name: str) -> incrsim.Entity:
        distribution = installed.distributions[name]
        requires = [storable(each) for each in distribution.requires or () if not _of_an_extra(each)]
        wanted = {normalized(found[1]) for found in map(_requirement, requires) if found}
        depends_on = [entity_name(each) for each in sorted(wanted & installed.distributions.keys())]
        return incrsim.component(
            entity_name(name),
            provider=self,
            namespace=self.name,
            type="python-package",
            title=name_of(distribution),
            description=field_of(distribution, "Summary"),
            depends_on=[f"component:{self.name}/{each}" for each in depends_on],
            spec={
                "version": field_of(distribution, "Version"),
                "requiresPython": field_of(distribution, "Requires-Python"),
                "requires": sorted(requires),
            },
        )


def name_of(distribution: Distribution) -> str:
    """A distribution's name as its author writes it.

    Raises:
        ValueError: there is none, or its metadata is no text.
    """
    name = field_of(distribution, "Name")
    if not name:
        raise ValueError("it has no name in its metadata")
    return name


def field_of(distribution: Distribution, name: str) -> str | None:
    """A field of its metadata that is there and not empty."""
    metadata = distribution.metadata
    value = metadata[name].strip() if metadata and name in metadata else ""
    return storable(value) or None


def normalized(name: str) -> str:
    """The name by which Python's tools compare (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
