"""Checks a configuration file to the end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import typer

from incrsim.cli.configured import load_configured, load_sink
from incrsim.config import Config, read_config
from incrsim.errors import CallerError, InvalidConfig
from incrsim.opening import postgres_url


def check_config(path: Path) -> None:
    """Say what a configuration file holds.

    Raises:
        InvalidConfig: when anything in it cannot work.
    """
    config = read_config(path)
    _check_database(config)
    for each in config.providers:
        provider, options = load_configured(each)
        typer.echo(f"provider {provider.name}: {each.target}{_said(options)}")
    for each in config.sinks:
        typer.echo(f"sink {load_sink(each).name}: {each.target}")
    for name in _missing_secrets(config):
        typer.echo(f"the environment variable {name} is not set here")
    typer.echo(f"{path}: fine")


def _check_database(config: Config) -> None:
    if config.database in (None, "memory", "embedded"):
        return
    try:
        from incrsim.store.postgres_address import read_address

        read_address(postgres_url(str(config.database)))
    except CallerError as error:
        raise InvalidConfig(f"{config.path}, database: {error}") from None


def _missing_secrets(config: Config) -> Iterator[str]:
    names = [config.api.read_token_env, config.api.manage_token_env, *config.api.event_secret_envs.values()]
    return (name for name in names if name is not None and not os.environ.get(name))


def _said(options: dict[str, object]) -> str:
    return "".join(f", {name} {value}" for name, value in options.items())
