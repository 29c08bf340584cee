"""`violation.panel()`: a slider over the steps of a run."""

from __future__ import annotations

import ipywidgets

from incrsim.notebook import film_html, panel_cells
from incrsim.notebook.film import Film
from incrsim.notebook.panel_frame import Frame, Framed
from incrsim.notebook.panel_parts import Pages, button, column, html, row, show
from incrsim.simulation.staging import Staging
from incrsim.simulation.violation import Finding


class FilmPanel(Framed):
    """Goes through a film.

    Args:
        film: the film.
    """

    def __init__(self, film: Film) -> None:
        self._film = film
        start = film.length if film.finding is None else min(film.length, film.finding.step)
        wide = ipywidgets.Layout(flex="1 1 300px")
        self.slider = ipywidgets.IntSlider(start, 0, film.length, description="step", layout=wide)
        self.play = ipywidgets.Play(value=start, min=0, max=film.length, interval=400, show_repeat=False)
        self._link = ipywidgets.jslink((self.play, "value"), (self.slider, "value"))
        self.back = button("◂ Step back", lambda: self._go(self.slider.value - 1))
        self.forward = button("Step ▸", lambda: self._go(self.slider.value + 1))
        self.wrong = button("First wrong step", self._go_wrong, "where the rule does not hold any more")
        self._verdict, self._reel, self._picture = html(width="100%"), html(width="100%"), html(width="100%")
        self._pages = Pages(0, self.refresh)
        show(self.wrong, visible=film.finding is not None)
        controls = row(self.play, self.slider, self.back, self.forward, self.wrong)
        parts = (html(film_html.STYLE), controls, self._verdict, self._reel, self._picture, self._pages.box)
        super().__init__(Frame(column(*parts), self._look, self._leave))
        self.slider.observe(lambda _: self.refresh(), "value")

    def _look(self) -> bool:
        step = self.slider.value
        shown = self._film.picture(step)
        before = self._film.picture(step - 1) if step else None
        sides = film_html.sides(shown, before, self._pages.after)
        if not sides.rows:
            self._pages.restart()
            sides = film_html.sides(shown, before, 0)
        self._verdict.value = film_html.verdict(self._film, step)
        self._reel.value = film_html.reel(self._film, step)
        self._picture.value = film_html.picture(shown, sides)
        self._pages.reached(sides.next)
        self.back.disabled, self.forward.disabled = step == 0, step == self._film.length
        return False

    def _go(self, step: int) -> None:
        self.slider.value = min(max(step, 0), self._film.length)

    def _go_wrong(self) -> None:
        if self._film.finding is not None:
            self._go(self._film.finding.step)

    def _leave(self) -> None:
        self._link.close()
        self._film.close()


def panel(staging: Staging, finding: Finding) -> FilmPanel:
    """The film of a violation: one, wherever it is displayed.

    Args:
        staging: how it came to that.
        finding: what did not hold.
    """
    return panel_cells.one(staging, FilmPanel, lambda: FilmPanel(Film(staging, finding)))
