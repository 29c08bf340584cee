"""A history of the exhaustive model in words: how a rule came to be broken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from incrsim.durations import format_duration
from incrsim.simulation.exhaustive.model import Call
from incrsim.simulation.exhaustive.rules import Breach
from incrsim.simulation.exhaustive.source import NAME
from incrsim.simulation.exhaustive.states import CALL, State, States
from incrsim.simulation.violation import Finding

Places: TypeAlias = tuple[int, int]
"""How A and B stand, as numbers."""


class Transition(NamedTuple):
    """One transition.

    Args:
        words: what happens.
        places: how the replicas stand afterwards.
        state: what it leads to.
        breaches: what must not be.
    """

    words: str
    places: Places
    state: State
    breaches: tuple[Breach, ...] = ()


def broken_after(states: States, parents: Mapping[State, State], state: State) -> tuple[Finding, ...]:
    """What is broken by a step that may be taken in this state, with a shortest history that leads there."""
    _, places = _history(states, parents, state)
    for step in transitions(states, state, places):
        if step.breaches:
            return told(step.breaches, states, parents, state, step.words)
    return ()


def told(
    breaches: Sequence[Breach], states: States, parents: Mapping[State, State], state: State, *last: str
) -> tuple[Finding, ...]:
    """Breaches with the history that leads to them.

    Args:
        breaches: what is broken.
        states: all of them.
        parents: by which way each was met.
        state: where it is broken.
        last: what happens then.
    """
    lines, _ = _history(states, parents, state)
    path = tuple(f"{number}. {line}" for number, line in enumerate([*lines, *last], 1))
    return tuple(Finding(each.rule, NAME, len(path), each.expected, each.found, path) for each in breaches)


def transitions(states: States, state: State, places: Places) -> Iterator[Transition]:
    """The same as `States.after`, in words, and with each replica in its own place.

    Args:
        states: all of them.
        state: where they begin.
        places: how the replicas stand there, A first.
    """
    world, *_, spent = states.parts(state)
    calls, failures = spent // CALL, spent % CALL
    for at, name in enumerate("AB"):
        for move in states.model.moves(world, states.replicas[places[at]]):
            wrong = move.wrong is not None
            if failures + wrong <= states.limits.failures:
                pair = list(_after(states, places, overtakes=move.overtakes))
                pair[at] = states.number(move.replica)
                there = states.state(move.world, pair[0], pair[1], spent + wrong)
                yield Transition(f"{name} {move.words}", (pair[0], pair[1]), there, move.breaches)
    if calls < states.limits.calls:
        yield from (_called(states, call, places, spent + CALL) for call in states.model.calls_from_outside(world))
    if states.model.is_paused(world):
        yield from (_called(states, call, places, spent) for call in states.model.resumes(world))
    replicas = [states.replicas[each] for each in places]
    if wait := states.model.wait(world, *(each.left for each in replicas)):
        one, other = (states.number(each.later(wait)) for each in replicas)
        there = states.state(states.model.later(world, wait), one, other, spent)
        yield Transition(f"{format_duration(wait)} later", (one, other), there)


def _called(states: States, call: Call, places: Places, spent: int) -> Transition:
    pair = _after(states, places, overtakes=call.overtakes)
    words = "the source changes" if call.step is None else f"somebody {call.step}: {call.heard}"
    return Transition(words, pair, states.state(call.world, *pair, spent), call.breaches)


def _after(states: States, places: Places, *, overtakes: bool) -> Places:
    one, other = places
    return (states.overtaken[one], states.overtaken[other]) if overtakes else places


def _history(states: States, parents: Mapping[State, State], state: State) -> tuple[list[str], Places]:
    path = [state]
    while path[-1] != states.first:
        path.append(parents[path[-1]])
    lines: list[str] = []
    _, one, other, _ = states.parts(states.first)
    places = one, other
    for here, there in pairwise(reversed(path)):
        step = next(each for each in transitions(states, here, places) if each.state == there)
        lines.append(step.words)
        places = step.places
    return lines, places
