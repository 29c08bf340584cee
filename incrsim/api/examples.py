"""What routes answer, for readers of the OpenAPI document; by the name of the call."""

from __future__ import annotations

from typing import Any

_AT = "2026-11-26T12:00:00.000000Z"
_GONE = {"ingestions": 3, "marks": 12, "problems": 0, "entities": 250}
_DELETIONS = {"ingestionsDeleted": 3, "marksDeleted": 12, "markEntitiesDeleted": 0}
_ENTITY = {
    "apiVersion": "backstage.io/v1alpha1",
    "kind": "Component",
    "metadata": {"name": "checkout", "annotations": {"@backstage/incremental-entity-provider": "services"}},
    "spec": {"type": "service"},
}
_COUNTS = {
    "returned": 250,
    "valid": 250,
    "added": 1,
    "updated": 4,
    "unchanged": 245,
    "removed": 2,
    "invalid": 0,
    "lost": 0,
    "unreadable": 0,
}
_VERDICT = {
    "id": 7,
    "ingestion": 7,
    "decided_at": _AT,
    "census": {
        "marked": 100,
        "stale": 150,
        "removable": 150,
        "base": 250,
        "valid": 100,
        "unreadable": 0,
        "approved": 0,
    },
    "refused_by": ["reject_removals_above_percentage"],
    "removed": 0,
    "limit_percentage": "5",
    "limit_count": None,
    "largest_batch": 0,
}
_STATUS = {
    "provider": "services",
    "status": "resting",
    "paused": False,
    "next_action": "rest",
    "next_action_at": _AT,
    "ingestion": 8,
    "pages": 3,
    "counts": _COUNTS,
    "attempts": 0,
    "last_error": None,
    "last_outcome": "swept",
    "last_verdict": None,
    "approved": False,
    "working": None,
    "working_until": None,
    "serving": [],
    "reasons": [],
    "now": _AT,
}


def _answer(message: str, **more: object) -> dict[str, Any]:
    return {"message": f"services: {message}", "success": True, **more}


def _done(call: str, message: str, details: dict[str, Any]) -> dict[str, Any]:
    return {"call": call, "provider": "services", "message": f"services: {message}", "details": details}


EXAMPLES: dict[str, Any] = {
    "health": {"healthy": True, "duplicateIngestions": [], "unhealthy": []},
    "providers": {"success": True, "providers": ["repositories", "services"], "next": None},
    "provider": {
        "success": True,
        "status": {"current_action": "resting", "next_action_at": _AT, "paused": False},
        "last_error": None,
    },
    "trigger": _answer(f"the rest of ingestion 1 ends; ingestion 2 is due at {_AT}"),
    "start": _answer(f"ingestion 2, which was bursting, is over; 3 marks removed; ingestion 3 is due at {_AT}"),
    "cancel": _answer(f"ingestion 3, which was bursting, is over; 1 mark removed; ingestion 4 is due at {_AT}"),
    "delete_provider": _answer(
        f"3 ingestions, 12 marks and 0 problems removed; its entities stay; ingestion 5 is due at {_AT}",
        provider="services",
        **_DELETIONS,
    ),
    "marks": {
        "success": True,
        "records": [{"id": "8-1", "sequence": 1, "ingestion_id": "8", "cursor": '{"page":2}', "created_at": _AT}],
        "next": 1,
    },
    "delete_marks": _answer(
        f"ingestion 8, which was interstitial, is over; 12 marks removed; ingestion 9 is due at {_AT}",
        deletions=_DELETIONS | {"ingestionsDeleted": 0},
    ),
    "cleanup": {
        "message": "1 provider deleted: 3 ingestions, 12 marks and 0 problems removed; entities stay; new ingestions "
        "begin in 24 hours",
        "success": True,
        **_DELETIONS,
        "ingestionMarksDeleted": 12,
    },
    "statuses": {"items": [_STATUS], "next": None},
    "status": _STATUS,
    "problems": {
        "items": [
            {
                "id": 1,
                "ingestion": 8,
                "sequence": 2,
                "kind": "invalid entity",
                "message": "metadata.name 'not a name' must be 1 to 63 letters, digits, `-`, `_` or `.`",
                "ref": "component:default/not a name",
                "field": "metadata.name",
                "rule": "name",
            }
        ],
        "next": None,
    },
    "history": {"items": [], "next": None},
    "verdict": {
        "verdict": _VERDICT,
        "refused": True,
        "approved": False,
        "sentence": "refused to remove 150 of 250 (60.00 %): reject_removals_above_percentage=5",
    },
    "stale": {"items": ["component:default/billing", "component:default/search"], "next": "component:default/search"},
    "approve": _done(
        "approve",
        "verdict 7 is approved: 150 entities removed; 0 entities kept",
        {"verdict": _VERDICT, "removed": 150, "kept": 0, "waiting": 0},
    ),
    "retire": _done("retire", "250 entities removed, and 3 ingestions, 12 marks and 0 problems removed", _GONE),
    "pause": _done("pause", "paused: nothing begins until it is resumed; ingestion 8 is resting", {"paused": True}),
    "resume": _done("resume", "resumed: ingestion 8, which is resting, goes on", {"paused": False}),
    "entities": {"total": 250, "entities": [_ENTITY], "next": "component:default/checkout"},
    "entity": _ENTITY,
    "plan": {
        "provider": "services",
        "added": 1,
        "changed": 0,
        "removed": 0,
        "summary": "Plan: 1 to add, 0 to change, 0 to remove.",
        "changes": [{"sign": "+", "ref": "component:default/payments"}],
        "more": 0,
    },
    "follow": ': events from now on\n\nevent: PageCommitted\ndata: {"provider":"services","ingestion":8,"page":1}\n\n',
    "send_event": {
        "topic": "services",
        "applied": [{"provider": "services", "ingestion": 8, "added": 1, "updated": 0, "unchanged": 0, "removed": 0}],
        "ignored_by": [],
    },
    "metrics": 'catalog_incremental_ingestions_started{providerName="services"} 1.7956e+09\n',
    "openapi": {"openapi": "3.1.0"},
}
