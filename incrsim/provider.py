"""What a user writes: a provider, and the pages that it returns (C-1, C-2, C-3)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from types import MethodType
from typing import Any

from incrsim.cursor import JSONValue
from incrsim.entity import Entity
from incrsim.entity_table import entity_table
from incrsim.errors import InvalidPage, InvalidProvider
from incrsim.glance import brief, entities
from incrsim.html import SHOWN, Html, card, facts, records
from incrsim.provider_events import check_handler

NAME_LIMIT = 255
SHOWN_LENGTH = 200


class IncrementalEntityProvider:
    """A base class for providers; any object with a `name`, an `around` and a `next` will do just as well (C-2).

    Subclasses set `name` and write `next`; `around` is for providers that need a client or a connection. Both may be
    `async`, and upstream's callback shape `async def around(self, burst)` is accepted too.

    A provider that can be told of changes also names `topics` and has an `on_event(event)`, sync or async, which gets a
    `SourceEvent` and returns a `Delta`, or `None` for one that changes nothing (C-29). It runs on the thread of whoever
    emits the event, also while a burst runs.
    """

    name: str

    def around(self) -> AbstractContextManager[Any]:
        """Set up and tear down what fetching needs; entered once per burst, it yields the context. By default there is
        none.
        """
        return nullcontext()

    def next(self, context: Any, cursor: Any = None) -> Page:
        """Return the page at `cursor`.

        Args:
            context: what `around` yielded.
            cursor: `None` for an ingestion's first page, afterwards exactly the value that the page before it returned
                (C-2).
        """
        raise NotImplementedError(f"{type(self).__name__} needs a `next(context, cursor)` that returns an incrsim.Page")


@dataclass(frozen=True, slots=True)
class Problem:
    """A part of the source that could not be read or used, reported by a page or found by the engine (C-7).

    Args:
        message: what is wrong, for the person who owns the data.
        ref: the entity that it is about; without one nobody knows what is missing, so this ingestion sweeps nothing.
        field: where in the entity, for example `metadata.name`.
        rule: which rule is broken.
    """

    message: str
    ref: str | None = None
    field: str | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a source (C-3).

    Args:
        entities: `Entity` values, mappings in Backstage's entity format, or `{"entity": …, "locationKey": …}` as
            upstream has it.
        cursor: where the next page begins: any JSON value up to 64 kB. Needed unless `done`, and ignored then.
        done: whether this was the last page.
        problems: parts of the source that could not be read: `Problem` values or sentences.
    """

    entities: Iterable[Entity | Mapping[str, Any]] = ()
    cursor: JSONValue = None
    done: bool = False
    problems: Iterable[Problem | str] = ()

    def __repr__(self) -> str:
        """What there is; entities that are made as they are asked for are left alone."""
        return brief(self, f"of {self._size()}, {self._behind()}")

    def _repr_html_(self) -> str:
        """For notebooks."""
        held, problems = self.entities, self.problems
        parts = [facts({"entities": self._size(), "behind it": self._behind()})]
        if isinstance(held, Sequence) and held:
            left = len(held) - SHOWN
            parts.append(entity_table(held[:SHOWN], f"… and {left:,} more" if left > 0 else ""))
        if isinstance(problems, Sequence) and problems:
            parts += [Html("<div>Problems</div>"), records(problems[:SHOWN])]
        return card("Page", *parts)

    def _size(self) -> str:
        if not isinstance(self.entities, Sized):
            return "entities that were not read yet"
        return entities(len(self.entities))

    def _behind(self) -> str:
        return "the last page" if self.done else f"then {self.cursor!r}"


def as_page(returned: object) -> Page:
    """Read what `next` returned: a `Page`, or a mapping with `entities`, `cursor`, `done` as upstream has it.

    Raises:
        InvalidPage: when it is neither, `done` is not a bool, or a page that is not done has no cursor (C-3).
    """
    if not isinstance(returned, Page) and isinstance(returned, Mapping):
        returned = _from_mapping(returned)
    if not isinstance(returned, Page):
        raise InvalidPage(
            f"next() returned {_shown(returned)}, which is not a page; "
            "return incrsim.Page(entities=[…], cursor=…, done=…)"
        )
    if not isinstance(returned.done, bool):
        raise InvalidPage(
            f"next() returned a page with done={_shown(returned.done)}; "
            "`done` is True or False, write for example done=not rows"
        )
    if returned.cursor is None and not returned.done:
        raise InvalidPage(
            "next() returned a page without a cursor that is not done, so there is no way to ask for the next one; "
            "give it a cursor, or done=True if it was the last page"
        )
    if not _is_list(returned.entities):
        raise InvalidPage(
            f"next() returned a page with entities={_shown(returned.entities)}; write a list of entities, even for one"
        )
    if not _is_list(returned.problems):
        raise InvalidPage(
            f"next() returned a page with problems={_shown(returned.problems)}; "
            "write a list of sentences or incrsim.Problem values"
        )
    return returned


