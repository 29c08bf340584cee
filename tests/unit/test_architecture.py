"""The shape of the package: imports point upward only, heavy ones stay at the edge, modules stay small."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import incrsim

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PACKAGE = Path(incrsim.__file__).parent
MAX_LINES = 350

ORDER = (
    "errors",
    "exact_json",
    "clock",
    "durations",
    "plain",
    "resident",
    "frames",
    "glance",
    "html",
    "panels",
    "cursor",
    "entity",
    "kinds",
    "provider",
    "options",
    "guards",
    "ingestion",
    "lifecycle",
    "events",
    "report",
    "progress",
    "logs",
    "store.page",
    "store.contract",
    "store.operating",
    "store.mutating",
    "store.outbox",
    "store.searching",
    "store.listening",
    "store",
    "store.rows",
    "store.transactions",
    "store.operations",
    "store.deltas",
    "store.full",
    "store.queries",
    "store.memory",
    "store.embedded",
    "store.migrations",
    "store.postgres",
    "store.embedded_store",
    "catalog",
    "draft",
    "sinks",
    "burst",
    "host",
    "engine",
    "mutations",
    "planning",
    "operators",
    "stopping",
    "roster",
    "worker",
    "cycle",
    "background",
    "app",
    "opening",
    "config",
    "preview",
    "profiling",
    "simulation",
    "testing",
    "demo",
    "metrics",
    "api",
    "cli",
    "notebook",
    "__main__",
    "",
)
"""Lowest first. A name stands for the module, its helpers (`entity_rules` is one of `entity`) and all inside of it; the
empty one is the package itself, which may import everything and is imported by nothing inside."""

HEAVY = (
    "sqlalchemy",
    "psycopg",
    "httpx",
    "fastapi",
    "starlette",
    "uvicorn",
    "pydantic",
    "pandas",
    "numpy",
    "typer",
    "rich",
    "pytest",
    "hypothesis",
    "matplotlib",
    "ipywidgets",
    "prometheus_client",
    "yaml",
)


def modules(package: Path) -> dict[str, Path]:
    """Dotted name below the package → file."""
    paths = sorted(package.rglob("*.py"))
    names = (path.relative_to(package).with_suffix("").as_posix().replace("/", ".") for path in paths)
    return {name.removesuffix("__init__").removesuffix("."): path for name, path in zip(names, paths, strict=True)}


def imports(name: str, source: str, known: Mapping[str, Path]) -> set[str]:
    """The modules of incrsim that a module imports, also late or for its types only."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}, line {node.lineno}: a relative import; write `from incrsim.…`"
            module = f"{node.module}."
            targets = [module + alias.name for alias in node.names]
        else:
            continue
        found |= {_module(target, known) for target in targets if f"{target}.".startswith("incrsim.")}
    return found - {name}


def _module(target: str, known: Mapping[str, Path]) -> str:
    inner = target.removeprefix("incrsim").removeprefix(".")
    return inner if inner in known else inner.rpartition(".")[0]


def place(name: str) -> int:
    """Where a module stands in `ORDER`."""
    standing = [each for each in ORDER if name == each or (each and name.startswith((f"{each}.", f"{each}_")))]
    assert standing, f"incrsim.{name} stands nowhere: give it a place in ORDER ({Path(__file__).name})"
    return ORDER.index(max(standing, key=len))


def downward(graph: Mapping[str, set[str]]) -> Iterator[str]:
    """Imports that point the wrong way."""
    for name, imported in graph.items():
        for each in sorted(imported):
            if place(each) > place(name):
                yield f"incrsim.{name} imports incrsim.{each}, which stands above it"


MODULES = modules(PACKAGE)


@pytest.fixture(scope="module")
def graph() -> dict[str, set[str]]:
    """Module → what it imports of ours."""
    return {name: imports(name, path.read_text(encoding="utf-8"), MODULES) for name, path in MODULES.items()}


def test_imports_point_upward(graph: dict[str, set[str]]) -> None:
    """A module imports only from modules that stand below it."""
    assert not list(downward(graph))


def test_no_import_cycles(graph: dict[str, set[str]]) -> None:
    """Among a module and its helpers imports go one way, too."""
    TopologicalSorter(graph).prepare()


def test_rules_notice() -> None:
    """The check finds a wrong import written in any way, a cycle, and a module without a place."""
    known = dict.fromkeys(["", "errors", "store", "store.memory", "engine", "engine_steps"], PACKAGE)
    source = "import incrsim.engine\ndef late():\n    from incrsim.store import memory\n    from incrsim import Page\n"
    assert imports("errors", source, known) == {"engine", "store.memory", ""}
    assert list(downward({"store.memory": {"errors", "engine"}})) == [
        "incrsim.store.memory imports incrsim.engine, which stands above it"
    ]
    with pytest.raises(CycleError):
        TopologicalSorter({"engine": {"engine_steps"}, "engine_steps": {"engine"}}).prepare()
    with pytest.raises(AssertionError, match=r"incrsim\.nowhere stands nowhere"):
        place("nowhere")


def test_importing_is_light() -> None:
    """`import incrsim` needs no database driver, no pandas and no terminal library."""
    program = "import sys, incrsim; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], cwd=PACKAGE.parent, stdout=subprocess.PIPE, check=True)
    assert not set(done.stdout.decode().split()) & set(HEAVY)


@pytest.mark.parametrize("name", MODULES, ids=lambda name: name or "incrsim")
def test_module_is_small(name: str) -> None:
    """A module can be read in one go."""
    lines = MODULES[name].read_text(encoding="utf-8").count("\n")
    assert lines <= MAX_LINES
