"""What was passed, as errors may show it: they end up in logs and tickets."""

from __future__ import annotations

import re
from collections.abc import Mapping

_SECRET_NAME = re.compile("token|secret|passw|pwd|key|credential|dsn", re.IGNORECASE)
_PASSWORD_IN_URL = re.compile(r"(?<=://)([^\s/:@]*):[^\s/@]+(?=@)")


def shown(name: str, value: object) -> str:
    """An argument's value, unless its name says that it is a secret, and without the password of a URL."""
    return "…" if _SECRET_NAME.search(name) else without_passwords(repr(value))


def without_secrets(text: str, arguments: Mapping[str, object]) -> str:
    """A text that may tell of arguments, without those that are secrets, and without passwords of URLs."""
    secrets = [str(value) for name, value in arguments.items() if value and _SECRET_NAME.search(name)]
    for secret in sorted(secrets, key=len, reverse=True):  # one may be a part of another
        text = text.replace(secret, "…")
    return without_passwords(text)


def without_passwords(text: str) -> str:
    """A text, without the passwords of the URLs in it."""
    return _PASSWORD_IN_URL.sub(r"\1:…", text)
