"""A provider that is being checked: made anew as often as needed, and read as the engine reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from incrsim.cursor import read_cursor
from incrsim.entity import Entity
from incrsim.errors import CallerError, InvalidProvider
from incrsim.host import BurstSession, ThreadHost
from incrsim.options import ProviderOptions
from incrsim.preview import preview
from incrsim.preview_values import Preview, PreviewedPage
from incrsim.provider import Page, check_provider

Result = TypeVar("Result")

SAMPLE = 6
"""How many of the pages are read again; a source that is far away is not asked for all of them three times."""

_SHOWN_REFS = 3


class Subject:
    """A provider that is being checked; what several rules look at is read once.

    Args:
        factory: makes a provider at each call, or gives the same one.
        source: what it reads, if that can be changed.
        max_pages: how many pages are read at most.
        options: what it will be added with.
    """

    def __init__(self, factory: Callable[[], Any], source: Any, max_pages: int, options: ProviderOptions) -> None:
        self.source = source
        self.max_pages = max_pages
        self.options = options
        self._factory = factory
        self._host = ThreadHost()

    def fresh(self) -> Any:
        """A new instance, which has read nothing.

        Raises:
            CallerError: the factory fails, or makes no provider.
        """
        try:
            provider = self._factory()
        except CallerError:
            raise
        except Exception as error:
            raise CallerError(
                f"the factory of the provider failed: {type(error).__name__}: {error}; "
                "pass a provider, or a function without arguments that makes one: lambda: Services(url)"
            ) from error
        if not hasattr(provider, "next") and not hasattr(provider, "around"):
            check_provider(provider)  # says what it is
        return provider

    @cached_property
    def reader(self) -> Any:
        """The instance of the first reading."""
        return self.fresh()

    @cached_property
    def made_anew(self) -> bool:
        """Whether the factory makes a new one each time."""
        return self.fresh() is not self.reader

    @cached_property
    def reading(self) -> Preview:
        """Its first pages, read in one burst; none when no engine could begin with it."""
        return self._read(self.reader)

    def begin(self, provider: Any) -> BurstSession:
        """Begin a burst of an instance."""
        return self._host.begin(provider, self.options.page_timeout.total_seconds())

    @contextmanager
    def burst(self, provider: Any) -> Iterator[BurstSession]:
        """A burst whose pages matter; that its context cannot be left is told once, by the rule `around`."""
        session = self.begin(provider)
        try:
            session.enter()
            yield session
        except BaseException as error:
            with suppress(Exception):
                session.leave(error)
            raise
        with suppress(Exception):
            session.leave()

    def compared(self, compare: Callable[[Preview], Result | None]) -> Result | None:
        """What differs from a reading, and still does when both are made anew: a live source may change between two.

        Args:
            compare: compares a reading with another way to read; `None` when they agree.
        """
        found = compare(self.reading)
        return found if found is None else compare(self._read(self.fresh()))

    def _read(self, provider: Any) -> Preview:
        try:
            return preview(provider, self.max_pages, host=self._host, page_timeout=self.options.page_timeout)
        except InvalidProvider:
            return Preview(str(getattr(provider, "name", type(provider).__name__)), (), ())


@dataclass(frozen=True, slots=True)
class Held:
    """What two readings of one page must agree in.

    Args:
        entities: refs, sorted; digests in the place of those that cannot be read.
        done: whether it is the last page.
    """

    entities: tuple[str, ...]
    done: bool

    @classmethod
    def by(cls, page: Page | PreviewedPage) -> Held:
        """What a page holds; `draft` has made entities of all that is on it."""
        found = (each for each in page.entities if isinstance(each, Entity))
        return cls(tuple(sorted(each.ref or each.digest.hex() for each in found)), page.done)

    def differs_from(self, other: Held) -> str | None:
        """What this one has otherwise, as the end of a sentence."""
        lacks = sorted(set(other.entities) - set(self.entities))
        adds = sorted(set(self.entities) - set(other.entities))
        if lacks or adds:
            told = (f"{verb} {_refs(refs)}" for verb, refs in (("lacked", lacks), ("added", adds)) if refs)
            return " and ".join(told)
        if len(self.entities) != len(other.entities):
            return f"held {len(self.entities):,} entities instead of {len(other.entities):,}"
        return None if self.done is other.done else f"said done={self.done} instead of done={other.done}"


@dataclass(frozen=True, slots=True)
class Place:
    """A page that was read, and how to ask for it again.

    Args:
        cursor: what it was asked for with.
        page: the page.
    """

    cursor: Any
    page: PreviewedPage


def places(reading: Preview) -> list[Place]:
    """All pages that were read, in order."""
    behind = [None, *(page.cursor and read_cursor(page.cursor) for page in reading.pages)]
    return [Place(cursor, page) for cursor, page in zip(behind, reading.pages, strict=False)]


def sample(reading: Preview) -> list[Place]:
    """Some of them, evenly spread, the first and the last among them."""
    every = places(reading)
    numbers = {round(step * (len(every) - 1) / (SAMPLE - 1)) for step in range(SAMPLE)} if every else ()
    return [every[each] for each in sorted(numbers)]


def _refs(refs: Sequence[str]) -> str:
    more = f" and {len(refs) - _SHOWN_REFS:,} more" if len(refs) > _SHOWN_REFS else ""
    return ", ".join(refs[:_SHOWN_REFS]) + more
