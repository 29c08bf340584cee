"""`provider_conformance`: the rules as a class of tests."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

from incrsim.errors import CallerError, MissingExtra, shortened
from incrsim.provider import is_factory, required
from incrsim.testing.conformance import PAGES, subject_of
from incrsim.testing.conformance_drift import drift
from incrsim.testing.conformance_report import ConformanceRow, Outcome
from incrsim.testing.conformance_rules import RULES, Rule, names
from incrsim.testing.conformance_subject import Subject

if TYPE_CHECKING:
    import pytest


class ConformanceAdvice(UserWarning):
    """A rule is broken in a way that the engine copes with, at a price."""


def provider_conformance(
    factory: Any,
    *,
    source: Any = None,
    max_pages: int = PAGES,
    xfail: Mapping[str, str] | None = None,
    **options: object,
) -> type:
    """Make a pytest class with a test for each rule; give it a name that begins with `Test`.

    Advice is a warning, `ConformanceAdvice`. Without a `source` there is no test of drift.

    Args:
        factory: a class or function that makes providers. Its parameters, where it has some without a default, are the
            names of fixtures.
        source: as for `check`; or a function that gives it, whose parameters are names of fixtures.
        max_pages: as for `check`.
        xfail: deviations that are meant: the name of a rule, and the reason. One that is not there fails, too.
        options: as for `check`.

    Raises:
        CallerError: a deviation of a rule that does not exist, or without a reason.
        MissingExtra: when pytest is not installed.

    Example:
        TestServices = provider_conformance(lambda: Services(url))
    """
    _pytest()
    suite = _Suite(factory, source, max_pages, options, _checked(xfail or {}))
    tests = {f"test_{rule.name.replace('-', '_')}": _test(suite, rule) for rule in RULES if suite.has(rule)}
    return type("ProviderConformance", (), {"__doc__": "A test for each rule of conformance.", **tests})


@dataclass(slots=True)
class _Suite:
    """What the tests of one class have in common; arguments as for `provider_conformance`."""

    factory: Any
    source: Any
    max_pages: int
    options: dict[str, object]
    deviations: Mapping[str, str]
    subject: Subject | None = None

    def has(self, rule: Rule) -> bool:
        """Whether a rule can be tested."""
        return rule.judge is not drift or self.source is not None

    def run(self, rule: Rule, request: pytest.FixtureRequest) -> None:
        """Test a rule."""
        row = rule.examine(self.subject or self._subject(request))
        reason = self.deviations.get(rule.name)
        if reason is None:
            _report(row)
        else:
            _report_deviation(row, reason)

    def _subject(self, request: pytest.FixtureRequest) -> Subject:
        factory, source = _bound(self.factory, request), _bound(self.source, request)
        made = source() if is_factory(source) else source
        subject = subject_of(factory, made, self.max_pages, self.options)
        if not _fixtures(self.factory) and not _fixtures(self.source):
            self.subject = subject  # what fixtures give may be another for each test
        return subject


def _test(suite: _Suite, rule: Rule) -> Callable[[Any, pytest.FixtureRequest], None]:
    def test(_self: object, request: pytest.FixtureRequest) -> None:
        suite.run(rule, request)

    test.__doc__ = f"{rule.sentence} ({', '.join(rule.contract)})\n\nWhen it fails: {rule.why} {rule.instead}\n"
    return test


def _report(row: ConformanceRow) -> None:
    pytest = _pytest()
    match row.outcome:
        case Outcome.FAILED:
            pytest.fail(str(row), pytrace=False)
        case Outcome.NOT_APPLICABLE:
            pytest.skip(row.seen)
        case Outcome.ADVICE:
            warnings.warn(str(row), ConformanceAdvice, stacklevel=2)


def _report_deviation(row: ConformanceRow, reason: str) -> None:
    pytest = _pytest()
    match row.outcome:
        case Outcome.PASSED:
            pytest.fail(f"{row}\nThat was not expected: {reason}\nTake it out of `xfail`.", pytrace=False)
        case Outcome.NOT_APPLICABLE:
            pytest.skip(row.seen)
    pytest.xfail(f"{reason} ({row.seen})")


def _checked(deviations: Mapping[str, str]) -> Mapping[str, str]:
    for rule, reason in deviations.items():
        if rule not in names():
            raise CallerError(f"xfail={{{shortened(rule)}: …}}: there is no such rule; they are {', '.join(names())}")
        if not isinstance(reason, str) or not reason.strip():
            raise CallerError(
                f"xfail={{{rule!r}: {shortened(reason)}}}: write why the provider deviates from that rule"
            )
    return dict(deviations)


def _bound(function: Any, request: pytest.FixtureRequest) -> Any:
    """A factory with the fixtures that it asks for."""
    fixtures = _fixtures(function)
    return partial(function, **{each: request.getfixturevalue(each) for each in fixtures}) if fixtures else function


def _fixtures(function: Any) -> list[str]:
    return required(function) if function is not None and is_factory(function) else []


def _pytest() -> ModuleType:
    try:
        import pytest
    except ImportError as error:
        raise MissingExtra("tests of conformance need pytest: pip install 'incrsim[testing]'") from error
    return pytest
