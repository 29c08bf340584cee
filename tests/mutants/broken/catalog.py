"""The reading side of the catalog, as a careless hand would write it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incrsim import catalog_export
from incrsim.store.postgres_searching import PostgresSearching
from tests.mutants.registry import mutant

if TYPE_CHECKING:
    from tests.mutants.patch import Patch


@mutant("C-6", "an export keeps the engine's own key, which is not valid in Backstage")
def exported_under_our_key(patch: Patch) -> None:
    patch.rewrite(
        catalog_export.for_backstage, "annotations[EXPORTED_ANNOTATION] =", "annotations[PROVIDER_ANNOTATION] ="
    )


@mutant("C-13", "a search brings all rows at once", also=("postgres", "slow"))
def search_in_memory(patch: Patch) -> None:
    patch.rewrite(
        PostgresSearching._matching, "window = WINDOW if query.needs_body else chunk", "window = chunk = 10**9"
    )
