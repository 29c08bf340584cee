"""Weather: what a source, or the API in front of it, does instead of answering, or to its answer.

A source asks its weather for each page. In calm weather the answer is the page; otherwise the weather may alter it, let
virtual time pass, or raise a `SourceTrouble`, which a provider sees as an error of its own (`seen_by_provider`), and a
client of `FakeSource.serve` as what HTTP has for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from incrsim.clock import Clock, SystemClock
from incrsim.entity import Entity
from incrsim.errors import CursorExpired, ProviderError, RateLimited


@dataclass(frozen=True, slots=True)
class SourcePage:
    """What a source answers.

    Args:
        items: what it returns for each entity.
        cursor: where its next page begins, `None` when it is done.
        done: whether it says that this was the last page.
    """

    items: Sequence[Entity | Mapping[str, Any]]
    cursor: Any | None
    done: bool


class SourceTrouble(Exception):  # noqa: N818 -- named for what happens, as those in `errors`
    """The source answers with no page."""

    def seen_by_provider(self) -> ProviderError:
        """What a provider raises when its source answers so."""
        return SourceUnreachable(f"the source answered with no page: {type(self).__name__}")


class Unavailable(SourceTrouble):
    """It is down, or fails: HTTP's 503."""

    def seen_by_provider(self) -> ProviderError:
        """See `SourceTrouble.seen_by_provider`."""
        return SourceUnreachable("the source is unavailable")


class RateLimit(SourceTrouble):
    """It has been asked too often: HTTP's 429.

    Args:
        until: when it answers again, an aware UTC instant.
    """

    def __init__(self, until: datetime) -> None:
        super().__init__(f"asked too often, until {until.isoformat()}")
        self.until = until

    def seen_by_provider(self) -> ProviderError:
        """See `SourceTrouble.seen_by_provider`."""
        return RateLimited(self.until)


class TokenExpired(SourceTrouble):
    """It no longer knows the cursor: HTTP's 410."""

    def seen_by_provider(self) -> ProviderError:
        """See `SourceTrouble.seen_by_provider`."""
        return CursorExpired("the source no longer knows the cursor")


class Cut(SourceTrouble):
    """The connection is cut, over HTTP in the middle of the body."""

    def seen_by_provider(self) -> ProviderError:
        """See `SourceTrouble.seen_by_provider`."""
        return SourceUnreachable("the connection to the source was cut")


class SourceUnreachable(ProviderError, ConnectionError):  # noqa: N818 -- as `StoreUnavailable`
    """What a provider raises when its source is down or its connection was cut."""


class AskedSource(Protocol):
    """What weather may want to know of the source that it is about."""

    @property
    def name(self) -> str:
        """The provider's name."""

    @property
    def page_size(self) -> int:
        """Entities a page."""

    @property
    def clock(self) -> Clock | None:
        """The clock that its changes happen by, if there is one; slow weather advances it."""

    def __len__(self) -> int:
        """How many entities it holds now."""


@dataclass(frozen=True, slots=True)
class SourceCall:
    """One question to a source.

    Args:
        cursor: of the page that is asked for, `None` for the first one.
        source: which source is asked.
    """

    cursor: Any
    source: AskedSource


class Weather(Protocol):
    """Decides what comes of each question to a source."""

    def page(self, call: SourceCall, answer: Callable[[], SourcePage]) -> SourcePage:
        """What the source answers.

        Args:
            call: what it is asked.
            answer: gives the true answer. May be called at any moment, say before or after time passes, or not at all.

        Raises:
            SourceTrouble: the source answers with no page.
        """


class _Calm:
    """The source answers, always."""

    def page(self, call: SourceCall, answer: Callable[[], SourcePage]) -> SourcePage:
        """See `Weather.page`."""
        return answer()


CALM: Weather = _Calm()
"""No weather at all."""


class Quota:
    """A rate limit as APIs have it: so many questions in a window, which begins with the first of them.

    Args:
        calls: how many are answered in a window.
        per: how long a window is.
        weather: what comes of those that count.
    """

    def __init__(self, calls: int, per: timedelta, weather: Weather = CALM) -> None:
        self._calls = calls
        self._per = per
        self._weather = weather
        self._left = calls
        self._resets_at: datetime | None = None

    def page(self, call: SourceCall, answer: Callable[[], SourcePage]) -> SourcePage:
        """See `Weather.page`."""
        now = (call.source.clock or SystemClock()).now()
        if self._resets_at is None or now >= self._resets_at:
            self._left, self._resets_at = self._calls, now + self._per
        if not self._left:
            raise RateLimit(self._resets_at)
        self._left -= 1
        return self._weather.page(call, answer)


class Flaky:
    """A source that is down again and again, and only for a moment.

    Args:
        every: which questions fail: the third, the sixth … of three.
        weather: what comes of the others.
    """

    def __init__(self, every: int = 3, weather: Weather = CALM) -> None:
        self._every = every
        self._weather = weather
        self._asked = 0

    def page(self, call: SourceCall, answer: Callable[[], SourcePage]) -> SourcePage:
        """See `Weather.page`."""
        self._asked += 1
        if self._asked % self._every == 0:
            raise Unavailable
        return self._weather.page(call, answer)
