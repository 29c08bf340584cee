"""`incrsim.check` and `provider_conformance`: what they take, what they see, and how they tell it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import incrsim
from incrsim.errors import CallerError, InvalidOptions, InvalidProvider, MissingExtra
from incrsim.simulation import FakeSource
from incrsim.testing import ConformanceReport, Outcome, provider_conformance
from incrsim.testing.conformance_rules import RULES, names
from tests.unit.fakes import SHAPES, AsyncSource, Source, entity

GOOD = (["a", "b"], ["c"], ["d"])


def told(report: ConformanceReport) -> dict[str, str]:
    """The rules that do not simply hold, drift without a source left out."""
    return {row.rule: str(row.outcome) for row in report if row.outcome is not Outcome.PASSED and row.rule != "drift"}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_a_good_provider_passes(shape: type[Source]) -> None:
    """Sync, async and upstream's callback are read alike, each burst entered and left."""
    made: list[Source] = []

    def factory() -> Source:
        made.append(shape(*GOOD))
        return made[-1]

    report = incrsim.check(factory)
    assert (told(report), report.ok, report.whole) == ({}, True, True), str(report)
    assert (report.pages, report.entities) == (3, 4)
    for source in made:
        assert source.log.count("entered") == len([each for each in source.log if each.startswith("left")])


def test_an_object_is_read_in_fresh_contexts() -> None:
    """Without a factory there is one instance, and the report says so."""
    report = incrsim.check(Source(*GOOD))
    assert told(report) == {}
    assert "the same object" in report["stateless"].seen


def test_a_class_is_its_own_factory() -> None:
    """A class without arguments is called for each instance."""
    assert "each by a fresh instance" in incrsim.check(FakeSource, max_pages=2)["stateless"].seen


