"""How long an HTTP source asks to wait, read off the headers of its answer.

`Retry-After` comes first: seconds, or a date (RFC 9110, 10.2.3). Then `X-RateLimit-Reset` or `RateLimit-Reset`, which
some write as the seconds that are left (drafts of the IETF) and others as an instant in seconds since 1970 (GitHub,
GitLab); the size of the number tells. An instant counts from the answer's own `Date`, so that clocks may disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

UNTOLD = timedelta(minutes=1)
"""The wait when a source says that there are too many requests, and not until when."""
SHORTEST = timedelta(seconds=1)
"""A source that asks to wait for no time at all must not be asked without end: such failures count no attempt."""
LONGEST = timedelta(days=7)
"""Numbers beyond any calendar are cut; the engine cuts at 24 hours (C-17)."""

_REMAINING = ("x-ratelimit-remaining", "ratelimit-remaining")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_BELOW = 1_000_000_000


def is_limited(status: int, headers: Mapping[str, str]) -> bool:
    """Whether an answer is a refusal for too many requests."""
    return (
        status == 429  # noqa: PLR2004 -- HTTP's own numbers
        or (status in (403, 503) and "retry-after" in headers)
        or (status == 403 and is_used_up(headers))  # noqa: PLR2004 -- HTTP's own numbers
    )


def is_used_up(headers: Mapping[str, str]) -> bool:
    """Whether this was the last request before the limit."""
    return any(headers.get(name) == "0" for name in _REMAINING)


def pause(headers: Mapping[str, str], now: datetime) -> timedelta:
    """How long to wait after a refusal, by its headers.

    Args:
        headers: of the answer, by names in any case.
        now: for an answer without a date.
    """
    asked = _after(headers.get("retry-after", ""), _date(headers.get("date", "")) or now)
    if asked is not None:
        return min(max(asked, SHORTEST), LONGEST)
    # Where requests are left, it was not this limit that refused, and its reset may be an hour away (GitHub's secondary
    # limits).
    told = is_used_up(headers) or not any(name in headers for name in _REMAINING)
    return until_reset(headers, now) if told else UNTOLD


def until_reset(headers: Mapping[str, str], now: datetime) -> timedelta:
    """How long until there are requests again, by an answer's headers; a minute when they do not tell."""
    date = _date(headers.get("date", "")) or now
    told = (_after(headers.get(name, ""), date) for name in ("x-ratelimit-reset", "ratelimit-reset"))
    return next((min(max(each, SHORTEST), LONGEST) for each in told if each is not None), UNTOLD)


def _after(text: str, date: datetime) -> timedelta | None:
    if text.isascii() and text.isdigit():
        seconds = int(text[:15])
        since = date - _EPOCH if seconds >= _SECONDS_BELOW else timedelta()
        return timedelta(seconds=min(seconds, 10**11)) - since
    until = _date(text)
    return None if until is None else until - date


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
