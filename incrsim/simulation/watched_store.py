"""A replica's store, or an operator's: what goes wrong with it, and who hears of each step."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeAlias, cast

from incrsim.clock import VirtualClock
from incrsim.errors import StoreError, StoreUnavailable
from incrsim.simulation.crash import INSIDE, STORE_STEPS, Crash, Moment, go_wrong, stop_inside
from incrsim.simulation.dice import Dice
from incrsim.simulation.faults import STEP_MOMENTS, STORE_DOWN, STORE_SLOW, SWEEP_FAILS, of_step
from incrsim.simulation.observation import OPERATOR, Observer, Outcome, StepCall
from incrsim.simulation.violation import halting
from incrsim.store import Store
from incrsim.store.contract import Lease

DOWN_FOR = tuple(timedelta(seconds=seconds) for seconds in (0.5, 3, 20, 100))
"""How long a store may be down: for less than a replica waits before it looks again, and for longer than a lease."""

SLOW_FOR = tuple(timedelta(seconds=seconds) for seconds in (0.05, 1, 10, 120))
"""How long a step may wait for its store, likewise."""

_NEVER_DOWN = frozenset({"close", "describe", "listen"})
_METHODS = frozenset(name for name in dir(Store) if not name.startswith("_"))

_Method: TypeAlias = Callable[..., Any]


class AnswerLost(StoreUnavailable):
    """The connection broke while a step was committed: whoever asked cannot know whether it was."""


class SweepFailed(StoreError):  # noqa: N818 -- named for what happens, as those in `errors`
    """The store can be reached, and cannot carry out the sweep: say, it has no room for what that has to sort."""


class StoreTroubles:
    """What all processes of a run suffer together.

    Args:
        dice: of the run.
        clock: of the run.

    Attributes:
        down_until: the instant at which the store can be reached again; `None` when it can.
    """

    def __init__(self, dice: Dice, clock: VirtualClock) -> None:
        self.down_until: datetime | None = None
        self._dice = dice
        self._clock = clock
        self._kinds = dice.together((STORE_SLOW, STORE_DOWN))

    def before_a_step(self) -> None:
        """Whoever asks for a step waits for the store, and finds it down when the dice have it so."""
        for kind in self._kinds.struck():
            if kind == STORE_SLOW:
                self._clock.advance(SLOW_FOR[self._dice.choose(kind, len(SLOW_FOR))])
            elif self.down_until is not None:
                self._dice.missed(kind)
            else:
                self.down_until = self._clock.now() + DOWN_FOR[self._dice.choose(kind, len(DOWN_FOR))]

    def check(self) -> None:
        """Fail as long as the store is down.

        Raises:
            StoreUnavailable: when it is.
        """
        if self.down_until is None:
            return
        if self._clock.now() < self.down_until:
            raise StoreUnavailable("no connection to the store (simulated)")
        self.down_until = None


def watched_store(
    store: Store, dice: Dice, observer: Observer, clock: VirtualClock, replica: int, troubles: StoreTroubles
) -> Store:
    """The store as one replica has it: the steps of `STORE_STEPS` are told to the observer and may go wrong.

    What a replica reads is not told: an observer reads for itself, from the store as it is.

    Args:
        store: the store as it is.
        dice: of the run.
        observer: hears of each step before and after it.
        clock: of the run; the store's time.
        replica: whose store it is, or `OPERATOR`.
        troubles: of the run, shared by all its replicas.
    """
    return cast(Store, _WatchedStore(store, dice, observer, clock, replica, troubles))


class _WatchedStore:
    """Each of its methods is made when it is first asked for, and kept: a replica that dies young has asked for few.
    What cannot go wrong in this run costs nothing.
    """

    def __init__(
        self, store: Store, dice: Dice, observer: Observer, clock: VirtualClock, replica: int, troubles: StoreTroubles
    ) -> None:
        self._store = store
        self._dice = dice
        self._observer = observer
        self._clock = clock
        self._replica = replica
        self._troubles = troubles
        self._died_with: Lease | None = None
        """The lease that a process held when it died: what Python still runs of that process does nothing with it."""

    def __getattr__(self, name: str) -> _Method:
        if name not in _METHODS:
            raise AttributeError(f"{type(self._store).__name__} is watched as a store, and stores have no {name!r}")
        method = self._watched(name, getattr(self._store, name))
        setattr(self, name, method)
        return method

    def _watched(self, name: str, method: _Method) -> _Method:
        if name in STORE_STEPS:
            return self._observed(self._reachable(self._mortal(name, method)), name)
        return method if name in _NEVER_DOWN else self._reachable(method)

    def _observed(self, method: _Method, name: str) -> _Method:
        # Outside of the engine nobody takes a violation for anything else.
        heard = halting if self._replica != OPERATOR else _as_it_is
        asks, answered, replica = heard(self._observer.asks), heard(self._observer.answered), self._replica
        troubles = self._troubles

        def step(*arguments: Any) -> Any:
            first = arguments[0]
            if first is self._died_with:
                raise Crash(name)
            call = StepCall(first if type(first) is str else first.provider, replica, name, arguments)
            asks(call)
            try:
                result = method(*arguments)
            except Exception as error:
                answered(call, _outcome(error, troubles), error)
                raise
            except Crash:
                if isinstance(first, Lease):
                    self._died_with = first
                answered(call, Outcome.DIED, None)
                raise
            answered(call, Outcome.DONE, result)
            return result

        if not (self._dice.plans(STORE_SLOW) or self._dice.plans(STORE_DOWN)):
            return step
        before_a_step = self._troubles.before_a_step

        # Outside of what is told: an observer that looks at the clock sees the instant at which the step is taken.
        def after_what_befalls_all(*arguments: Any) -> Any:
            before_a_step()
            return step(*arguments)

        return after_what_befalls_all

    def _reachable(self, method: _Method) -> _Method:
        if not self._dice.plans(STORE_DOWN):
            return method
        check = self._troubles.check

        def reach(*arguments: Any, **named: Any) -> Any:
            check()
            return method(*arguments, **named)

        return reach

    def _mortal(self, name: str, method: _Method) -> _Method:
        """The step, in which the process may die or lose its connection, or a sweep fail."""
        moments = {of_step(moment, name): moment for moment in STEP_MOMENTS}
        troubles = self._dice.together((*moments, SWEEP_FAILS) if name == "commit_sweep" else moments)
        if not troubles.kinds:
            return method

        def step(*arguments: Any) -> Any:
            kind = troubles.first()
            if kind is None:
                return method(*arguments)
            moment = moments.get(kind)
            call = partial(method, *arguments)
            if moment is Moment.DIES_INSIDE:
                call = partial(stop_inside, self._store, call, Crash(INSIDE))
            elif moment is None:
                call = partial(stop_inside, self._store, call, SweepFailed(f"{name}: no room left (simulated)"))
            try:
                return go_wrong(moment, name, call, AnswerLost)
            except (Crash, AnswerLost, SweepFailed):
                raise
            except Exception:
                self._dice.missed(kind)  # the store refused it before anything could go wrong
                raise

        return step


def _as_it_is(tell: Callable[..., None]) -> Callable[..., None]:
    return tell


def _outcome(error: Exception, troubles: StoreTroubles) -> Outcome:
    if isinstance(error, AnswerLost):
        return Outcome.LOST
    # An error that nobody has planned is the store's own doing.
    down = isinstance(error, StoreUnavailable) and troubles.down_until is not None
    planned = down or isinstance(error, SweepFailed)
    return Outcome.FAILED if planned else Outcome.REFUSED
