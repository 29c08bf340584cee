"""Runs tests against a deliberately broken engine.

`pytest --mutant NAME tests/unit` breaks the engine for the whole session: to look at what a mutant does.
`pytest --mutant-findings FILE` does not run tests as usual: it collects those tied to a rule, and for each mutant
forks, breaks the engine in the child and runs there the tests of that mutant's rules: all that no mutant of the rule
has made fail so far, then others until one notices. FILE then says how they ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from incrsim.errors import IncrsimError
from tests.mutants.findings import Findings, Run
from tests.mutants.patch import Patch
from tests.mutants.registry import LEFT_OUT, Mutant, load

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping

    from tests.mutants.findings import Outcome

_SECONDS_PER_TEST = 10
"""A broken engine may loop for ever; a fast test that takes this long has noticed something."""

_AT_ONCE = 4
"""How many children run side by side: most of their time they wait, for a database or for the end of a loop."""

_SECONDS_PER_RUN = 300
"""A child that does not even end by its tests' time limits is killed."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("mutants", "a deliberately broken engine")
    group.addoption("--mutant", metavar="NAME", help="break the engine like that for the whole session")
    group.addoption("--mutant-findings", metavar="FILE", help="run tied tests against all mutants; write FILE (JSON)")
    group.addoption(
        "--mutants-from", metavar="MODULE", default="tests.mutants.broken", help="where mutants are defined"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Break the engine before any test is imported, or get ready to do so again and again."""
    if config.option.mutant is not None:
        _known(load(config.option.mutants_from), config.option.mutant).apply(Patch())
    if config.option.mutant_findings is not None:
        _no_shrinking()
        config.pluginmanager.register(Check(Path(config.option.mutant_findings)), "incrsim-mutant-check")


def _known(mutants: Mapping[str, Mutant], name: str) -> Mutant:
    try:
        return mutants[name]
    except KeyError:
        raise pytest.UsageError(
            f"--mutant {name}: there is none of that name; there are: {', '.join(mutants)}"
        ) from None


def _no_shrinking() -> None:
    """A counter-example is enough here: nobody wants it small, or to meet it again in a healthy run."""
    from hypothesis import Phase, settings

    phases = (Phase.explicit, Phase.generate)
    settings.register_profile("mutants", settings(), phases=phases, database=None, deadline=None, derandomize=True)
    settings.load_profile("mutants")


class Check:
    """Takes the place of pytest's loop over tests.

    Args:
        target: the file for the findings.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._run = Run()
        self._mutant: Mutant | None = None
        self._unproved: set[tuple[str, str]] = set()

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep the tied tests only."""
        items[:] = [item for item in items if rules_of(item)]
        for item in items:
            if not left_out(item):
                item.add_marker(pytest.mark.timeout(_SECONDS_PER_TEST), append=False)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Fork for no mutant and for each, and write down what happened."""
        if session.testsfailed:
            raise session.Failed("tests could not be collected, so there is nothing to run against mutants")
        mutants = load(session.config.option.mutants_from)
        tied: dict[str, set[str]] = {}
        for item in session.items:
            tied.setdefault(name_of(item), set()).update(rules_of(item))
        self._unproved = {(test, rule) for test, rules in tied.items() for rule in rules}
        healthy = self._fork(None, [item for item in session.items if not left_out(item)]).run()
        runs = dict(self._all(session.items, list(mutants.items())))
        Findings({test: sorted(rules) for test, rules in tied.items()}, healthy, runs).save(self._target)
        return True

    def _all(self, items: list[pytest.Item], mutants: list[tuple[str, Mutant]]) -> Iterator[tuple[str, Run]]:
        """Some at a time, since a child that waits for a database leaves a core idle."""
        running: deque[tuple[str, Mutant, _Fork]] = deque()
        for name, mutant in mutants:
            if len(running) == _AT_ONCE:
                yield self._outcome(*running.popleft())
            running.append((name, mutant, self._fork(mutant, _facing(items, mutant))))
        for each in running:
            yield self._outcome(*each)

    def _outcome(self, name: str, mutant: Mutant, fork: _Fork) -> tuple[str, Run]:
        run = fork.run()
        self._unproved -= {(test, rule) for test in run.ended("killed") for rule in mutant.rules}
        return name, run

    def _fork(self, mutant: Mutant | None, items: list[pytest.Item]) -> _Fork:
        readable, writable = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        child = os.fork()
        if child == 0:
            os.close(readable)
            self._child(mutant, items, writable)
        os.close(writable)
        return _Fork(child, readable)

    def _child(self, mutant: Mutant | None, items: list[pytest.Item], writable: int) -> None:
        try:
            self._mutant = mutant
            if mutant is not None:
                mutant.apply(Patch())
            self._run_tests(items)
        except BaseException as error:  # noqa: BLE001 -- the parent is told, whatever it is
            self._run.error = f"{type(error).__name__}: {error}"
        finally:
            with contextlib.suppress(OSError), os.fdopen(writable, "w") as pipe:
                json.dump(asdict(self._run), pipe)
            os._exit(0)

    def _run_tests(self, items: list[pytest.Item]) -> None:
        """Those whose worth is not proved yet, then the others until one notices; of a test's cases one is enough."""
        proved: list[pytest.Item] = []
        unproved: list[pytest.Item] = []
        for item in items:
            (unproved if self._mutant is None or self._is_unproved(item) else proved).append(item)
        tests = [*unproved, *proved]
        for place, (item, following) in enumerate(zip(tests, [*tests[1:], None], strict=True)):
            killed = self._run.ended("killed")
            if place >= len(unproved) and killed:
                return
            if self._mutant is not None and name_of(item) in killed:
                continue
            # Some were left out since the last one, which knew another to be the next.
            item.session._setupstate.teardown_exact(item)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)

    def _is_unproved(self, item: pytest.Item) -> bool:
        rules = rules_of(item) & set(self._mutant.rules if self._mutant else ())
        return any((name_of(item), rule) in self._unproved for rule in rules)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Classify how a test ended, in the child."""
        report = yield
        outcome, accident = _outcome(item, call, report, self._mutant)
        self._run.record(name_of(item), outcome, accident)
        return report


def rules_of(item: pytest.Item) -> set[str]:
    """The rules that a test is tied to."""
    return {rule for marker in item.iter_markers("rule") for rule in marker.args}


def left_out(item: pytest.Item) -> set[str]:
    """The markers because of which a test does not face every mutant."""
    return {name for name in LEFT_OUT if item.get_closest_marker(name)}


def name_of(item: pytest.Item) -> str:
    """One name for all cases of a test, also when a suite is inherited by the tests of two stores."""
    function = getattr(item, "function", None)
    if function is not None and function.__module__.partition(".")[0] in ("tests", "incrsim"):
        defined_in = function.__module__.replace(".", "/") + ".py::"
        if not item.nodeid.startswith(defined_in):
            return f"{function.__module__}::{function.__qualname__.replace('.', '::')}"
    return item.nodeid.partition("[")[0]


def _facing(items: Iterable[pytest.Item], mutant: Mutant) -> list[pytest.Item]:
    return [item for item in items if rules_of(item) & set(mutant.rules) and left_out(item) <= mutant.also]


def _outcome(
    item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport, mutant: Mutant | None
) -> tuple[Outcome, str]:
    if call.excinfo is None or report.outcome == "passed":
        return "passed", ""
    if report.outcome == "skipped":
        return "skipped", ""
    error = call.excinfo.value
    accepted = mutant.raises if mutant else ()
    in_time = not (left_out(item) and str(error).startswith("Timeout ("))
    if report.when == "call" and in_time and all(_noticed(each, accepted) for each in _flat(error)):
        return "killed", "" if mutant else _brief(error)
    return "broke", f"in its {report.when}: {_brief(error)}"


def _brief(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def _flat(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _flat(each)
    else:
        yield error


def _noticed(error: BaseException, accepted: tuple[type[Exception], ...]) -> bool:
    """Whether a test ended as a test that notices something does, and not by an accident of broken code."""
    from hypothesis.errors import Flaky

    if isinstance(error, ImportError):
        return False
    return isinstance(error, (AssertionError, pytest.fail.Exception, IncrsimError, Flaky, *accepted))


@dataclass(frozen=True, slots=True)
class _Fork:
    """A child that tells how its tests ended.

    Args:
        child: its process.
        readable: where it tells.
    """

    child: int
    readable: int

    def run(self) -> Run:
        """Wait for it."""
        try:
            answer = self._read_all()
        finally:
            os.close(self.readable)
            _, status = os.waitpid(self.child, 0)
        if not answer:
            return Run(error=f"its process ended with {os.waitstatus_to_exitcode(status)} and told nothing")
        return Run(**json.loads(answer))

    def _read_all(self) -> bytes:
        chunks: list[bytes] = []
        while True:
            ready, _, _ = select.select([self.readable], [], [], _SECONDS_PER_RUN)
            if not ready:
                os.kill(self.child, signal.SIGKILL)
                return b""
            chunk = os.read(self.readable, 65536)
            if not chunk:
                return b"".join(chunks)
            chunks.append(chunk)
