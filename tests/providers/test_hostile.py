"""Every sin of the hostile provider, and what the contract says that follows from it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

import incrsim
from incrsim import events
from incrsim.clock import VirtualClock
from incrsim.host import ThreadHost
from incrsim.ingestion import Ingestion, Status
from incrsim.store.memory import MemoryStore
from providers.hostile import SINS, Hostile

OPTIONS: dict[str, Any] = {"reject_empty_source_collections": True, "reject_removals_above_percentage": 25}
IMPATIENT = OPTIONS | {"page_timeout": "0.02s"}
TRIES = 12
"""Ticks after which a sin is taken to have no end: more than a list of waits is long."""


@dataclass(frozen=True, slots=True)
class Follows:
    """What follows from a sin.

    Args:
        ending: the outcome of its ingestion, or the status that it stays in while the sin goes on.
        error: the class of the last error, without its module.
        problem: what the problem that is recorded begins with.
        escapes: what comes out of the tick itself, as from Ctrl-C; then the lease expires.
        stuck: whether a thread is given up, and no burst begins until it ends (C-16).
    """

    ending: str
    error: str | None = None
    problem: str | None = None
    escapes: type[BaseException] | None = None
    stuck: bool = False


def retried(error: str) -> Follows:
    """Retried as the list of waits says, then the ingestion is canceled (C-17)."""
    return Follows("canceled", error)


def escaped(error: type[BaseException]) -> Follows:
    """No failure of the provider's: somebody wants this program to end, and another replica goes on (C-10)."""
    return Follows("bursting", escapes=error)