def _is_list(held: object) -> bool:
    if type(held) is list or type(held) is tuple:  # nearly all are: not asked what else they might be
        return True
    return isinstance(held, Iterable) and not isinstance(held, str | bytes | Mapping)


def _from_mapping(returned: Mapping[Any, Any]) -> Page:
    unknown = sorted(str(key) for key in returned if key not in ("entities", "cursor", "done", "problems"))
    if unknown:
        raise InvalidPage(
            f"next() returned a page with unknown keys {', '.join(unknown)}; "
            "a page has entities, cursor, done and problems"
        )
    entities, problems = returned.get("entities"), returned.get("problems")
    return Page(
        entities=() if entities is None else entities,  # upstream: a done page may leave `entities` out
        cursor=returned.get("cursor"),
        done=returned.get("done", False),
        problems=() if problems is None else problems,
    )


def provider_name(provider: object) -> str:
    """The provider's name, checked (C-1).

    Raises:
        InvalidProvider: when it is not a string of 1 to 255 printable characters.
    """
    name = getattr(provider, "name", None)
    if not isinstance(name, str):
        raise InvalidProvider(
            f"{_shown(provider)} has name={_shown(name)}; a provider needs a stable, unique name, "
            'write for example name = "services" in its class'
        )
    if not 1 <= len(name) <= NAME_LIMIT or not name.isprintable():
        raise InvalidProvider(
            f"the provider name {_shown(name)} has {len(name)} characters; "
            f"it must be 1 to {NAME_LIMIT} printable characters"
        )
    return name


def check_provider(provider: object) -> str:
    """Check that an object can serve as a provider, before anything is run; returns its name.

    Raises:
        InvalidProvider: the message says what is missing and what to write.
    """
    if isinstance(provider, type):
        raise InvalidProvider(
            f"{provider.__name__} is a class, not a provider; pass an instance, write {provider.__name__}(…)"
        )
    name = provider_name(provider)
    _check_callable(provider, name, "around", "@contextmanager\ndef around(self):\n    yield client", 1)
    _check_callable(provider, name, "next", "def next(self, context, cursor=None):\n    return incrsim.Page(…)", 2)
    check_handler(provider, name)
    return name


def is_factory(found: object) -> bool:
    """Whether something makes providers, and is none itself: a class, or a function."""
    # An object with a `next` is meant as a provider, also when it can be called.
    return isinstance(found, type) or (callable(found) and not hasattr(found, "next"))


def takes_callback(provider: Any) -> bool:
    """Whether `around` has upstream's callback shape, `async def around(self, burst)`."""
    around = provider.around
    return _takes_more_than_self(around.__func__) if isinstance(around, MethodType) else bool(required(around))


@lru_cache(maxsize=256)
def _takes_more_than_self(function: Callable[..., Any]) -> bool:
    # Asked at each burst, of few functions: reading a signature takes as long as a small page.
    return len(required(function)) > 1


def required(method: Any) -> list[str]:
    """The names of the positional parameters that a call must give."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in inspect.signature(method).parameters.values() if p.kind in kinds and p.default is p.empty]


def _check_callable(provider: object, name: str, method: str, example: str, most: int) -> None:
    found = getattr(provider, method, None)
    if not callable(found):
        raise InvalidProvider(f"the provider {name!r} has no method `{method}`; write\n{example}")
    needed = required(found)
    accepted = [
        p for p in inspect.signature(found).parameters.values() if p.kind not in (p.KEYWORD_ONLY, p.VAR_KEYWORD)
    ]
    takes_any = any(p.kind is p.VAR_POSITIONAL for p in accepted)
    if len(needed) > most or (method == "next" and len(accepted) < most and not takes_any):
        raise InvalidProvider(
            f"the provider {name!r} has {method}{inspect.signature(found)}, "
            f"which cannot be called by the engine; write\n{example}"
        )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_LENGTH else f"{text[:SHOWN_LENGTH]}…"
