"""What a provider may write beside its pages: a handler for events of its source (C-29)."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from incrsim.entity import Entity
from incrsim.errors import InvalidDelta, InvalidProvider

EXAMPLE = (
    'topics = ("services",)\n\ndef on_event(self, event):\n    return incrsim.Delta(added=[…], removed=["component:…"])'
)


@dataclass(frozen=True, slots=True)
class SourceEvent:
    """Something that a source says has happened, for example a webhook.

    Args:
        topic: what it is about; it reaches the providers that name it among their `topics`.
        payload: what the source sent, as it came.
        headers: of the request that brought it, if any.
    """

    topic: str
    payload: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delta:
    """What an event changes in the catalog (C-29).

    Args:
        added: entities that are new or have changed, as on a `Page`.
        removed: refs of those that are gone: `kind:namespace/name` or `kind:name`, in any case.
    """

    added: Iterable[Entity | Mapping[str, Any]] = ()
    removed: Iterable[str] = ()


def as_delta(returned: object) -> Delta | None:
    """Read what `on_event` returned: a `Delta`, `None` for an event that changes nothing, or a mapping as upstream has
    it, `{"type": "ignored"}` or `{"type": "delta", "added": …, "removed": [{"entityRef": …}]}`.

    Raises:
        InvalidDelta: when it is none of these.
    """
    if returned is None or isinstance(returned, Delta):
        return returned
    if not isinstance(returned, Mapping) or returned.get("type") not in ("ignored", "delta"):
        raise InvalidDelta(
            f"on_event() returned {returned!r:.200}, which is no delta; "
            "return incrsim.Delta(added=[…], removed=[…]), or None for an event that changes nothing"
        )
    if returned["type"] == "ignored":
        return None
    return Delta(added=returned.get("added") or (), removed=[_ref(each) for each in returned.get("removed") or ()])


def check_handler(provider: Any, name: str) -> None:
    """Check that a provider's event handler, if it has one, can be called.

    Raises:
        InvalidProvider: the message says what is wrong and what to write.
    """
    topics, handler = getattr(provider, "topics", ()), getattr(provider, "on_event", None)
    if isinstance(topics, str) or not isinstance(topics, Iterable) or not all(isinstance(t, str) and t for t in topics):
        raise InvalidProvider(
            f"the provider {name!r} has topics={topics!r:.200}; topics are a list of texts that are not empty, "
            f"write\n{EXAMPLE}"
        )
    if not topics and handler is not None:
        raise InvalidProvider(
            f"the provider {name!r} has an on_event, but no topics, so that no event would ever reach it; "
            f"write\n{EXAMPLE}"
        )
    if topics and not callable(handler):
        raise InvalidProvider(f"the provider {name!r} has topics, but no method `on_event`; write\n{EXAMPLE}")
    if callable(handler) and not _takes_one(handler):
        raise InvalidProvider(
            f"the provider {name!r} has on_event{inspect.signature(handler)}, "
            f"which cannot be called with an event; write\n{EXAMPLE}"
        )


def topics_of(provider: Any) -> tuple[str, ...]:
    """The topics that a provider wants to hear of."""
    return tuple(getattr(provider, "topics", ()))


def _takes_one(handler: Any) -> bool:
    try:
        inspect.signature(handler).bind(SourceEvent(""))
    except TypeError:
        return False
    return True


def _ref(removed: object) -> Any:
    return removed.get("entityRef") if isinstance(removed, Mapping) else removed
