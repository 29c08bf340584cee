"""Entities, cursors and their JSON, as a careless hand would check and write them."""

from __future__ import annotations

import re
from enum import Enum
from hashlib import blake2b
from json import JSONEncoder
from typing import TYPE_CHECKING
from uuid import UUID

from incrsim import cursor, entity, entity_annotation, entity_glance, entity_rules, exact_json, kinds
from incrsim.entity import Entity
from incrsim.exact_json import Dialect
from tests.mutants.registry import mutant

if TYPE_CHECKING:
    from tests.mutants.patch import Patch

# --- cursors ----------------------------------------------------------------------------------------------------------


@mutant("C-4", "true is written as 1", also=("slow",))
def true_becomes_one(patch: Patch) -> None:
    patch.rewrite(cursor.canonical_cursor, "encode(value)", "encode(int(value) if isinstance(value, int) else value)")


@mutant("C-4", "keys are written in the order in which they come", also=("slow",))
def cursor_keys_unsorted(patch: Patch) -> None:
    patch.replace(cursor, "_ENCODER", JSONEncoder(separators=(",", ":"), allow_nan=False))


@mutant("C-4", "letters are written as they are, and counted by letter instead of byte", also=("slow",))
def cursor_not_ascii(patch: Patch) -> None:
    unlike = JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    patch.replace(cursor, "_ENCODER", unlike)


@mutant("C-4", "NUL is taken away so that Postgres takes the text")
def nul_taken_from_cursor(patch: Patch) -> None:
    patch.rewrite(cursor.canonical_cursor, "return text", r'return text.replace("\\u0000", "")')


@mutant("C-4", "tuples and enum members are taken, although they come back as something else")
def cursor_converted(patch: Patch) -> None:
    taken = Dialect(cursor._DIALECT.integers, cursor.MAX_CURSOR_DEPTH, converted=(tuple, Enum, UUID))
    patch.replace(cursor, "_DIALECT", taken)


@mutant("C-4", "exactly 64 kB are refused")
def cursor_limit_is_refused(patch: Patch) -> None:
    patch.rewrite(cursor.canonical_cursor, "> MAX_CURSOR_BYTES", ">= MAX_CURSOR_BYTES")


@mutant("C-4", "a cursor is taken one level deeper than the limit")
def cursor_too_deep(patch: Patch) -> None:
    patch.rewrite(exact_json._container_defects, "level >= dialect.depth", "level > dialect.depth")


# --- what an entity is ------------------------------------------------------------------------------------------------


@mutant("C-6", "a ref keeps the case of the source")
def ref_keeps_case(patch: Patch) -> None:
    patch.rewrite(entity._ref, '{name}".lower()', '{name}"')


@mutant(("C-6", "C-7"), "an entity with an empty name has a ref")
def empty_name_has_ref(patch: Patch) -> None:
    patch.rewrite(entity._ref, "not (kind and namespace and name)", "not (kind and namespace)")


@mutant("C-6", "NaN is written as null, without a word")
def nan_becomes_null(patch: Patch) -> None:
    patch.rewrite(Entity.__init__, 'if text.rfind(b"null") >= 0 and orjson.loads(text) != body:', "if False:")


@mutant("C-6", "nobody looks for NUL in an entity")
def nul_in_entity(patch: Patch) -> None:
    patch.rewrite(Entity.violations, "if _NUL in text:", "if False:")


@mutant("C-6", "the provider's name stands before all other annotations, wherever it belongs", also=("slow",))
def annotation_unsorted(patch: Patch) -> None:
    anywhere = rb'\{"apiVersion":"[^"\\]*","kind":"[^"\\]*","metadata":\{"annotations":\{(?=")'
    patch.replace(entity_annotation, "_BEFORE_FIRST_ANNOTATION", re.compile(anywhere))


@mutant(("C-6", "C-11"), "the engine's own annotation counts as a part of what the source says")
def own_annotation_counts(patch: Patch) -> None:
    patch.rewrite(
        entity_annotation.unannotated,
        "if type(annotations) is dict and PROVIDER_ANNOTATION in annotations:",
        "if False:",
    )


@mutant("C-11", "an empty location key has the digest of none")
def empty_location_key_forgotten(patch: Patch) -> None:
    patch.rewrite(entity._digest_of, "if location_key is not None:", "if location_key:")


@mutant("C-11", "the digest stays when the rules change", also=("slow",))
def digest_without_rules(patch: Patch) -> None:
    patch.replace(entity, "_NO_DIGEST", blake2b(digest_size=16))


# --- which entities are valid -----------------------------------------------------------------------------------------


@mutant("C-6", "a name may not hold two hyphens in a row, as a tag may not")
def name_with_single_hyphens(patch: Patch) -> None:
    patch.replace(entity_rules, "is_name", re.compile(r"(?=.{1,63}\Z)[A-Za-z0-9]+(?:[-_.][A-Za-z0-9]+)*").fullmatch)


@mutant("C-6", "a kind may end in a newline, which `$` lets through")
def kind_ends_in_newline(patch: Patch) -> None:
    patch.replace(entity_rules, "_matches_kind", re.compile(r"[a-zA-Z][a-z0-9A-Z]{0,62}$").match)


@mutant("C-6", "a glance takes any key of an annotation", also=("slow",))
def glance_takes_any_key(patch: Patch) -> None:
    patch.rewrite(entity_glance.plainly_valid, "and _are_keys(annotations)", "")


@mutant("C-6", "an entity without any annotation needs no location")
def locations_forgotten(patch: Patch) -> None:
    patch.rewrite(entity_rules._check_metadata, 'if "annotations" not in metadata:', "if False:")


@mutant("C-6", "a ref of exactly 255 characters is refused")
def longest_ref_is_refused(patch: Patch) -> None:
    patch.rewrite(entity_rules.entity_violations, "> MAX_REF_LENGTH", ">= MAX_REF_LENGTH")


@mutant("C-6", "a helper fills in one location of the two")
def helper_forgets_origin(patch: Patch) -> None:
    patch.rewrite(kinds._annotations, "_MANAGED_BY_ORIGIN: location, ", "")


@mutant("C-7", "a helper drops annotations of a wrong type, and nobody hears of it")
def helper_hides_bad_annotations(patch: Patch) -> None:
    patch.rewrite(kinds._annotations, "return given", "return {_MANAGED_BY: location, _MANAGED_BY_ORIGIN: location}")
