"""Runs the REST API, and the providers that were named beside it, until a signal comes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from incrsim.api import ApiSettings, serve
from incrsim.cli.collector import settle
from incrsim.cli.failures import complain
from incrsim.cli.interrupt import Interrupt
from incrsim.config import ApiConfig
from incrsim.opening import open as open_app


def until_stopped(providers: Sequence[tuple[Any, dict[str, Any]]], database: str, settings: ApiSettings) -> int:
    """Serve, and return the exit code.

    Args:
        providers: each with its options.
        database: where the catalog is.
        settings: of the API.
    """
    with open_app(database) as app:
        for provider, options in providers:
            app.add(provider, **options)
        with serve(app, settings) as server, Interrupt(app, lambda: complain("stopping")) as interrupt:
            complain(f"{server.announcement}; Ctrl-C ends it")
            settle()
            app.run()
    return interrupt.exit_code


def settings_of(config: ApiConfig) -> ApiSettings:
    """What a configuration says of the API, with the tokens and secrets that it names.

    Raises:
        InvalidOptions: when a variable that it names is not set, or a value cannot work.
    """
    return ApiSettings.from_environment(
        os.environ,
        host=config.host,
        port=config.port,
        allowed_hosts=config.allowed_hosts,
        read_token=config.read_token_env,
        manage_token=config.manage_token_env,
        event_secrets=config.event_secret_envs,
    )
