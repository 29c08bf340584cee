"""Options and durations that say something else than the contract."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from incrsim import durations, options
from incrsim.options import ProviderOptions
from tests.mutants.patch import MutantOutdated
from tests.mutants.registry import mutant

if TYPE_CHECKING:
    from tests.mutants.patch import Patch


def _default(name: str, value: object) -> None:
    """Defaults stand in no function's body, so that `rewrite` cannot reach them, and are computed at the import."""
    defaults = ProviderOptions.__init__.__kwdefaults__
    assert defaults is not None
    if name not in defaults:
        raise MutantOutdated(f"there is no option {name!r} any more")
    defaults[name] = value


@mutant("C-7", "by default an invalid entity fails its page, as in the seed")
def invalid_fails_by_default(patch: Patch) -> None:
    _default("on_invalid_entity", "fail")


@mutant("C-17", "the list of waits ends with half an hour")
def last_wait_forgotten(patch: Patch) -> None:
    _default("backoff", ProviderOptions().backoff[:-1])


@mutant("C-39", "an ingestion rests for an hour")
def short_rest(patch: Patch) -> None:
    _default("rest_length", timedelta(hours=1))


@mutant("C-16", "a page must be there when the burst's time is over")
def page_timeout_is_burst_length(patch: Patch) -> None:
    patch.replace(options, "PAGE_TIMEOUT_BEYOND_BURST", timedelta(0))


@mutant("C-37", "a lease lasts no longer than a page may take")
def lease_is_page_timeout(patch: Patch) -> None:
    patch.replace(options, "LEASE_BEYOND_PAGE_TIMEOUT", timedelta(0))


@mutant("C-37", "a lease that is shorter than a page may take is accepted")
def short_lease_accepted(patch: Patch) -> None:
    patch.rewrite(ProviderOptions.__post_init__, "if self.lease_length < least:", "if False:")


@mutant(("C-7", "C-23"), "a percentage is the binary fraction nearest to what was written")
def percentage_is_binary(patch: Patch) -> None:
    patch.rewrite(options._percentage, "return Fraction(exact)", "return Fraction(float(exact))")


@mutant("C-39", "a pause of zero is refused")
def zero_pause_refused(patch: Patch) -> None:
    patch.rewrite(options._duration, "parse_duration(value, name)", "_positive_duration(name, value)")


@mutant("C-39", "a day has 84 600 seconds: a slip of the pen")
def day_is_too_short(patch: Patch) -> None:
    patch.replace(durations, "_UNITS", durations._UNITS | {"d": 84_600_000_000})


@mutant("C-39", "a negative duration is accepted")
def negative_duration_accepted(patch: Patch) -> None:
    patch.rewrite(durations._bounded, "if microseconds < 0:", "if False:")


@mutant("C-39", "durations are cut to milliseconds")
def microseconds_cut(patch: Patch) -> None:
    patch.rewrite(
        durations._bounded, "timedelta(microseconds=int(microseconds))", "timedelta(milliseconds=microseconds // 1000)"
    )
