"""How a provider meets the engine: its name, its methods, its context."""

from __future__ import annotations

import inspect
from contextlib import suppress
from typing import Any

from incrsim.errors import InvalidProvider
from incrsim.glance import many
from incrsim.provider import check_provider, provider_name, takes_callback
from incrsim.testing.conformance_seen import Seen, failed, not_applicable, passed, short
from incrsim.testing.conformance_subject import Subject


def name(subject: Subject) -> Seen:
    """Two instances and the one that was read go by one name."""
    try:
        names = [provider_name(each) for each in (subject.fresh(), subject.fresh())]
        _ = subject.reading
        names.append(provider_name(subject.reader))
    except InvalidProvider as error:
        return failed(short(str(error)))
    if len(set(names)) > 1:
        return failed(f"two instances, and one that was read, are called {', '.join(map(repr, names))}")
    return passed(repr(names[0]))


def shape(subject: Subject) -> Seen:
    """Everything is there that the engine calls."""
    provider = subject.fresh()
    with suppress(InvalidProvider):
        provider_name(provider)
        try:
            check_provider(provider)
        except InvalidProvider as error:
            return failed(short(str(error)))
        return passed(_described(provider))
    return not_applicable("it has no name that can be used; see `name`")


def around(subject: Subject) -> Seen:
    """The context of the first reading was entered and left."""
    found = [each.message for each in subject.reading.findings if each.rule == "C-2"]
    if found:
        return failed(short(found[0]))
    if not subject.reading.pages and not subject.reading.findings:
        return not_applicable("no engine could begin with it; see what failed above")
    return passed(f"entered and left around {many(len(subject.reading.pages), 'page')}")


def _described(provider: Any) -> str:
    around = "upstream's callback" if takes_callback(provider) else "a context manager"
    following = "a coroutine function" if inspect.iscoroutinefunction(provider.next) else "a function"
    topics = getattr(provider, "topics", ())
    events = f", topics {', '.join(map(str, topics))}" if topics else ""
    return f"around is {around}, next is {following}{events}"