def test_a_large_source_is_not_read_for_ever() -> None:
    """At most `max_pages` pages are read through, and some of them again; what was not seen is said."""
    asked: list[Any] = []

    class Counted(FakeSource):
        def next(self, context: Any, cursor: Any = None) -> incrsim.Page:
            asked.append(cursor)
            return super().next(context, cursor)

    report = incrsim.check(lambda: Counted(1_000_000, 10), max_pages=12)
    assert told(report) == {"ends": "not applicable"}
    assert not report.whole
    assert "12 pages and 120 entities looked at, a part only" in str(report)
    assert "max_pages be more than 12" in report["ends"].instead
    assert report["drift"].outcome is Outcome.NOT_APPLICABLE
    assert len(asked) < 4 * 12


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"provider": 42}, InvalidProvider, "42 has name=None"),
        ({"provider": Source(*GOOD), "max_pages": 0}, CallerError, "1 or more"),
        ({"provider": Source(*GOOD), "max_pages": True}, CallerError, "1 or more"),
        ({"provider": Source(*GOOD), "source": [1]}, CallerError, r"add\(count\) and remove\(count=…\)"),
        ({"provider": Source(*GOOD), "page_timeout": "soon"}, InvalidOptions, "page_timeout"),
        ({"provider": lambda url: Source([url])}, CallerError, r"the factory .* failed: TypeError: .*lambda: Services"),
        ({"provider": lambda: 1 / 0}, CallerError, "ZeroDivisionError"),
    ],
    ids=[
        "nothing like it",
        "no pages",
        "pages that are a bool",
        "source",
        "option",
        "factory with arguments",
        "raises",
    ],
)
def test_what_cannot_be_checked(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    """What is passed wrongly is an error of incrsim's, and no row of a report."""
    with pytest.raises(error, match=message):
        incrsim.check(**arguments)


def test_what_is_no_provider_yet() -> None:
    """Where no engine could begin, that is told, and nothing else is judged."""

    class Nameless(Source):
        def __init__(self) -> None:
            super().__init__(*GOOD)
            self.name = ""

    report = incrsim.check(Nameless)
    assert report["name"].outcome is Outcome.FAILED
    assert {row.outcome for row in report if row.rule != "name"} == {Outcome.NOT_APPLICABLE}


def test_a_live_source_may_change_between_two_readings() -> None:
    """What another reading would show as well is no fault of the provider's."""

    class Growing(Source):
        """Has one more after each of its first bursts, as a source that somebody works on."""

        bursts = 0

        @contextmanager
        def around(self) -> Iterator[Source]:
            yield self
            Growing.bursts += 1

        def next(self, context: Any, cursor: Any = None) -> Any:
            return incrsim.Page([entity(f"e{number}") for number in range(min(3, 1 + self.bursts))], done=True)

    assert told(incrsim.check(Growing)) == {}


def test_state_in_a_class_is_found() -> None:
    """Pages are asked for out of order, so that what leans on the page before shows also where all share it."""

    class Sharing(Source):
        place = 0

        def next(self, context: Any, cursor: Any = None) -> Any:
            Sharing.place = 0 if cursor is None else Sharing.place + 1
            return super().next(context, Sharing.place or None)

    report = incrsim.check(lambda: Sharing(*GOOD))
    assert report["stateless"].outcome is Outcome.FAILED
    assert report["stateless"].seen.startswith("page 3, read by itself, ")


def test_empty_pages_are_fine_but_many_of_them_are_odd() -> None:
    """Pages that hold nothing may be what a filter leaves; when no end is seen behind them, that is an advice."""

    class Filtering(Source):
        def next(self, context: Any, cursor: Any = None) -> Any:
            page = cursor or 0
            return incrsim.Page([entity(f"e{page}")] if page % 8 == 0 else [], cursor=page + 1, done=page == 16)

    assert told(incrsim.check(Filtering)) == {"page-size": "advice"}
    row = incrsim.check(Filtering, max_pages=8)["ends"]
    assert (row.outcome, row.seen) == (Outcome.ADVICE, "the last 7 of 8 pages held nothing")


def test_where_an_entity_differs_is_said() -> None:
    """A field that changes by itself is named, since it costs a write in each cycle."""
    times = iter(range(1000))

    class Clocked(Source):
        def next(self, context: Any, cursor: Any = None) -> Any:
            return incrsim.Page(
                [incrsim.component("a", provider=self, spec={"seen": {"at": next(times), "by": 1}})], done=True
            )

    row = incrsim.check(Clocked)["repeatable"]
    assert row.outcome is Outcome.ADVICE
    assert row.seen == (
        "1 of 1 entity on page 1 say something else at each reading, for instance component:default/a at spec.seen.at"
    )


def test_an_error_in_an_asynchronous_context_is_survived_too() -> None:
    """What is closed on the good way only is found, also when it is asynchronous."""

    class Forgetful(AsyncSource):
        closed = False

        def noting(self) -> Any:
            @contextmanager
            def manager() -> Iterator[Source]:
                self.closed = False
                yield self
                self.closed = True

            return manager()

    report = incrsim.check(lambda: Forgetful(*GOOD))
    assert told(report) == {"survives": "failed"}
    assert "and not after one that ended with an error" in report["survives"].seen


@pytest.mark.parametrize(
    ("make", "seen"),
    [
        (lambda: FakeSource(10, 20), "single page"),
        (lambda: FakeSource(1000, 10), "does not end within 20 pages"),
    ],
)
def test_drift_needs_some_pages(make: Callable[[], FakeSource], seen: str) -> None:
    """Where nothing can vanish between pages, or no cycle ends, drift says what would help."""
    row = incrsim.check(make)["drift"]
    assert (row.outcome, seen in row.seen, row.instead.startswith("Give it a")) == (Outcome.NOT_APPLICABLE, True, True)


def test_a_source_is_as_large_as_before() -> None:
    """What vanished while drift was measured is made up for."""
    source = FakeSource(300, 50)
    assert incrsim.check(source, source=source)["drift"].outcome is Outcome.PASSED
    assert len(source) == 300


def test_report_for_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """As JSON values and as a DataFrame it has a row per rule, in the order of the rules."""
    report = incrsim.check(lambda: Source(["a", "a"]))
    document = report.to_dict()
    assert [row["rule"] for row in document["rows"]] == list(names()) == list(report.to_frame()["rule"])
    assert (document["ok"], document["whole"], document["provider"]) == (True, True, "source")
    (row,) = [row for row in document["rows"] if row["rule"] == "refs-unique"]
    assert (row["outcome"], row["contract"]) == ("advice", ["C-8"])
    assert row["why"]
    assert row["instead"]
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtra, match="notebook"):
        report.to_frame()


