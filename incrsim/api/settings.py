"""Where the API listens and whom it lets in."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self, TypedDict, Unpack

from incrsim.errors import InvalidOptions

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Names that a Host header may have always."""

SHORTEST_TOKEN = 16
"""Characters: what is shorter can be tried out."""


READ_TOKEN, MANAGE_TOKEN = "INCRSIM_READ_TOKEN", "INCRSIM_MANAGE_TOKEN"
"""The environment variables of tokens, unless others are named."""


class Where(TypedDict, total=False):
    """Where the API listens; see `ApiSettings`."""

    host: str
    port: int
    allowed_hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """Where the API listens and whom it lets in (C-36). Tokens and secrets are in no `repr`.

    Args:
        host: the address that it listens on; a name of this machine, or `0.0.0.0` for all of its addresses.
        port: the TCP port; 0 takes a free one.
        allowed_hosts: names by which clients may call it, beside the loopback ones and `host`.
        read_tokens: whoever has one of these may look.
        manage_tokens: whoever has one of these may look and change.
        event_secrets: for a topic, the secret that its events are signed with.

    Raises:
        InvalidOptions: when one of them cannot work; the message never shows a token or secret.
    """

    host: str = LOOPBACK[0]
    port: int = 8008
    allowed_hosts: tuple[str, ...] = ()
    read_tokens: tuple[str, ...] = field(default=(), repr=False)
    manage_tokens: tuple[str, ...] = field(default=(), repr=False)
    event_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:  # noqa: PLR2004  # all ports that there are
            raise InvalidOptions(f"port={self.port} is no TCP port; write one from 1 to 65535, or 0 for a free one")
        for name, tokens in (("read", self.read_tokens), ("manage", self.manage_tokens)):
            for token in tokens:
                _check_token(name, token)
        if set(self.read_tokens) & set(self.manage_tokens):
            raise InvalidOptions("the same token is given for reading and for managing; make two different ones")
        for topic, secret in self.event_secrets.items():
            if not secret:
                raise InvalidOptions(f"the secret of the topic {topic!r} is empty, so that anybody could sign with it")

    @classmethod
    def from_environment(
        cls,
        environment: Mapping[str, str],
        *,
        read_token: str | None = None,
        manage_token: str | None = None,
        event_secrets: Mapping[str, str] | None = None,
        **more: Unpack[Where],
    ) -> Self:
        """Settings whose tokens and secrets are in environment variables, so that no file and no history has them.

        Args:
            environment: `os.environ`.
            read_token: the variable of the token for reading, which must be set; `INCRSIM_READ_TOKEN`, which need not,
                unless one is named.
            manage_token: the same of the token for managing; `INCRSIM_MANAGE_TOKEN`.
            event_secrets: for a topic, the variable of its secret.
            more: see the class.

        Raises:
            InvalidOptions: when a variable that was named is not set, or a value cannot work.
        """

        def held(variable: str, what: str) -> str:
            if not environment.get(variable):
                raise InvalidOptions(
                    f"{what} should be in the environment variable {variable}, which is not set, or empty"
                )
            return environment[variable]

        def tokens(named: str | None, usual: str) -> tuple[str, ...]:
            token = environment.get(usual) if named is None else held(named, "a token")
            return (token,) if token else ()

        secrets = {
            topic: held(name, f"the secret of the topic {topic!r}") for topic, name in (event_secrets or {}).items()
        }
        return cls(
            read_tokens=tokens(read_token, READ_TOKEN),
            manage_tokens=tokens(manage_token, MANAGE_TOKEN),
            event_secrets=secrets,
            **more,
        )

    @property
    def has_tokens(self) -> bool:
        """Whether anybody was given a token."""
        return bool(self.read_tokens or self.manage_tokens)

    @property
    def names(self) -> frozenset[str]:
        """The names that a Host header may have, lower-cased, without a port."""
        return frozenset(name.lower().strip("[]") for name in (*LOOPBACK, self.host, *self.allowed_hosts))


def random_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(24)


def _check_token(name: str, token: str) -> None:
    if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise InvalidOptions(
            f"a token for {name} has {len(token)} characters, or some that no header can hold; write at least "
            f"{SHORTEST_TOKEN} letters and digits, for example what `openssl rand -hex 24` prints"
        )
