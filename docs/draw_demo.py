"""Draws what `incrsim demo` shows into docs/images/demo.svg; run it as `python docs/draw_demo.py`."""

from __future__ import annotations

import html
import io
import re
from pathlib import Path

from rich.console import Console
from rich.text import Text

import incrsim
from incrsim.cli.screens import demo_summary, demo_table
from incrsim.demo import demonstrate
from incrsim.resident import peak_rss_mb

PICTURE = Path(__file__).parent / "images" / "demo.svg"
WIDTH = 80


def main() -> None:
    """Draw it; a demonstration with a wrong catalog is not drawn."""
    with incrsim.open(clock=incrsim.VirtualClock()) as app:
        results = list(demonstrate(app, entities=100_000, page_size=1000, seed=1, begins=lambda _: None))
        database = app.store.describe()
    if not all(result.ok for result in results):
        raise SystemExit(f"nothing drawn: {[str(result.comparison) for result in results if not result.ok]}")
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text("$ ", style="dim").append("incrsim demo", style="bold"))
    console.print(demo_table(results), demo_summary(results, database, peak_rss_mb()), highlight=False)
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(_without_leading_blanks(console.export_svg(title="incrsim demo")), encoding="utf-8")
    print(f"drawn: {PICTURE}")


def _without_leading_blanks(svg: str) -> str:
    """Shift texts that begin with blanks instead: some viewers drop them, and right-aligned columns with them."""

    def shifted(found: re.Match[str]) -> str:
        x, between, length, blanks, rest = found.groups()
        dropped = blanks.count("&#160;")
        width = float(length) / (dropped + len(html.unescape(rest)))
        return (
            f'x="{float(x) + dropped * width:g}"{between}textLength="{float(length) - dropped * width:g}"'
            f"{found.string[found.end(3) + 1 : found.start(4)]}{rest}<"
        )

    return re.sub(r'x="([0-9.]+)"([^>]*?)textLength="([0-9.]+)"[^>]*>((?:&#160;)+)([^<]+)<', shifted, svg)


if __name__ == "__main__":
    main()
