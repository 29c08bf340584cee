"""Writes the table of docs/mutants.md from the list of mutants and from what a hunt has said of them.

incrsim mutants --json > hunt.json; python docs/tell_mutants.py hunt.json
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from incrsim.testing.mutants import MUTANTS, Mutant, Part

PAGE = Path(__file__).with_name("mutants.md")
BEGIN, END = "<!-- the table: python docs/tell_mutants.py -->\n", "<!-- its end -->\n"


def main() -> None:
    """Write it."""
    hunt = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    scenarios = {each["name"]: each["scenarios"] for each in hunt["mutants"] if each["caught"]}
    before, _, after = parts_of(PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(f"{before}{BEGIN}{table(scenarios)}{END}{after}", encoding="utf-8")


def parts_of(page: str) -> tuple[str, str, str]:
    """What stands before the table, the table, and what stands behind it."""
    before, _, rest = page.partition(BEGIN)
    told, _, after = rest.partition(END)
    return before, told, after


def known(told: str) -> dict[str, int]:
    """The numbers of a table, by the name of the mutant."""
    return {name: int(number) for name, number in re.findall(r"^\| `([\w-]+)` .* \| (\d+) \|$", told, re.MULTILINE)}


def table(scenarios: Mapping[str, int]) -> str:
    """All mutants, part by part.

    Args:
        scenarios: with which one each was caught.
    """
    return "\n" + "\n".join(_lines(scenarios)) + "\n"


def _lines(scenarios: Mapping[str, int]) -> Iterator[str]:
    for part in Part:
        mutants = [each for each in MUTANTS.values() if each.part is part]
        yield f"### {str(part).capitalize()}s\n"
        yield "| mutant | rule | flaw | caught by scenario |\n|---|---|---|--:|"
        for each in mutants:
            yield f"| `{each.name}` | {', '.join(each.rules)} | {_flaw(each)} | {scenarios.get(each.name, '?')} |"
        yield ""


def _flaw(mutant: Mutant) -> str:
    return mutant.flaw + (f" ({mutant.upstream})" if mutant.upstream else "")


if __name__ == "__main__":
    main()
