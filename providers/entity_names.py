"""Names of other systems as names of entities."""

from __future__ import annotations

import re
from hashlib import blake2b

from incrsim.entity_rules import is_name

MOST = 63


def entity_name(text: str) -> str:
    """A valid name: the text itself if it is one, else what of it can stay, and a digest that keeps it unique.

    Args:
        text: for example `.github`, `system:node`, or a name of 253 characters.
    """
    if is_name(text):
        return text
    digest = blake2b(text.encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", text)[: MOST - len(digest) - 1].strip("-._")
    return f"{slug}-{digest}" if slug else digest