CONSEQUENCES: dict[str, Follows] = {
    # errors: what follows is read off their class (C-17)
    "raises": retried("ValueError"),
    "raises-fatal": Follows("canceled", "FatalError"),
    "raises-fenced": retried("ProviderError"),  # not the engine's own, so nobody was overtaken
    "raises-timeout": retried("TimeoutError"),
    "raises-what-no-text-holds": retried("ValueError"),
    "raises-the-unspeakable": retried("Unspeakable"),
    "raises-stop-iteration": retried("RuntimeError"),
    "raises-cancelled": retried("ProviderError"),
    "raises-recursion": retried("RecursionError"),
    "raises-memory": retried("MemoryError"),
    "raises-keyboard-interrupt": escaped(KeyboardInterrupt),
    "raises-system-exit": retried("ProviderError"),
    "raises-generator-exit": retried("ProviderError"),
    "cursor-expired": Follows("canceled", "CursorExpired"),
    "rate-limited-for-centuries": Follows("interstitial", "RateLimited"),
    "rate-limited-in-the-past": Follows("interstitial", "RateLimited"),
    # no page (C-3)
    "returns-nothing": retried("InvalidPage"),
    "returns-a-list": retried("InvalidPage"),
    "returns-unknown-keys": retried("InvalidPage"),
    "done-is-a-word": retried("InvalidPage"),
    "entities-is-a-number": retried("InvalidPage"),
    "entities-is-one-mapping": retried("InvalidPage"),
    "entities-raise-midway": retried("LookupError"),
    "problems-is-text": retried("InvalidPage"),
    "problem-cannot-be-told": retried("LookupError"),
    "problem-without-ref": Follows("refused", problem="a part is missing"),  # C-7
    # no cursor (C-3, C-4), or one that leads nowhere (C-5)
    "cursor-missing": retried("InvalidPage"),
    "cursor-loop": Follows("canceled", "CursorRepeated"),
    "cursor-is-an-object": retried("InvalidCursor"),
    "cursor-is-a-tuple": retried("InvalidCursor"),
    "cursor-is-nan": retried("InvalidCursor"),
    "cursor-is-huge": retried("InvalidCursor"),
    "cursor-has-integer-keys": retried("InvalidCursor"),
    "cursor-has-a-lone-surrogate": retried("InvalidCursor"),
    "cursor-holds-itself": retried("InvalidCursor"),
    # repetitions are fine (C-8), and what was committed stays as it was
    "repeated-page": Follows("swept"),
    "duplicate-in-page": Follows("swept"),
    "mutates-the-page-before": Follows("swept"),
    # entities that break a rule are quarantined; without a readable ref nothing is removed (C-7)
    "invalid-name": Follows("swept", problem="'a b/../c' is not valid"),
    "name-is-a-number": Follows("refused", problem="7 is not valid"),
    "no-name": Follows("refused", problem="is missing"),
    "not-an-entity": Follows("failed", "TooManyInvalid", problem="unknown field"),
    "entity-raises-when-read": retried("LookupError"),
    "entity-with-nul": Follows("swept", problem="'\\x00' holds NUL"),
    "entity-with-lone-surrogate": Follows("swept", problem="holds a lone surrogate"),
    "entity-with-nan": Follows("swept", problem="is nan"),
    "entity-of-ten-megabytes": Follows("swept"),
    "entity-holds-itself": Follows("swept", problem="is nested deeper than 200 levels"),
    "location-key-is-a-number": retried("InvalidPage"),
    # what another provider owns stays with it (C-9)
    "claims-what-another-owns": Follows("swept", problem="component:default/victim is owned by the provider 'victims'"),
    "says-that-another-owns-it": Follows("swept"),
    "renames-itself": Follows(
        "swept"
    ),  # C-1: what has begun ends under the old name; it is served no more under the new
    # lies, which only guards stop (C-22, C-23)
    "empty-success": Follows("refused"),
    "truncated-and-done": Follows("refused"),
    # what never comes back is given up (C-16)
    "hangs": Follows("backing off", "PageTimeout", stuck=True),
    "around-hangs": Follows("backing off", "PageTimeout", stuck=True),
    "around-hangs-at-the-end": Follows("backing off", "PageTimeout", stuck=True),
    "async-hangs": retried("PageTimeout"),
    "async-will-not-be-cancelled": retried("PageTimeout"),  # it answers in the end, and too late is too late
    "slow": Follows("swept"),
    "leaves-a-thread": Follows("swept"),
    "async-leaves-a-task": Follows("swept"),
    # coroutines and contexts (C-2); where only the leaving fails, the done page is committed, and the sweep goes on
    "async-raises": retried("ValueError"),
    "async-cancels-itself": retried("ProviderError"),
    "async-stops-the-loop": retried("RuntimeError"),
    "enter-raises": retried("LookupError"),
    "leave-raises": Follows("swept", "LookupError"),
    "around-yields-nothing": retried("RuntimeError"),
    "around-yields-twice": Follows("swept", "RuntimeError"),
    "around-is-no-manager": retried("InvalidProvider"),
    "async-around-raises": retried("LookupError"),
    "callback-never-calls": retried("BurstShapeError"),
    "callback-never-awaits": retried("BurstShapeError"),
    "callback-calls-twice": Follows("swept", "BurstShapeError"),
    "callback-calls-twice-at-once": retried("BurstShapeError"),
    "callback-goes-on-without": retried("BurstShapeError"),
    "callback-is-no-coroutine": retried("BurstShapeError"),
}


class Victims(incrsim.IncrementalEntityProvider):
    name = "victims"

    def next(self, context: object, cursor: object = None) -> incrsim.Page:
        return incrsim.Page([incrsim.component("victim", provider=self)], done=True)


