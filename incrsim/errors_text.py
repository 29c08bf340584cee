"""What an error says, as text that every store can hold."""

from __future__ import annotations

MESSAGE_LIMIT = 15_800
"""How many bytes of an error's message are kept: 16 kB, less the note that a rate limit was cut (C-17, C-18)."""


def text_of(error: BaseException) -> str:
    """What an error says; its type where it says nothing, or cannot."""
    try:
        return str(error) or type(error).__name__
    except Exception:  # noqa: BLE001  # an error that cannot even say what it is must not hide that there was one
        return f"{type(error).__name__}, whose text cannot be read"


def escaped(text: str) -> str:
    """Text that every store can hold: control characters and lone surrogates escaped, at most 16 kB."""
    printable = "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)
    data = printable.encode()
    return data[:MESSAGE_LIMIT].decode(errors="ignore") + ("…" if len(data) > MESSAGE_LIMIT else "")
