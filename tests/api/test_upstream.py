"""The seed's ten routes: upstream's fields, and what its documentation says that they do (measurements: U5 … U9)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

import incrsim
from incrsim.api.routes import PREFIX
from incrsim.ingestion import Status
from tests.api.world import NAME, ONE, World
from tests.contract.driver import Driver
from tests.unit.fakes import entity


def owned(world: World) -> list[str]:
    """The names of what the provider owns."""
    return [each.body["metadata"]["name"] for each in world.app.catalog.find(NAME).items]


def tick_through(world: World) -> Any:
    """Do what is due now, until nothing is."""
    while world.app.tick(NAME) is not None and world.app.state(NAME).ingestion.status is not Status.RESTING:
        pass
    return world.app.state(NAME).ingestion


def one_page_in(world: World) -> None:
    """A replica has committed one page of the provider, and holds the lease."""
    driver = Driver(world.app.store, world.clock, NAME, holder="another replica")
    driver.begin()
    driver.page(entity("a", NAME))


def test_health(on_both: World) -> None:
    """`health` says whether all is well, and lists what is not, with reasons."""
    assert on_both.call("GET", f"{PREFIX}/health") == {"healthy": True, "duplicateIngestions": [], "unhealthy": []}
    on_both.source.pages[0] = ValueError("the source is down")
    on_both.app.tick(NAME)
    told = on_both.call("GET", f"{PREFIX}/health")
    assert not told["healthy"]
    (unhealthy,) = told["unhealthy"]
    assert unhealthy["provider"] == NAME
    assert unhealthy["reasons"][0]["trouble"] == "failing"
    assert "the source is down" in unhealthy["reasons"][0]["sentence"]


def test_providers(on_both: World) -> None:
    """`providers` lists the names of all providers, a page at a time."""
    for number in range(3):
        on_both.app.store.register(f"p{number}")
    assert on_both.call("GET", f"{PREFIX}/providers") == {
        "success": True,
        "providers": ["p0", "p1", "p2", NAME],
        "next": None,
    }
    first = on_both.call("GET", f"{PREFIX}/providers?limit=3")
    rest = on_both.call("GET", f"{PREFIX}/providers", params={"after": first["next"]})
    assert first["providers"] + rest["providers"] == ["p0", "p1", "p2", NAME]


def test_status_speaks_upstreams_words(on_both: World) -> None:
    """`providers/:provider` says what a provider does in upstream's words, when the next thing happens, and what
    failed.
    """
    assert on_both.call("GET", ONE) == {
        "success": True,
        "status": {
            "current_action": "rest complete, waiting to start",
            "next_action_at": incrsim.plain.instant(on_both.clock.now()),
            "paused": False,
        },
        "last_error": None,
    }
    on_both.source.pages[0], page = ValueError("no"), on_both.source.pages[0]
    on_both.app.tick(NAME)
    told = on_both.call("GET", ONE)
    assert (told["status"]["current_action"], told["last_error"]) == ("backing off", "ValueError: no")
    on_both.source.pages[0] = page
    on_both.call("POST", f"{ONE}/trigger")
    one_page_in(on_both)
    assert on_both.call("GET", ONE)["status"]["current_action"] == "bursting"
    on_both.call("POST", f"{ONE}/start")
    tick_through(on_both)
    told = on_both.call("GET", ONE)
    assert told["status"]["current_action"] == "resting"
    assert told["status"]["next_action_at"] == incrsim.plain.instant(on_both.clock.now() + timedelta(days=1))


@pytest.mark.rule("C-35")
def test_trigger_does_the_next_action_now(on_both: World) -> None:
    """`trigger` ends a rest: the next ingestion begins now; the answer says what was done."""
    tick_through(on_both)
    told = on_both.call("POST", f"{ONE}/trigger")
    assert told["success"] is True
    assert told["message"].startswith(f"{NAME}: the rest of ingestion 1 ends; ingestion 2 is due at ")
    assert tick_through(on_both).number == 2


@pytest.mark.rule("C-35")
def test_start_begins_anew_now(on_both: World) -> None:
    """`start` ends the ingestion in mid-cycle, and the new one removes all that vanished (U9)."""
    tick_through(on_both)
    on_both.source.pages = [["a"], ["c"]]
    on_both.call("POST", f"{ONE}/trigger")
    one_page_in(on_both)
    told = on_both.call("POST", f"{ONE}/start")
    assert told == {"success": True, "message": told["message"]}
    assert "ingestion 2, which was bursting, is over; 1 mark removed; ingestion 3 is due" in told["message"]
    assert tick_through(on_both).number == 3
    assert owned(on_both) == ["a", "c"]


@pytest.mark.rule("C-35")
def test_cancel_starts_again_in_24_hours(on_both: World) -> None:
    """`cancel` ends the ingestion and the next one begins 24 hours later, by itself (U6)."""
    one_page_in(on_both)
    told = on_both.call("POST", f"{ONE}/cancel")
    assert "ingestion 1, which was bursting, is over; 1 mark removed; ingestion 2 is due at" in told["message"]
    status = on_both.call("GET", ONE)["status"]
    due_at = on_both.clock.now() + timedelta(hours=24)
    assert (status["current_action"], status["next_action_at"]) == ("resting", incrsim.plain.instant(due_at))
    assert on_both.app.state(NAME).ingestion.status is Status.SCHEDULED
    on_both.clock.advance_to(due_at)
    assert tick_through(on_both).number == 2


@pytest.mark.rule("C-35")
def test_delete_removes_records_and_keeps_entities(on_both: World) -> None:
    """`DELETE provider` removes its records also while an ingestion is open, keeps its entities, and it starts again in
    24 hours (U7).
    """
    tick_through(on_both)
    on_both.call("POST", f"{ONE}/trigger")
    one_page_in(on_both)
    told = on_both.call("DELETE", ONE)
    assert told.pop("message").startswith(f"{NAME}: 2 ingestions, 1 mark and 0 problems removed; its entities stay")
    assert told == {
        "success": True,
        "provider": NAME,
        "ingestionsDeleted": 2,
        "marksDeleted": 1,
        "markEntitiesDeleted": 0,
    }
    assert owned(on_both) == ["a", "b", "c"]
    assert on_both.app.store.history(NAME) == []
    assert on_both.app.state(NAME).ingestion.due_at == on_both.clock.now() + timedelta(hours=24)


def test_marks_lists_committed_pages(on_both: World) -> None:
    """`marks` lists the current ingestion's committed pages with upstream's fields, a page at a time."""
    tick_through(on_both)
    told = on_both.call("GET", f"{ONE}/marks")
    at = incrsim.plain.instant(on_both.clock.now())
    first = {"id": "1-1", "sequence": 1, "ingestion_id": "1", "cursor": "1", "created_at": at}
    second = {"id": "1-2", "sequence": 2, "ingestion_id": "1", "cursor": None, "created_at": at}
    assert told == {"success": True, "records": [first, second], "next": None}
    one = on_both.call("GET", f"{ONE}/marks?limit=1")
    assert one == {"success": True, "records": [first], "next": 1}
    assert on_both.call("GET", f"{ONE}/marks?after=1")["records"] == [second]


@pytest.mark.rule("C-35")
def test_delete_marks_begins_at_the_first_page(on_both: World) -> None:
    """`DELETE marks` in mid-cycle removes its marks and begins at the first page; what vanished still goes (U8)."""
    tick_through(on_both)
    on_both.source.pages = [["a"], ["c"]]
    on_both.call("POST", f"{ONE}/trigger")
    one_page_in(on_both)
    told = on_both.call("DELETE", f"{ONE}/marks")
    assert told["deletions"] == {"ingestionsDeleted": 0, "marksDeleted": 1, "markEntitiesDeleted": 0}
    assert told["success"] is True
    assert on_both.call("GET", f"{ONE}/marks")["records"] == []
    asked = len(on_both.source.asked)
    assert tick_through(on_both).verdict.census.stale == 1
    assert on_both.source.asked[asked] is None


@pytest.mark.rule("C-35")
def test_cleanup_deletes_the_records_of_all(on_both: World) -> None:
    """`cleanup` does to all providers what `DELETE provider` does to one."""
    tick_through(on_both)
    on_both.app.store.register("another")
    told = on_both.call("POST", f"{PREFIX}/cleanup")
    assert told.pop("message").startswith("2 providers deleted: 2 ingestions, 2 marks and 0 problems removed")
    assert told == {
        "success": True,
        "ingestionsDeleted": 2,
        "marksDeleted": 2,
        "ingestionMarksDeleted": 2,
        "markEntitiesDeleted": 0,
    }
    assert owned(on_both) == ["a", "b", "c"]
    tomorrow = on_both.clock.now() + timedelta(hours=24)
    assert {on_both.app.state(name).ingestion.due_at for name in ("another", NAME)} == {tomorrow}


@pytest.mark.rule("C-35")
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("GET", "/marks"), ("POST", "/trigger"), ("POST", "/start"), ("POST", "/cancel"), ("DELETE", "")],
)
def test_unknown_provider_is_404_with_the_known_names(rested: World, method: str, path: str) -> None:
    """A provider that nobody registered is 404, and the answer lists those that there are."""
    response = rested.manager.request(method, f"{PREFIX}/providers/nobody{path}")
    assert response.status_code == 404
    told = response.json()
    assert told["detail"] == told["message"] == f"no provider is called 'nobody'; known: {NAME}"
    assert (told["success"], told["type"]) == (False, "urn:incrsim:UnknownProvider")
