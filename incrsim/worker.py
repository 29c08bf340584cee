"""A replica: many providers, each served when it is due, any number of replicas on one store (C-38)."""

from __future__ import annotations

import itertools
import logging
import math
import threading
from functools import partial

from incrsim import events
from incrsim.clock import Clock
from incrsim.errors import AllSlotsStuck, CallerError, StoreError, UnknownProvider
from incrsim.host import Host
from incrsim.logs import about
from incrsim.roster import LOOK_AGAIN, Roster, pause
from incrsim.sinks.courier import Courier
from incrsim.stopping import Stop
from incrsim.store import Store
from incrsim.store.operating import Announcement

log = logging.getLogger("incrsim.worker")

ANNOUNCE_INTERVAL = 15.0
"""Seconds after which a replica says again which providers it serves: a quarter of `SERVED_FOR`."""


class Agenda:
    """When to look at which provider. One that was taken is nobody else's until it is put back.

    Args:
        clock: its monotonic time counts.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at: dict[str, tuple[float, int]] = {}
        self._turns = itertools.count()
        self._taken: set[str] = set()
        self._hurried: set[str] = set()
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """How many are taken now."""
        return len(self._taken)

    def take(self) -> str | None:
        """The one that has been due for longest, if any is."""
        with self._lock:
            name = min(self._waiting(), key=self._at.__getitem__, default=None)
            if name is None or self._at[name] > self._now():
                return None
            self._taken.add(name)
            return name

    def put(self, name: str, seconds: float) -> None:
        """Look at a provider in so many seconds: a new one, or one that was taken; now, if news came meanwhile, which
        whoever took it may have looked too early to see.
        """
        with self._lock:
            self._taken.discard(name)
            self._at[name] = self._now(0.0 if name in self._hurried else seconds)
            self._hurried.discard(name)

    def hurry(self, name: str) -> None:
        """Look at a provider now, or once it is put back; one that has waited for longer keeps its turn."""
        with self._lock:
            if name in self._taken:
                self._hurried.add(name)
            now = self._now()
            self._at[name] = min(self._at.get(name, now), now)

    def drop(self, name: str) -> None:
        """Look at a provider no more."""
        with self._lock:
            self._taken.discard(name)
            self._hurried.discard(name)
            self._at.pop(name, None)

    def pause(self) -> float:
        """Seconds until the next look is due."""
        with self._lock:
            return min((self._at[name][0] for name in self._waiting()), default=math.inf) - self._clock.monotonic()

    def _now(self, seconds: float = 0.0) -> tuple[float, int]:
        """An instant from now; of two that are the same, the one that was asked for first is earlier."""
        return self._clock.monotonic() + seconds, next(self._turns)

    def _waiting(self) -> list[str]:
        return [name for name in self._at if name not in self._taken]


class Worker:
    """Serves providers until it is stopped.

    Args:
        roster: the providers; they may come and go meanwhile.
        store: where they are kept; it may go away and come back meanwhile.
        courier: delivers to sinks, beside the bursts.
        clock: for waits.
        host: where providers' code, and bursts, run.
        holder: the name of this replica.
        concurrency: how many bursts may run at once.

    Raises:
        CallerError: when that is none.
    """

    def __init__(
        self,
        roster: Roster,
        store: Store,
        courier: Courier,
        *,
        clock: Clock,
        host: Host,
        holder: str,
        concurrency: int,
    ) -> None:
        if concurrency < 1:
            raise CallerError(f"concurrency={concurrency}: nothing would ever run; write 1 or more")
        self._roster = roster
        self._store = store
        self._courier = courier
        self._clock = clock
        self._host = host
        self._holder = holder
        self._concurrency = concurrency
        self._agenda = Agenda(clock)
        self._stop = Stop()
        self._failure: BaseException | None = None
        self._announced: list[Announcement] = []
        self._announce_at = -math.inf
        self._delivering = False

    def run(self, stop: Stop) -> None:
        """Serve until `stop`; then let running bursts end at their next page, and give leases and names back.

        Raises:
            AllSlotsStuck: when nothing can be run here any more (C-16).
        """
        self._stop = stop
        with self._store.listen(self._hear), self._roster.watched(self._hear):
            self._hear(None)
            try:
                self._serve()
            except Exception:
                stop.ask()
                self._finish()
                raise
            self._finish()

    def _serve(self) -> None:
        while True:
            self._stop.wake.clear()
            if self._stop.asked:
                return
            self._clock.wait(self._round(), self._stop.wake)

    def _finish(self) -> None:
        while self._agenda.taken or self._delivering:
            self._stop.wake.wait(LOOK_AGAIN)
            self._stop.wake.clear()
        try:
            self._store.announce(self._holder, [])
        except StoreError as error:
            log.warning("%s; that this replica serves no longer is noticed in a minute", error)

    def _round(self) -> float:
        """Begin what is due and has a slot; returns for how long there is nothing else to do, in seconds."""
        if self._failure is not None:
            raise self._failure
        try:
            self._announce()
            self._begin_due()
            self._deliver()
        except StoreError as error:
            log.warning("%s; looking again in %g s", error, LOOK_AGAIN)
            return LOOK_AGAIN
        due = math.inf if self._free_slots() <= 0 else self._agenda.pause()
        deliver = LOOK_AGAIN if self._courier.attached else math.inf
        return min(due, deliver, self._announce_at - self._clock.monotonic())

    def _announce(self) -> None:
        served = self._roster.announcements(self._host)
        if served == self._announced and self._clock.monotonic() < self._announce_at:
            return
        self._store.announce(self._holder, served)
        self._announced, self._announce_at = served, self._clock.monotonic() + ANNOUNCE_INTERVAL

    def _deliver(self) -> None:
        """Let sinks have what waits for them, beside the bursts; a page does so for its own provider before it is
        read.
        """
        if self._courier.attached and not self._delivering:
            self._delivering = True
            self._host.work("incrsim delivery", self._deliver_or_log)

    def _deliver_or_log(self) -> None:
        more = False
        try:
            more = self._courier.deliver(seconds=LOOK_AGAIN).more
        except StoreError as error:
            log.warning("sinks: %s; looking again in %g s", error, LOOK_AGAIN)
        finally:
            self._delivering = False
        if more or self._stop.asked:
            self._stop.wake.set()

    def _begin_due(self) -> None:
        while self._goes_on() and self._free_slots() > 0 and (name := self._agenda.take()) is not None:
            wait = LOOK_AGAIN
            try:
                wait = self._wait_for(name)
            finally:
                if wait > 0:
                    self._agenda.put(name, wait)
            if wait <= 0:
                self._host.work(f"incrsim tick of {name}", partial(self._tick, name))

    def _goes_on(self) -> bool:
        return not self._stop.asked and self._failure is None

    def _wait_for(self, name: str) -> float:
        """Seconds until a provider may be claimed. Read without a lock: a claim would wait for whoever has the row."""
        return LOOK_AGAIN if self._host.is_stuck(name) else pause(self._store.state(name))

    def _free_slots(self) -> int:
        stuck = self._host.stuck()
        if len(stuck) >= self._concurrency:
            raise AllSlotsStuck(
                f"all {self._concurrency} slots of this worker are held by calls that did not return within their "
                f"page_timeout ({', '.join(stuck)}): nothing more can be run here; start the process again, "
                "and give the providers' clients timeouts of their own"
            )
        return self._concurrency - len(stuck) - self._agenda.taken

    def _tick(self, name: str) -> None:
        """One tick, on a thread of its own."""
        wait = 0.0
        try:
            last = self._roster.tick(name, self._stop)
            if isinstance(last, events.Waiting) and last.reason in ("held", "stuck"):
                wait = LOOK_AGAIN  # somebody was faster, or has the row without a lease
        except StoreError as error:
            log.warning("%s: %s; looking again in %g s", name, error, LOOK_AGAIN, extra=about(name))
            wait = LOOK_AGAIN
        except UnknownProvider:
            self._forget(name)
            return
        except BaseException as error:  # noqa: BLE001  # a subscriber failed: whoever called `run` hears of it
            self._failure = error
        self._agenda.put(name, wait)
        self._stop.wake.set()

    def _forget(self, name: str) -> None:
        """A provider was removed; should it have come back in this moment, it is looked at."""
        self._agenda.drop(name)
        self._hear(name)

    def _hear(self, name: str | None) -> None:
        """Something happened to a provider, or may have happened to all of them."""
        for each in self._roster.names():
            if name in (None, each):
                self._agenda.hurry(each)
        self._stop.wake.set()
