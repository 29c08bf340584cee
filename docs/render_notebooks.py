"""Runs the notebooks, and writes what they show to docs/notebooks/: small pages of HTML, without scripts.

`make docs` runs it. In place of a panel, which lives in a notebook only, stands a picture of it from docs/images/.
"""

from __future__ import annotations

import re
import socket
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from pygments.formatters import HtmlFormatter

DOCS = Path(__file__).parent
KEPT = DOCS.parent / "notebooks"
PAGES = DOCS / "notebooks"
PICTURES = DOCS / "images"

WIDGET = "application/vnd.jupyter.widget-view+json"

LIGHT, DARK = (HtmlFormatter(style=style) for style in ("default", "native"))
STYLE = f"""\
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }}
h1, h2 {{ line-height: 1.2; margin-top: 2.2rem; }}
pre, code {{ font: 13px/1.45 ui-monospace, monospace; }}
p code {{ background: #8882; padding: 0 .25em; border-radius: 3px; }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; }}
.highlight {{ background: #8881 !important; border-left: 3px solid #8886; padding: .5rem .8rem; margin: 1rem 0 .5rem; }}
.output {{ margin: .5rem 0 1.5rem .9rem; overflow-x: auto; }}
table {{ border: none; border-collapse: collapse; font-size: 13px; }}
th, td {{ border: none; padding: .15rem .6rem; text-align: left; }}
img {{ max-width: 100%; }}
.output_png img {{ background: white; }}
{LIGHT.get_style_defs(".highlight")}
@media (prefers-color-scheme: dark) {{
{DARK.get_style_defs(".highlight")}
}}
"""

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<link rel="stylesheet" href="style.css">
</head>
<body>
{body}
</body>
</html>
"""


def executed(path: Path) -> Any:
    """A notebook with all that it shows.

    Args:
        path: of the one that is kept.
    """
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    return NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources=resources, store_widget_state=False
    ).execute()


def page(notebook: Any, name: str) -> str:
    """An executed notebook as HTML.

    Args:
        notebook: as `executed` returns it.
        name: of its file.
    """
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if WIDGET in output.get("data", {}):
                output.data = {"text/html": _panel(name)}
    exporter = HTMLExporter(
        template_name="basic", exclude_anchor_links=True, exclude_input_prompt=True, exclude_output_prompt=True
    )
    body, _ = exporter.from_notebook_node(notebook)
    return PAGE.format(title=name.replace("_", " "), body=_told(body))


def _panel(name: str) -> str:
    picture = PICTURES / f"notebook-{name[:2]}.png"
    if not picture.exists():
        return "<em>Here is a panel: open the notebook to see and use it (make notebook).</em>"
    return f'<img src="../images/{picture.name}" alt="A panel, as it is in the notebook">'


def _told(body: str) -> str:
    """Links lead to what is beside the page, and no page says on which machine it was made."""
    body = body.replace('href="../docs/', 'href="../').replace('href="../benchmarks/', 'href="../../benchmarks/')
    body = re.sub(r'href="(\w+)\.ipynb"', r'href="\1.html"', body)
    body = re.sub(rf"\b{re.escape(socket.gethostname())}-(?=\d+-)", "host-", body)
    return body.replace(str(DOCS.parent), "…")


def main(names: list[str]) -> None:
    """Write the pages of the notebooks whose names begin so; of all unless any are given."""
    PAGES.mkdir(exist_ok=True)
    (PAGES / "style.css").write_text(STYLE, encoding="utf-8")
    for path in sorted(KEPT.glob("*.ipynb")):
        if not names or path.stem.startswith(tuple(names)):
            made = PAGES / f"{path.stem}.html"
            made.write_text(page(executed(path), path.stem), encoding="utf-8")
            print(f"{made.relative_to(DOCS.parent)}: {made.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
