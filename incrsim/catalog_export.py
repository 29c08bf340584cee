"""Entities as Backstage's `catalog-info` files: YAML, one document each."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from incrsim.entity import PROVIDER_ANNOTATION
from incrsim.errors import MissingExtra

EXPORTED_ANNOTATION = "backstage.io/incremental-provider-name"
"""What the engine's annotation is called for Backstage, whose rules its own key does not keep (C-6)."""

_NEVER_FOLDED = 2**31 - 1

# PyYAML reads and writes YAML 1.1, to which `1e5` and `0o17` are texts and so need no quotes; Backstage reads YAML 1.2,
# to which they are numbers.
_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+")
_NUMBER_BEGINS = list("-+.0123456789")


def export_entities(bodies: Iterable[dict[str, Any]], target: str | os.PathLike[str] | TextIO) -> int:
    """Write entities one after the other; returns how many.

    Args:
        bodies: as the catalog has them.
        target: a file's path, or something to write text to.

    Raises:
        MissingExtra: when PyYAML is not installed.
    """
    dump = _dumper()
    count = 0
    with _opened(target) as stream:
        for body in bodies:
            dump(for_backstage(body), stream)
            count += 1
    return count


def for_backstage(body: dict[str, Any]) -> dict[str, Any]:
    """An entity's body with the engine's annotation under the key that Backstage's own module writes (C-6).

    Args:
        body: as the catalog has it; it is not changed.
    """
    annotations = dict(body["metadata"]["annotations"])
    annotations[EXPORTED_ANNOTATION] = annotations.pop(PROVIDER_ANNOTATION)
    return {**body, "metadata": {**body["metadata"], "annotations": dict(sorted(annotations.items()))}}


def _dumper() -> Callable[[dict[str, Any], TextIO], None]:
    try:
        import yaml
    except ImportError as error:
        raise MissingExtra("exports need PyYAML: pip install 'incrsim[export]'") from error
    fastest: type[yaml.SafeDumper] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    dumper: type[yaml.SafeDumper] = type("CatalogInfoDumper", (fastest,), {})
    dumper.add_implicit_resolver("tag:yaml.org,2002:float", _NUMBER, _NUMBER_BEGINS)

    def dump(document: dict[str, Any], stream: TextIO) -> None:
        yaml.dump(
            document,
            stream,
            Dumper=dumper,
            explicit_start=True,
            allow_unicode=True,
            sort_keys=False,
            width=_NEVER_FOLDED,
        )

    return dump


@contextmanager
def _opened(target: str | os.PathLike[str] | TextIO) -> Iterator[TextIO]:
    """What to write to; a file takes its name only when all of it is there."""
    if not isinstance(target, str | os.PathLike):
        yield target
        return
    path = Path(target)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        with unfinished.open("w", encoding="utf-8", newline="\n") as stream:
            yield stream
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
