"""`incrsim.toml`: which database, which providers with which options; every error says in which line it is.

Nothing here imports a provider or opens a database, and secrets are not in the file: it names the environment variables
that hold them.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from incrsim.config_lines import Lines
from incrsim.errors import InvalidConfig, InvalidOptions
from incrsim.options import ProviderOptions

FILE = "incrsim.toml"
"""What is read from the current directory when no other file is named."""

LARGEST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class ConfiguredObject:
    """A provider or a sink.

    Args:
        name: of its table.
        place: file and line, for errors.
        target: `MODULE:OBJECT`.
        arguments: of the class or function.
        options: of the provider, as `App.add` takes them; a sink has none.
    """

    name: str
    place: str
    target: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """The REST interface.

    Args:
        host: to listen on.
        port: to listen on.
        allowed_hosts: what a request's `Host` may be, beside the address itself.
        read_token_env: the environment variable that holds the token for reading.
        manage_token_env: the one for changing.
        event_secret_envs: by topic, the environment variable that holds the secret of its signatures.
    """

    host: str = "127.0.0.1"
    port: int = 8008
    allowed_hosts: tuple[str, ...] = ()
    read_token_env: str | None = None
    manage_token_env: str | None = None
    event_secret_envs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Config:
    """What a configuration file says.

    Args:
        path: the file.
        database: as `incrsim.open` takes it.
        concurrency: how many bursts a worker runs at once.
        providers: in the order of the file.
        sinks: in the order of the file.
        api: the REST interface.
    """

    path: Path
    database: str | None = None
    concurrency: int | None = None
    providers: tuple[ConfiguredObject, ...] = ()
    sinks: tuple[ConfiguredObject, ...] = ()
    api: ApiConfig = ApiConfig()


def read_config(path: Path) -> Config:
    """Read a configuration file.

    Raises:
        InvalidConfig: when it cannot be read, or says something that cannot work.
    """
    try:
        text = path.read_text("utf-8")
        tables = tomllib.loads(text)
    except OSError as error:
        raise InvalidConfig(f"{path} cannot be read: {error.strerror}; write one, or name another file") from None
    except UnicodeDecodeError:
        raise InvalidConfig(f"{path} is not UTF-8, as TOML has to be") from None
    except tomllib.TOMLDecodeError as error:
        raise InvalidConfig(_syntax(path, str(error))) from None
    return _Reader(path, Lines(text)).config(tables)


def _syntax(path: Path, said: str) -> str:
    found = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", said)
    if found is None:
        return f"{path}, at its end: {said}"
    return f"{path}, line {found[2]}, column {found[3]}: this is not TOML: {found[1]}"


Check = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a value must be.

    Args:
        check: whether it is.
        words: what it must be, in words.
    """

    check: Check
    words: str


_TEXT = _Kind(lambda value: isinstance(value, str) and bool(value), 'a text, for example "…"')
_TABLE = _Kind(lambda value: isinstance(value, dict), "a table")
_TABLES = _Kind(
    lambda value: isinstance(value, dict) and all(isinstance(each, dict) for each in value.values()),
    "a table of tables, for example [providers.files]",
)
_TEXTS = _Kind(
    lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
    'a list of texts, for example ["catalog.example.org"]',
)
_ENV = _Kind(
    lambda value: isinstance(value, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value) is not None,
    'the name of an environment variable, for example "CATALOG_READ_TOKEN"; the secret itself stays out of this file',
)
_ENVS = _Kind(
    lambda value: isinstance(value, dict) and all(map(_ENV.check, value.values())),
    "a table of topics, each with the name of an environment variable",
)
_COUNT = _Kind(
    lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 1, "a whole number from 1"
)
_PORT = _Kind(
    lambda value: isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_PORT,
    f"a whole number from 0 to {LARGEST_PORT}",
)

_TOP = {"database": _TEXT, "concurrency": _COUNT, "providers": _TABLES, "sinks": _TABLES, "api": _TABLE}
_OBJECT = {"object": _TEXT, "arguments": _TABLE}
_API = {
    "host": _TEXT,
    "port": _PORT,
    "allowed_hosts": _TEXTS,
    "read_token_env": _ENV,
    "manage_token_env": _ENV,
    "event_secret_envs": _ENVS,
}


@dataclass(frozen=True, slots=True)
class _Reader:
    path: Path
    lines: Lines

    def config(self, tables: dict[str, Any]) -> Config:
        self._check(tables, _TOP, ())
        api = tables.get("api", {})
        self._check(api, _API, ("api",))
        return Config(
            path=self.path,
            database=tables.get("database"),
            concurrency=tables.get("concurrency"),
            providers=tuple(self._provider(name, table) for name, table in tables.get("providers", {}).items()),
            sinks=tuple(self._object(name, table, "sinks") for name, table in tables.get("sinks", {}).items()),
            api=ApiConfig(**{**api, "allowed_hosts": tuple(api.get("allowed_hosts", ()))}),
        )

    def _provider(self, name: str, table: dict[str, Any]) -> ConfiguredObject:
        where = ("providers", name)
        self._check(table, _OBJECT, where, also=ProviderOptions.names() - {"redact"})
        options = {key: value for key, value in table.items() if key not in _OBJECT}
        for key, value in options.items():
            if key != "lease_length":
                self._check_options({key: value}, (*where, key))
        # How long a lease has to be depends on the others, so this one is judged with them.
        self._check_options(options, (*where, "lease_length"))
        return self._object(name, {key: table[key] for key in _OBJECT if key in table}, "providers", options)

    def _check_options(self, options: Mapping[str, Any], where: tuple[str, ...]) -> None:
        try:
            ProviderOptions.of(**options)
        except InvalidOptions as error:
            raise InvalidConfig(f"{self._place(where)}: {error}") from None

    def _object(
        self, name: str, table: dict[str, Any], kind: str, options: Mapping[str, Any] | None = None
    ) -> ConfiguredObject:
        where = (kind, name)
        self._check(table, _OBJECT, where)
        if "object" not in table:
            raise InvalidConfig(
                f'{self._place(where)}: {_table(where)} does not say what it is; write object = "MODULE:OBJECT" in it'
            )
        return ConfiguredObject(name, self._place(where), table["object"], table.get("arguments", {}), options or {})

    def _check(
        self, table: dict[str, Any], kinds: Mapping[str, _Kind], where: tuple[str, ...], also: Iterable[str] = ()
    ) -> None:
        for key, value in table.items():
            kind = kinds.get(key)
            if kind is None and key not in also:
                raise InvalidConfig(f"{self._place((*where, key))}: {_unknown(key, where, [*kinds, *sorted(also)])}")
            if kind is not None and not kind.check(value):
                raise InvalidConfig(f"{self._place((*where, key))}: {key} must be {kind.words}")

    def _place(self, where: tuple[str, ...]) -> str:
        return f"{self.path}, line {self.lines.of(where)}"


def _unknown(key: str, where: tuple[str, ...], known: list[str]) -> str:
    close = difflib.get_close_matches(key.replace("-", "_").lower(), known, n=1)
    hint = f"write {close[0]}" if close else f"known are {', '.join(known)}"
    return f"unknown key {key!r} in {_table(where)}; {hint}"


def _table(where: tuple[str, ...]) -> str:
    return f"[{'.'.join(where)}]" if where else "the file"
