"""Every exception of incrsim, sorted twice.

By *fault*: `CallerError` (you, who called the library), `ProviderError` (the provider or its source), `SinkRefused`
(another system), `StoreError` (the database). By *consequence* for an ingestion (C-17), read off the class and never
off its text: what a provider raises is retriable unless it is `CursorExpired`, `RateLimited` or a `FatalError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

MOST_NAMES = 100
"""How many known names an error tells."""


def shortened(value: object, length: int = 200) -> str:
    """A value as errors show it, however long it is.

    Args:
        value: what was passed.
        length: how many characters are shown at most.
    """
    shown = repr(value[: length + 1] if isinstance(value, str | bytes) else value)
    return shown if len(shown) <= length else f"{shown[:length]}… (of type {type(value).__name__}, too long to show)"


class IncrsimError(Exception):
    """Anything that incrsim itself raises; catch this to catch all of it."""


# --- whose fault: the caller's
# ------------------------------------------------------------------------------------------


class CallerError(IncrsimError):
    """The call cannot work as written; the message says what was passed and what to write instead."""


class InvalidOptions(CallerError, ValueError):
    """An option of a provider, a duration or a limit has a value that cannot work."""


class InvalidConfig(CallerError):
    """The configuration file cannot work as written; the message says in which line and what to write instead."""


class InvalidProvider(CallerError, TypeError):
    """The object that was given is not a provider: no usable `name`, `around` or `next` (C-1, C-2)."""


class DuplicateProvider(CallerError):
    """A provider of that name is here already; pass `replace=True` to take its place (C-1)."""


class UnknownProvider(CallerError, LookupError):
    """No provider has that name; the message lists the known ones (C-35)."""

    @classmethod
    def of(cls, name: str, known: Sequence[str]) -> UnknownProvider:
        """The error for a name that no provider has.

        Args:
            name: what was asked for.
            known: the names that there are, sorted; the first hundred are told.
        """
        more = f" and {len(known) - MOST_NAMES:,} more" if len(known) > MOST_NAMES else ""
        told = ", ".join(known[:MOST_NAMES]) or "none yet"
        return cls(f"no provider is called {shortened(name)}; known: {told}{more}")


class InvalidSink(CallerError, TypeError):
    """The object that was given cannot be a sink: no usable `name` or `apply_mutation` (C-12)."""


class DuplicateSink(CallerError):
    """A sink of that name is attached already."""


class UnknownSink(CallerError, LookupError):
    """No sink is registered under that name; the message lists the known ones (C-12, C-35)."""


class SupersededVerdict(CallerError):
    """The verdict is not the provider's last one, or refused nothing; the message has the current numbers (C-26)."""


class WrongCount(CallerError, ValueError):
    """The provider owns another number of entities than the caller expected; nothing was changed (C-34)."""


class InvalidQuery(CallerError, ValueError):
    """The catalog cannot be asked that: a filter, a limit or a position has a value that no entity could have."""


class InvalidDelta(CallerError, ValueError):
    """A delta that cannot be applied: no list of entities, a ref that is none, or one both added and removed (C-29)."""


class NoEventHandler(CallerError):
    """The provider takes no events, or none of that topic (C-29)."""


class ProviderBusy(CallerError):
    """Another replica, or another thread of this one, works on the provider; try again when it is done (C-30)."""


class InvalidTransition(CallerError):
    """The ingestion's status does not allow that step (C-14); the message tells the ingestion's story."""


class MissingExtra(CallerError, ImportError):
    """An optional dependency is not installed; the message holds the command that installs it."""


# --- whose fault: the provider's, or its source's
# ---------------------------------------------------------------------------


class ProviderError(IncrsimError):
    """The provider, or the source behind it, did something that cannot be accepted; retriable unless a subclass says
    otherwise.
    """


class FatalError(ProviderError):
    """Trying this ingestion again cannot help: it is canceled and a new one begins after the last wait (C-17).
    Providers may raise it.
    """


class CursorRepeated(FatalError):
    """The page returned a cursor that this ingestion has seen before: it would never finish (C-5)."""


class TooManyPages(FatalError):
    """The ingestion went past `max_pages` (C-5)."""


class CursorExpired(ProviderError):
    """The source no longer accepts the cursor: the ingestion starts over at once (C-17). Providers raise it."""


class RateLimited(ProviderError):
    """The source asks to wait: the burst ends without counting as a failure (C-17). Providers raise it.

    Args:
        until: when to go on, an aware UTC instant; at most 24 hours ahead counts.
    """

    def __init__(self, until: datetime, message: str = "the source asked to wait") -> None:
        if not isinstance(until, datetime) or until.tzinfo is None:
            raise TypeError(
                f"RateLimited(until={until!r}): `until` must be an aware datetime, since instants are UTC; "
                "write for example RateLimited(datetime.now(timezone.utc) + timedelta(minutes=5))"
            )
        super().__init__(f"{message} until {until.isoformat()}")
        self.until = until


class InvalidPage(ProviderError):
    """`next` returned something that is not a page (C-3)."""


class InvalidCursor(ProviderError):
    """The page's cursor is not a JSON value that comes back exactly, or is over 64 kB (C-4)."""


class InvalidEntity(ProviderError):
    """An entity breaks Backstage's rules, and `on_invalid_entity="fail"` or a direct call asked to hear of it (C-6,
    C-7).
    """


class TooManyInvalid(ProviderError):
    """More entities were invalid than `max_invalid_percentage` allows: the ingestion ended without a sweep (C-7)."""


class EventHandlerFailed(ProviderError):
    """A provider's `on_event` failed, or returned something that is no delta; nothing of it was kept (C-29)."""


class BurstShapeError(ProviderError):
    """A callback-shaped `around(burst)` did not call `burst`, called it twice, or did not await it (C-2)."""


class AllSlotsStuck(ProviderError):
    """Every slot of a worker is held by a call of a provider that did not return: the process must be started again
    (C-16).
    """


class PageTimeout(ProviderError, TimeoutError):
    """The provider took longer than `page_timeout` (C-16)."""


# --- whose fault: another system's
# ------------------------------------------------------------------------------------------


class SinkRefused(IncrsimError):
    """The system behind a sink did not take a mutation in; it is delivered again (C-12). Sinks may raise it, or
    anything else.
    """


# --- whose fault: the store's
# ----------------------------------------------------------------------------------------------


class StoreError(IncrsimError):
    """The store could not do it; whether a commit happened may be unknown, and the next claim reads the truth
    (C-10).
    """


class StoreUnavailable(StoreError, ConnectionError):
    """The database cannot be reached, is out of connections or went away; the message says what to do."""


class StoreUnusable(StoreError):
    """The database can be reached but not used: too old, read-only, of a newer schema, or without the right to
    write.
    """


class Fenced(StoreError):
    """Another replica (or an operator) overtook this one: its fence is old, the write was refused and kept nothing
    (C-37).
    """
