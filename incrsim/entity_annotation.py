"""The engine's own annotation: it says which provider an entity is from (C-6).

It can be told from the row that owns the entity, so no store keeps it: it is taken off what comes in, and put on what
is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import orjson

from incrsim.entity_rules import PROVIDER_ANNOTATION

# Where it goes when the first other annotation sorts after it ("@" comes before every letter): true for nearly all
# entities, and several times faster than to read and write the body again.
_BEFORE_FIRST_ANNOTATION = re.compile(
    rb'\{"apiVersion":"[^"\\]*","kind":"[^"\\]*","metadata":\{"annotations":\{(?="[A-Za-z])'
)


def annotated(canonical: bytes, provider: str) -> bytes:
    """An entity's JSON as the catalog shows it: with the annotation that names its provider, keys still sorted.

    Args:
        canonical: the JSON of a valid entity, keys sorted, without that annotation.
        provider: the provider's name.
    """
    if head := _BEFORE_FIRST_ANNOTATION.match(canonical):
        annotation = orjson.dumps(PROVIDER_ANNOTATION) + b":" + orjson.dumps(provider) + b","
        return canonical[: head.end()] + annotation + canonical[head.end() :]
    body = orjson.loads(canonical)
    body["metadata"]["annotations"][PROVIDER_ANNOTATION] = provider
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)


def unannotated(body: Mapping[str, object]) -> Mapping[str, object]:
    """What a source says: exported entities come back with the annotation, which is no part of it.

    Args:
        body: an entity's body, whatever it holds; it is not changed.
    """
    metadata = body.get("metadata")
    if type(metadata) is dict:
        annotations = metadata.get("annotations")
        if type(annotations) is dict and PROVIDER_ANNOTATION in annotations:
            rest = {key: value for key, value in annotations.items() if key != PROVIDER_ANNOTATION}
            return {**body, "metadata": {**metadata, "annotations": rest}}
    return body