def test_report_for_people() -> None:
    """Text has a line per rule and what to do below it, HTML a row; what the source says is escaped."""
    report = incrsim.check(lambda: Source(["a"], ValueError("<b>no</b>")))
    lines = str(report).splitlines()
    assert lines[0].startswith("source: 15 rules, 12 passed, 1 failed, 2 not applicable; 1 page and 1 entity looked at")
    assert "  ✗ pages (C-3, C-16, C-17): page 2: ValueError: <b>no</b>" in lines
    assert repr(report) == f"<ConformanceReport {lines[0]}>"
    html = report._repr_html_()
    assert html.count("<tr") == 1 + len(RULES)
    assert "&lt;b&gt;no" in html
    with pytest.raises(KeyError, match="they are name, shape, "):
        report["refs"]


# --- as tests ---------------------------------------------------------------------------------------------------------

SUITE = """
import pytest
from incrsim.simulation import FakeSource
from incrsim.testing import provider_conformance
from tests.unit.fakes import Source

@pytest.fixture
def pages():
    return [["a"], ["b"]]

fake = FakeSource(60, 20)
TestFine = provider_conformance(lambda: Source(["a"], ["b"]))
TestWithFixtures = provider_conformance(lambda pages: Source(*pages))
TestWithSource = provider_conformance(lambda: fake, source=lambda: fake)
TestBroken = provider_conformance(lambda: Source(["a"], ValueError("no")))
TestDeclared = provider_conformance(
    lambda: Source(["a", "a"]), xfail={"refs-unique": "rows are joined", "ends": "it does not"}
)
TestAdvised = provider_conformance(lambda: Source(["a", "a"]))
"""


@pytest.mark.slow
def test_a_class_of_tests(tmp_path: Path) -> None:
    """A class has a test per rule: it passes, fails with what to do, is skipped where nothing can be said, warns of
    advice, and knows deviations that are meant, of which one that is gone is a failure.
    """
    (tmp_path / "test_it.py").write_text(SUITE)
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "-p", "no:xdist", "test_it.py"]
    root = Path(incrsim.__file__).parents[1]
    environment = {"PYTHONPATH": str(root), "PATH": "", "COLUMNS": "300"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    out = done.stdout
    assert out.splitlines()[-1].startswith("2 failed, 81 passed, 1 skipped, 1 xfailed, 1 warning"), out
    assert "FAILED test_it.py::TestBroken::test_pages" in out
    assert "✗ pages (C-3, C-16, C-17): page 2: ValueError: no" in out
    assert "FAILED test_it.py::TestDeclared::test_ends" in out
    assert "That was not expected: it does not" in out
    assert "XFAIL test_it.py::TestDeclared::test_refs_unique - rows are joined (1 repetition;" in out
    assert "ConformanceAdvice: ! refs-unique" in out
    assert "nothing came after page 1; see what failed above" in out


@pytest.mark.parametrize(
    ("xfail", "message"),
    [
        ({"ref-unique": "why"}, "there is no such rule; they are name, shape, "),
        ({"refs-unique": " "}, "write why the provider deviates"),
        ({"refs-unique": None}, "write why the provider deviates"),
    ],
)
def test_a_deviation_needs_a_rule_and_a_reason(xfail: Any, message: str) -> None:
    """A slip of the pen keeps no rule from being tested."""
    with pytest.raises(CallerError, match=message):
        provider_conformance(FakeSource, xfail=xfail)


def test_tests_say_what_to_look_at() -> None:
    """Each test's docstring has the rule's sentence, and what to do when it fails; drift is tested with a source."""
    tests: Any = provider_conformance(FakeSource, source=FakeSource())
    for rule in RULES:
        document = getattr(tests, f"test_{rule.name.replace('-', '_')}").__doc__
        assert rule.sentence in document
        assert rule.instead in document
    assert not hasattr(provider_conformance(FakeSource), "test_drift")


def test_without_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only asking for a class of tests needs pytest."""
    monkeypatch.setitem(sys.modules, "pytest", None)
    with pytest.raises(MissingExtra, match=r"pip install 'incrsim\[testing\]'"):
        provider_conformance(FakeSource)


def test_importing_is_light() -> None:
    """`import incrsim.testing`, and a check, need neither pytest nor Hypothesis."""
    program = (
        "import sys, incrsim, incrsim.testing as t; from incrsim.simulation import FakeSource;"
        "assert incrsim.check(FakeSource, max_pages=1).ok; assert t.provider_conformance;"
        "print({'pytest', 'hypothesis', 'rich', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
