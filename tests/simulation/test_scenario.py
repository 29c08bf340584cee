"""Scenarios are plain data: drawn from a seed, written, and read again."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

import pytest

from incrsim.errors import CallerError
from incrsim.simulation.dice import Fault
from incrsim.simulation.moment import Moment
from incrsim.simulation.scenario import Change, OperatorCall, Redeploy, Rival, Scenario, SourceSpec, Webhook

if TYPE_CHECKING:
    from pathlib import Path

FULL = Scenario(
    seed=7,
    days=1.5,
    replicas=2,
    source=SourceSpec(entities=30, page_size=7, dialect="offset", seconds=0.25, name='a "name"', namespace="n", seed=3),
    options={"burst_length": "2s", "backoff": ["1m", "1h"], "reject_removals_above_percentage": "1/3"},
    changes=(Change(at=Moment(2, 3, 0.5), verb="remove", percent=12.5),),
    operators=(OperatorCall(at=Moment(3), operator="approve", provider="rival", arguments={"verdict_id": 2}),),
    webhooks=(Webhook(at=Moment(1, 4), removed=2, where="during"),),
    redeploys=(Redeploy(at=Moment(4), replica=1, options={"removal_grace_cycles": 2}),),
    faults=(Fault("hang", rate=0.1), Fault("replica dies", occurrences=(3, 9))),
    rival=Rival(entities=3),
    sink=True,
)


@pytest.mark.parametrize("scenario", [Scenario(), FULL, *(Scenario.draw(seed, "hostile") for seed in range(20))])
def test_written_and_read_it_is_the_same(scenario: Scenario) -> None:
    """JSON and TOML hold a scenario exactly."""
    assert Scenario.from_json(scenario.to_json()) == scenario
    assert Scenario.from_toml(scenario.to_toml()) == scenario


def test_what_is_as_usual_is_not_written() -> None:
    """A scenario of which nothing is said is an empty table."""
    assert Scenario().to_dict() == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", r"^scenario: \[\] is no table"),
        ("{", r"^this is no JSON"),
        ('{"seed": true}', r"^scenario\.seed: True is not a whole number"),
        ('{"days": "ten"}', r"^scenario\.days: 'ten' is not a number"),
        ('{"days": -1}', r"^scenario: Scenario\(days=-1\): it must be 0 or more"),
        ('{"source": {"entitys": 3}}', r"^scenario\.source\.entitys: there is no such thing; there are entities, "),
        ('{"source": {"dialect": "cobol"}}', r"^scenario\.source: .*dialect='cobol'\): it must be one of keyset, "),
        ('{"changes": {}}', r"^scenario\.changes: {} is no list"),
        ('{"changes": [{"verb": "add", "count": 1}]}', r"^scenario\.changes\[0\]\.at is missing"),
        ('{"changes": [{"at": {"cycle": 0}, "verb": "add"}]}', r"^scenario\.changes\[0\]\.at: .* count from 1"),
        ('{"changes": [{"at": {"cycle": 1}, "verb": "eat", "count": 1}]}', r"^scenario\.changes\[0\]: .*verb='eat'"),
        ('{"changes": [{"at": {"cycle": 1}, "verb": "add"}]}', r"give one of them"),
        ('{"operators": [{"at": {"cycle": 1}, "operator": "reboot"}]}', r"^scenario\.operators\[0\]: .*'reboot'"),
        ('{"options": {"burst_lengths": "3s"}}', r"^scenario: unknown option 'burst_lengths'; write burst_length"),
        ('{"options": {"redact": "x"}}', r"redact is a function"),
        ('{"faults": [{"kind": "hang", "rate": 2}]}', r"^scenario\.faults\[0\]: .* a rate is between 0 and 1"),
        ('{"faults": [{"kind": "hang"}, {"kind": "hang"}]}', r"each kind of fault may be there once"),
        ('{"redeploys": [{"at": {"cycle": 1}, "replica": 1}]}', r"replicas are numbered from 0, and there are 1"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, message: str) -> None:
    """An error says where it is and what is wrong there."""
    with pytest.raises(CallerError, match=message):
        Scenario.from_json(text)


def test_files(tmp_path: Path) -> None:
    """A file is read as its name says, and named when it cannot be read."""
    (tmp_path / "one.json").write_text(FULL.to_json())
    (tmp_path / "one.toml").write_text(FULL.to_toml())
    (tmp_path / "bad.toml").write_text("seed = ")
    assert Scenario.read(tmp_path / "one.json") == Scenario.read(tmp_path / "one.toml") == FULL
    for name, message in [
        ("bad.toml", r"bad\.toml: this is no TOML"),
        ("none.json", r"none\.json: .*No such file"),
        ("one.yaml", r"one\.yaml: a scenario is a file that ends in \.json or \.toml"),
    ]:
        with pytest.raises(CallerError, match=message):
            Scenario.read(tmp_path / name)


def test_drawn_from_the_seed_alone() -> None:
    """Equal seeds give equal scenarios, others others; what is wished for changes nothing else."""
    assert Scenario.draw(5, "rough") == Scenario.draw(5, "rough") != Scenario.draw(6, "rough")
    wished = Scenario.draw(5, days=3, replicas=4, options={"max_pages": 9})
    assert (wished.days, wished.replicas, wished.options) == (3, 4, {"max_pages": 9})
    assert wished.source == Scenario.draw(5).source


def test_sizes_are_worth_the_name() -> None:
    """The median scenario has at least 200 entities, ten days and two replicas."""
    drawn = [Scenario.draw(seed) for seed in range(500)]
    assert median(each.source.entities for each in drawn) >= 200
    assert median(each.days for each in drawn) >= 10
    assert median(each.replicas for each in drawn) >= 2
