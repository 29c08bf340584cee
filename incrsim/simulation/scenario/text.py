"""Dataclasses of plain data as JSON and TOML, there and back exactly; what cannot be read is named by its place."""

from __future__ import annotations

import json
import tomllib
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import lru_cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from incrsim.errors import CallerError

Spec = TypeVar("Spec")


def json_values(text: str) -> Any:
    """What JSON text holds.

    Raises:
        CallerError: when it is none.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise CallerError(f"this is no JSON: {error}") from error


def toml_values(text: str) -> dict[str, Any]:
    """What TOML text holds.

    Raises:
        CallerError: when it is none.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CallerError(f"this is no TOML: {error}") from error


# --- writing ----------------------------------------------------------------------------------------------------------


def plain_spec(spec: Any) -> dict[str, Any]:
    """A spec as JSON values; what is as usual is left out."""
    written: dict[str, Any] = _plain(spec)
    return written


def as_json(values: Mapping[str, Any]) -> str:
    """Values as JSON on one line."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def as_toml(values: Mapping[str, Any]) -> str:
    """Values as TOML: texts and numbers first, then lists of tables with a line for each, then tables."""
    plain = {name: value for name, value in values.items() if not isinstance(value, dict) and not _is_rows(value)}
    parts = ["\n".join(f"{name} = {_toml(value)}" for name, value in plain.items())]
    for name, value in values.items():
        if _is_rows(value):
            parts.append(f"{name} = [\n" + "".join(f"    {_toml(row)},\n" for row in value) + "]")
    for name, value in values.items():
        if isinstance(value, dict):
            parts.append("\n".join([f"[{name}]", *(f"{_key(key)} = {_toml(each)}" for key, each in value.items())]))
    return "\n\n".join(filter(None, parts)) + "\n"


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        given = {each.name: getattr(value, each.name) for each in fields(value)}
        usual = {each.name: _usual(each) for each in fields(value)}
        return {name: _plain(each) for name, each in given.items() if each != usual[name]}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items() if each is not None}
    return value


def _usual(of: Field[Any]) -> Any:
    return of.default_factory() if of.default_factory is not MISSING else of.default


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(name)} = {_toml(each)}" for name, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)  # numbers, truth and texts are written alike


def _key(name: str) -> str:
    return name if name.replace("_", "").isalnum() and name.isascii() else json.dumps(name)


# --- reading ----------------------------------------------------------------------------------------------------------


def read_spec(spec: type[Spec], values: Any, place: str) -> Spec:
    """A spec from JSON values.

    Args:
        spec: a dataclass.
        values: its fields.
        place: where they are, for errors.

    Raises:
        CallerError: when it cannot be read; the message says where.
    """
    if not isinstance(values, Mapping):
        raise CallerError(f"{place}: {values!r:.100} is no table of names and values")
    hints: dict[str, Any] = _hints(spec)  # type: ignore[arg-type]  # classes have hashes
    for name in values:
        if name not in hints:
            raise CallerError(f"{place}.{name}: there is no such thing; there are {', '.join(hints)}")
    for each in fields(spec):  # type: ignore[arg-type]  # a dataclass
        if each.name not in values and each.default is MISSING and each.default_factory is MISSING:
            raise CallerError(f"{place}.{each.name} is missing")
    given = {name: _read(hints[name], value, f"{place}.{name}") for name, value in values.items()}
    try:
        return spec(**given)
    except (TypeError, ValueError, CallerError) as error:
        raise CallerError(f"{place}: {error}") from error


@lru_cache(maxsize=32)
def _hints(spec: type) -> dict[str, Any]:
    return get_type_hints(spec)


def _read(wanted: Any, value: Any, place: str) -> Any:
    origin, inner = get_origin(wanted), get_args(wanted)
    if origin in (Union, types.UnionType):  # … | None: what is there is not None
        return _read(inner[0], value, place)
    if origin is tuple:
        if not isinstance(value, list):
            raise CallerError(f"{place}: {value!r:.100} is no list")
        return tuple(_read(inner[0], each, f"{place}[{number}]") for number, each in enumerate(value))
    if is_dataclass(wanted):
        return read_spec(wanted, value, place)  # type: ignore[arg-type]  # a class, as the annotation has it
    if origin is not None:
        return _checked(dict, value, place, "a table of names and values")
    if wanted is float:
        return _checked((int, float), value, place, "a number")
    return _checked(wanted, value, place, {int: "a whole number", bool: "true or false", str: "a text"}[wanted])


def _checked(wanted: type | tuple[type, ...], value: Any, place: str, what: str) -> Any:
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise CallerError(f"{place}: {value!r:.100} is not {what}")
    return value
