"""What a dangerous call will do, with the numbers of this moment: what people read before they say yes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incrsim.glance import entities, many

if TYPE_CHECKING:
    from incrsim.app import App
    from incrsim.operators import ProviderStatus

_LATER = "a new one begins in 24 hours"
_NOW = "a new one begins now, at the first page"


def of_start(app: App, name: str) -> str:
    """What `start` will do."""
    return f"{name}: {_ends(app.operators.status(name))}; {_NOW}"


def of_cancel(app: App, name: str) -> str:
    """What `cancel` will do."""
    return f"{name}: {_ends(app.operators.status(name))}; {_LATER}"


def of_delete_marks(app: App, name: str) -> str:
    """What `delete-marks` will do."""
    status = app.operators.status(name)
    return f"{name}: {many(status.pages, 'mark')} will be removed: {_ends(status)}; {_NOW}"


def of_delete(app: App, name: str) -> str:
    """What `delete` will do."""
    status = app.operators.status(name)
    records = len(app.operators.history(name).items) + 1  # the open one
    return (
        f"{name}: {many(records, 'ingestion')} with all marks and problems will be forgotten: {_ends(status)}; "
        f"{_LATER}; {_entities_of(app, name)} stay, and stay its own"
    )


def of_cleanup(app: App) -> str:
    """What `cleanup` will do."""
    return (
        f"all ingestions, marks and problems of {many(len(app.store.providers()), 'provider')} will be forgotten, "
        f"running bursts end, and new ingestions begin in 24 hours; {entities(app.catalog.count())} stay"
    )


def of_approve(app: App, name: str, verdict: int) -> str:
    """What `approve` will do."""
    last = app.operators.status(name).last_verdict
    known = "it has no verdict" if last is None else f"its last verdict, {last.id}, {last}"
    return f"{name}: what verdict {verdict} refused to remove will be removed; {known}"


def of_retire(app: App, name: str, expected: int) -> str:
    """What `retire` will do."""
    return (
        f"{name}: {_entities_of(app, name)} (you expect {expected:,}) will be removed, and its ingestions, marks and "
        "problems with them"
    )


def of_detach(app: App, name: str) -> str:
    """What `detach` will do."""
    waiting = sum(each.behind for each in app.operators.sinks() if each.name == name)
    return f"the sink {name} will be forgotten, and {many(waiting, 'change')} that it has not got yet"


def _ends(status: ProviderStatus) -> str:
    ingestion = f"ingestion {status.ingestion}, which is {status.status}"
    running = "" if status.working is None else f", and the page that {status.working} is reading is not kept"
    read = f"{many(status.pages, 'page')}, {entities(status.counts.returned)} read"
    return f"{ingestion} ({read}), ends{running}"


def _entities_of(app: App, name: str) -> str:
    app.operators.status(name)  # raises where there is no such provider, which owns nothing either
    return f"{entities(app.catalog.count(name))} of the catalog"
