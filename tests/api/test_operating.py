"""Our routes beside upstream's."""

from __future__ import annotations

import pytest

from incrsim import ProviderError
from incrsim.api.routes import PREFIX
from tests.api.world import NAME, ONE, World


@pytest.fixture
def refused(here: World) -> World:
    """A world whose second sweep was refused, since two of three entities vanished."""
    here.app.run_cycle(NAME)
    here.source.pages = [["a"]]
    here.app.run_cycle(NAME)
    return here


def test_status_in_full(rested: World) -> None:
    """`status` shows what the SDK shows, of one provider or of all."""
    status = rested.app.operators.status(NAME).to_dict()
    assert rested.call("GET", f"{ONE}/status") == status
    assert rested.call("GET", f"{PREFIX}/status") == {"items": [status], "next": None}


def test_history_is_paged(refused: World) -> None:
    """`history` lists complete ingestions, the latest first."""
    refused.call("POST", f"{ONE}/trigger")
    page = refused.call("GET", f"{ONE}/history?limit=1")
    assert [each["outcome"] for each in page["items"]] == ["refused"]
    assert [each["number"] for each in refused.call("GET", f"{ONE}/history?after={page['next']}")["items"]] == [1]


def test_problems_are_listed(here: World) -> None:
    """`problems` lists what was wrong with entities."""
    here.source.pages = [["a", "not a name"], ["c"]]
    here.app.run_cycle(NAME)
    (problem,) = here.call("GET", f"{ONE}/problems")["items"]
    assert (problem["field"], problem["ref"]) == ("metadata.name", "component:default/not a name")


def test_refused_removal_is_approved(refused: World) -> None:
    """`verdict` has the numbers, `stale` the refs, and `approve` lets them go; another verdict's id is 409."""
    told = refused.call("GET", f"{ONE}/verdict")
    assert (told["refused"], told["approved"]) == (True, False)
    assert told["sentence"].startswith("refused to remove 2 of 3 (66.67 %)")
    first = refused.call("GET", f"{ONE}/stale?limit=1")
    assert first == {"items": ["component:default/b"], "next": "component:default/b"}
    number = told["verdict"]["id"]
    wrong = refused.manager.post(f"{ONE}/approve", params={"verdict": number + 1})
    assert (wrong.status_code, wrong.json()["type"]) == (409, "urn:incrsim:SupersededVerdict")
    done = refused.call("POST", f"{ONE}/approve", params={"verdict": number})
    assert done["details"]["removed"] == 2
    assert refused.call("GET", f"{ONE}/verdict")["approved"] is True
    assert refused.app.catalog.count() == 1


def test_retire_needs_the_right_count(here: World) -> None:
    """`retire` removes everything, if it is as much as the caller thinks."""
    here.app.run_cycle(NAME)
    wrong = here.manager.post(f"{ONE}/retire?expected_count=2")
    assert (wrong.status_code, wrong.json()["type"]) == (409, "urn:incrsim:WrongCount")
    assert here.app.catalog.count() == 3
    assert here.call("POST", f"{ONE}/retire?expected_count=3")["details"]["entities"] == 3
    assert here.app.catalog.count() == 0


def test_pause_and_resume(here: World) -> None:
    """`pause` keeps everything from beginning until `resume`."""
    assert here.call("POST", f"{ONE}/pause")["details"]["paused"] is True
    assert here.call("GET", ONE)["status"]["paused"] is True
    assert type(here.app.tick(NAME)).__name__ == "Waiting"
    assert here.app.catalog.count() == 0
    here.call("POST", f"{ONE}/resume")
    here.app.run_cycle(NAME)
    assert here.app.catalog.count() == 3


def test_plan_shows_and_changes_nothing(here: World) -> None:
    """`plan` says what a cycle would do, the first changes by name, and changes nothing."""
    here.app.run_cycle(NAME)
    here.source.pages = [["a"], ["d"]]
    before = here.snapshot()
    told = here.call("POST", f"{ONE}/plan?limit=1")
    assert (told["added"], told["removed"], told["more"]) == (1, 2, 2)
    assert told["changes"] == [{"sign": "-", "ref": "component:default/b"}]
    assert told["refused_by"] == ["reject_removals_above_percentage"]
    assert here.snapshot() == before
    assert here.manager.post(f"{PREFIX}/providers/nobody/plan").status_code == 404


def test_plan_tells_what_the_source_says(here: World) -> None:
    """A source that fails during a plan is 502, with what it said, whatever that holds; one plan is made at a time."""
    here.source.pages[0] = ValueError("no such team")
    response = here.manager.post(f"{ONE}/plan")
    assert (response.status_code, response.json()["detail"]) == (502, "the provider failed: ValueError: no such team")
    for error in (ValueError("half of \ud83d"), ProviderError("half of \ud83d")):
        here.source.pages[0] = error
        response = here.manager.post(f"{ONE}/plan")
        assert (response.status_code, response.json()["detail"].endswith("half of \\ud83d")) == (502, True)
    answers = []

    def page_during_which_another_asks() -> list[str]:
        answers.append(here.manager.post(f"{ONE}/plan").status_code)
        return ["a"]

    here.source.pages[0] = page_during_which_another_asks
    here.call("POST", f"{ONE}/plan")
    assert answers == [409]


def test_entities_are_searched(rested: World) -> None:
    """`entities` has total, entities and next, as `incrsim entities --json` has; it filters as the catalog does."""
    page = rested.call("GET", f"{PREFIX}/entities?kind=component&limit=2")
    assert (page["total"], page["next"]) == (3, "component:default/b")
    found = rested.call("GET", f"{PREFIX}/entities", params={"after": page["next"], "provider": NAME})
    assert [each["metadata"]["name"] for each in found["entities"]] == ["c"]
    key = "backstage.io/managed-by-location"
    assert rested.call("GET", f"{PREFIX}/entities?annotation={key}=incremental:source&text=B")["total"] == 1
    assert rested.call("GET", f"{PREFIX}/entities?label=tier")["total"] == 0
    for wrong, status in (("label==1", 422), ("label=a&label=a=1", 400)):
        assert rested.manager.get(f"{PREFIX}/entities?{wrong}").status_code == status


def test_one_entity(rested: World) -> None:
    """One entity is found by kind, namespace and name, in any case."""
    found = rested.call("GET", f"{PREFIX}/entities/by-name/Component/default/A")
    assert found == rested.app.catalog.get("component:a")
    assert rested.manager.get(f"{PREFIX}/entities/by-name/component/default/z").status_code == 404


def test_metrics_are_prometheus_text(rested: World) -> None:
    """`/metrics` has the app's metrics in Prometheus' text format."""
    response = rested.manager.get("/metrics")
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "# TYPE" in response.text
