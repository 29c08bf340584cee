"""Names and texts for entities, from whatever a source has; shared by the providers beside it."""

import re
from hashlib import blake2b

from incrsim.entity_rules import is_name

LONGEST = 63

_is_plain = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?").fullmatch
_is_namespace = re.compile(r"[a-z0-9]+(?:-+[a-z0-9]+)*").fullmatch


def entity_name(*parts: str) -> str:
    """A valid entity name, different for different parts also when refs lower-case it.

    Parts of lower-case letters, digits, dots and hyphens stay as they are: `("libc6", "amd64")` is `libc6_amd64`. All
    others become a slug for people and a digest that tells them apart, with `__` between, which the first form cannot
    hold.

    Args:
        parts: what identifies the thing in its source.
    """
    joined = "_".join(parts)
    if len(joined) <= LONGEST and all(map(_is_plain, parts)):
        return joined
    digest = blake2b(ascii(parts).encode(), digest_size=16).hexdigest()
    slug = re.sub(r"[^a-z0-9]+", "-", joined.lower())[: LONGEST - len(digest) - 2].strip("-")
    return f"{slug or 'x'}__{digest}"


def readable_name(text: str) -> str:
    """A valid entity name for a thing whose name its system keeps unique in any case: the name itself if it is valid,
    else what of it can stay, and a digest.

    Args:
        text: for example `.github`, `system:node`, or a name of 253 characters.
    """
    if is_name(text):
        return text
    digest = blake2b(text.encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", text)[: LONGEST - len(digest) - 1].strip("-._")
    return f"{slug}-{digest}" if slug else digest


def own_namespace(name: str) -> str:
    """A provider's name that is the namespace of its entities as well, so that no two providers claim the same ref.

    Raises:
        ValueError: when it cannot be a namespace.
    """
    if len(name) > LONGEST or not _is_namespace(name):
        raise ValueError(
            f"name={name!r} cannot be the namespace of its entities; "
            f'write 1 to {LONGEST} of a-z 0-9, with - only inside, as in name="web-1"'
        )
    return name


def storable(text: str) -> str:
    """The text with NUL and lone surrogates escaped, which no database takes."""
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()
