"""What may be passed to operators' calls: whatever comes, from a notebook or over a network, is checked here first."""

from __future__ import annotations

from incrsim.errors import CallerError, shortened

LARGEST_PAGE = 10_000
"""How many items a page may have."""

LONGEST_CURSOR = 1024
"""How many characters `after` may have: no name and no ref is longer."""

LARGEST_NUMBER = 2**63 - 1
"""No id, page number or count is larger."""


def checked_provider(name: object) -> str:
    """A provider's name, known or not.

    Raises:
        CallerError: when it is not text.
    """
    return _checked_name("provider", name)


def checked_sink(name: object) -> str:
    """A sink's name, known or not.

    Raises:
        CallerError: when it is not text.
    """
    return _checked_name("sink", name)


def checked_cursor(after: object) -> str:
    """A name or ref behind which a page begins.

    Raises:
        CallerError: when it is not text that a name or ref could be.
    """
    if not isinstance(after, str):
        raise CallerError(
            f"after={_shown(after)} is of type {type(after).__name__}; pass the `next` of the page before"
        )
    if len(after) > LONGEST_CURSOR or any(c == "\0" or "\ud800" <= c <= "\udfff" for c in after):
        raise CallerError(
            f"after={_shown(after)} is no name and no ref: those have neither NUL nor lone surrogates, and at most "
            f"{LONGEST_CURSOR} characters; pass the `next` of the page before"
        )
    return after


def checked_number(what: str, number: object) -> int:
    """An id, a page's number or a count.

    Args:
        what: the parameter's name, for errors.
        number: what was passed.

    Raises:
        CallerError: when it is not a whole number from 0 on that any store can hold.
    """
    if isinstance(number, bool) or not isinstance(number, int):
        raise CallerError(f"{what}={_shown(number)} is of type {type(number).__name__}; pass a whole number")
    if not 0 <= number <= LARGEST_NUMBER:
        raise CallerError(f"{what}={_shown(number)} cannot be; pass a whole number from 0 to {LARGEST_NUMBER}")
    return number


def page_size(limit: object) -> int:
    """How many items a page has at most.

    Raises:
        CallerError: when it is not a whole number from 1 to 10 000.
    """
    if isinstance(limit, bool) or not isinstance(limit, int):
        raise CallerError(f"limit={_shown(limit)} is of type {type(limit).__name__}; pass a whole number")
    if not 1 <= limit <= LARGEST_PAGE:
        raise CallerError(
            f"limit={_shown(limit)} cannot be; pass a whole number from 1 to {LARGEST_PAGE}, "
            "and `next` as `after` for the pages behind"
        )
    return limit


def _checked_name(what: str, name: object) -> str:
    if not isinstance(name, str):
        raise CallerError(f"the {what} {_shown(name)} is of type {type(name).__name__}; pass its name, which is text")
    return name


def _shown(value: object) -> str:
    """A value in an error, however long it is."""
    if isinstance(value, int) and abs(value) > LARGEST_NUMBER:
        return f"{'-' if value < 0 else ''}(a number of {value.bit_length()} bits)"
    return shortened(value)
