"""What a configuration file, the environment and the command line say together: flags first, then the environment,
then the file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from incrsim.cli.loading import load_object, load_provider
from incrsim.config import FILE, Config, ConfiguredObject, read_config
from incrsim.errors import CallerError, InvalidConfig
from incrsim.options import ProviderOptions
from incrsim.provider import check_provider
from incrsim.sinks.mutation import check_sink


def find_config(named: Path | None) -> Config:
    """Read the file that was named, or `incrsim.toml` of this directory; without one everything is as it is by itself.

    Raises:
        InvalidConfig: when it cannot be read, or says something that cannot work.
    """
    if named is not None:
        return read_config(named)
    return read_config(Path(FILE)) if Path(FILE).exists() else Config(Path(FILE))


def load_configured(configured: ConfiguredObject) -> tuple[Any, dict[str, Any]]:
    """Make a configured provider; its options are keyword arguments of `App.add`.

    Raises:
        InvalidConfig: when it cannot be imported or made, is no provider, or has another name than its table.
    """
    try:
        provider = load_object(configured.target, _from_environment(configured), "arguments.{}")
        name = check_provider(provider)
    except CallerError as error:
        raise InvalidConfig(f"{configured.place}: {error}") from error
    if name != configured.name:
        raise InvalidConfig(
            f"{configured.place}: {configured.target} makes a provider called {name!r}; call its table "
            f"[providers.{_key(name)}], so that it is found under one name everywhere"
        )
    return provider, dict(configured.options)


def load_sink(configured: ConfiguredObject) -> Any:
    """Make a configured sink.

    Raises:
        InvalidConfig: when it cannot be imported or made, or is no sink.
    """
    try:
        sink = load_object(configured.target, _from_environment(configured), "arguments.{}")
        check_sink(sink)
    except CallerError as error:
        raise InvalidConfig(f"{configured.place}: {error}") from error
    return sink


def provider_to_run(config: Config, target: str, settings: Mapping[str, str]) -> tuple[Any, dict[str, Any]]:
    """Make the provider that a command line names: `MODULE:OBJECT`, or the name of one that is configured.

    Raises:
        CallerError: when there is none of that name, or it cannot be made.
    """
    if ":" in target:
        return load_provider(target, settings)
    for each in config.providers:
        if each.name == target:
            provider, options = load_configured(each)
            set_now = ProviderOptions.parse_settings(settings)
            return provider, options | {name: getattr(set_now, name) for name in settings}
    known = ", ".join(each.name for each in config.providers) or "none"
    raise InvalidConfig(
        f"{target!r} is neither MODULE:OBJECT nor a provider of {config.path}, which has: {known}; "
        "write for example providers.files:Files"
    )


def _from_environment(configured: ConfiguredObject) -> dict[str, Any]:
    """The arguments of an object, where `{ env = "NAME" }` stands for what that variable holds."""
    arguments = dict(configured.arguments)
    for name, value in arguments.items():
        if isinstance(value, dict) and [*value] == ["env"]:
            held = os.environ.get(str(value["env"]))
            if held is None:
                raise InvalidConfig(
                    f"arguments.{name}: the environment variable {value['env']} is not set; set it, or leave {name} out"
                )
            arguments[name] = held
    return arguments


def _key(name: str) -> str:
    plain = name.replace("-", "").replace("_", "")
    return name if plain.isascii() and plain.isalnum() else f'"{name}"'
