"""`app.panel()`."""

from __future__ import annotations

from incrsim.app import App
from incrsim.notebook import panel_cells
from incrsim.notebook.panel_desk import Desk
from incrsim.notebook.panel_engine import EngineHead
from incrsim.notebook.panel_providers import ProvidersPanel

_NO_CODE = "this kernel does not serve it, and a plan needs the provider's code"


def panel(app: App) -> ProvidersPanel:
    """The panel of an app: one, wherever it is displayed.

    Args:
        app: the app.
    """
    return panel_cells.one(app, ProvidersPanel, lambda: ProvidersPanel(_desk(app), EngineHead(app)))


def _desk(app: App) -> Desk:
    return Desk(
        operators=app.operators,
        catalog=app.catalog,
        served=app.providers,
        plan=app.plan,
        no_plan=lambda name: None if name in app.providers() else _NO_CODE,
        stream=app.events,
    )