class Scene:
    """A hostile provider beside a good one, both loaded, on real threads and a virtual clock."""

    def __init__(self) -> None:
        self.others = set(threading.enumerate())
        self.clock = VirtualClock()
        self.app = incrsim.App(MemoryStore(self.clock), clock=self.clock, host=ThreadHost(), holder="replica")
        self.hostile = Hostile(seconds=0)
        self.app.add(Victims())
        self.app.add(self.hostile, **OPTIONS)
        self.app.run_cycle("victims")
        self.app.run_cycle("hostile")
        self.stuck = False

    def held(self) -> dict[str, dict[str, Any]]:
        """The catalog."""
        return {each.ref: each.body for each in self.app.catalog.entities()}

    def suffer(self) -> Ingestion:
        """Let the next ingestion come to its end, or as far as it comes."""
        number = self.app.state("hostile").ingestion.number + 1
        self.clock.advance(timedelta(days=1))
        for _ in range(TRIES):
            last = self.app.tick("hostile")
            now = self.app.state("hostile").ingestion
            self.stuck = isinstance(last, events.Waiting) and last.reason == "stuck"
            if self.stuck or now.number > number or now.status is Status.RESTING:
                break
            self.clock.advance_to(now.due_at or self.clock.now())
            if isinstance(last, events.Waiting):
                self.clock.advance_to(last.until)
        return self.ingestion(number)

    def ingestion(self, number: int) -> Ingestion:
        """An ingestion, over or not."""
        every = [self.app.state("hostile").ingestion, *self.app.store.history("hostile")]
        return next(each for each in every if each.number == number)

    def repent(self) -> incrsim.CycleReport:
        """Let go of everything, be good again, and run until nothing is left of the sin's ingestion."""
        self.hostile.sin = ""
        self.hostile.name = "hostile"
        self.hostile.free.set()
        for thread in set(threading.enumerate()) - self.others:
            if thread.name.startswith(("incrsim burst", "hostile")):
                thread.join(10)
        self.app.add(self.hostile, replace=True, **OPTIONS)
        self.app.run_cycle("hostile")
        return self.app.run_cycle("hostile")


@pytest.fixture
def scene(caplog: pytest.LogCaptureFixture) -> Iterator[Scene]:
    """A fresh one, with nobody left hanging; failures are not logged, for a megabyte of them takes its time."""
    caplog.set_level(logging.CRITICAL, "incrsim")
    made = Scene()
    with made.app:
        yield made
    made.hostile.free.set()


@pytest.mark.parametrize("sin", SINS)
def test_the_engine_survives(scene: Scene, sin: str) -> None:
    """What the contract says follows from each sin; nothing in the catalog is lost; and then all goes on as before."""
    follows, before = CONSEQUENCES[sin], scene.held()
    scene.hostile.sin = sin
    scene.app.add(scene.hostile, replace=True, **(IMPATIENT if "hang" in sin or "cancelled" in sin else OPTIONS))
    if follows.escapes:
        number = scene.app.state("hostile").ingestion.number + 1
        with pytest.raises(follows.escapes):
            scene.suffer()
        ingestion = scene.ingestion(number)
    else:
        ingestion = scene.suffer()
    assert (ingestion.outcome or ingestion.status) == follows.ending
    error = ingestion.last_error and ingestion.last_error.error.rpartition(".")[2]
    assert (error, scene.stuck) == (follows.error, follows.stuck)
    messages = [each.message for each in scene.app.store.problems("hostile")]
    assert bool(messages) == (follows.problem is not None)
    assert all(each.startswith(follows.problem or "") for each in messages)
    changed = {ref for ref, body in before.items() if scene.held().get(ref) != body}
    assert changed == ({"component:default/c"} if sin == "duplicate-in-page" else set())
    assert scene.repent().verdict == "swept"
    assert scene.held() == before


def test_every_sin_has_its_consequence() -> None:
    """No sin is forgotten above, and none stands there that is gone."""
    assert sorted(CONSEQUENCES) == sorted(SINS)
    assert len(set(SINS)) == len(SINS)


def test_unknown_sins_are_refused() -> None:
    """A sin that is misspelt is an error with those that there are."""
    with pytest.raises(ValueError, match=r"no such sin as 'cursor-lop'; write one of raises, "):
        Hostile("cursor-lop")
