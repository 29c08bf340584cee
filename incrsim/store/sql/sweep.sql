-- name: plan_sweep
-- A hash anti-join with room for its table, also on tables that were never analysed: a nested loop over all marks would take for ever.
SELECT set_config('work_mem', '32MB', true), set_config('enable_nestloop', 'off', true)

-- name: plan_removal
-- Each chunk is small: found by key.
SELECT set_config('enable_nestloop', 'on', true)

-- name: forget_stale
-- What the verdict before this one found goes (C-26).
DELETE FROM stale WHERE provider_id = %(provider)s

-- name: collect_stale
-- Owned and not marked: not written in this ingestion, and in none of its marks. What was approved is there already.
WITH marked AS (
    SELECT unnest(seen) AS id FROM mark WHERE provider_id = %(provider)s AND ingestion = %(ingestion)s
)
INSERT INTO stale (provider_id, entity_id, removable, ref)
SELECT owned.provider_id, owned.id, coalesce(streak.cycles, 0) >= %(grace)s, owned.ref
FROM (
    SELECT provider_id, id, ref FROM entity WHERE provider_id = %(provider)s AND written_in <> %(ingestion)s OFFSET 0
) AS owned
LEFT JOIN streak ON streak.provider_id = owned.provider_id AND streak.entity_id = owned.id
WHERE NOT EXISTS (SELECT FROM marked WHERE marked.id = owned.id)
  AND NOT EXISTS (SELECT FROM stale WHERE stale.provider_id = %(provider)s AND stale.entity_id = owned.id)

-- name: count_marked
-- What is owned, what of it was there before the ingestion (C-23), and what the ingestion has written.
SELECT count(*), count(*) FILTER (WHERE added_in <> %(ingestion)s), count(*) FILTER (WHERE written_in = %(ingestion)s)
FROM entity WHERE provider_id = %(provider)s

-- name: count_stale
-- What was found stale, what of it this sweep would remove, and what of that was approved (C-26).
SELECT count(*), count(*) FILTER (WHERE removable), count(*) FILTER (WHERE approved)
FROM stale WHERE provider_id = %(provider)s

-- name: remove_chunk
-- Remove one chunk of what was collected, is still owned and was not written since; says where the next one begins, nothing at the end, and for the sinks what is gone.
-- The whole key comes from the chunk: a server that has not heard of the provider's entities yet would read all of them for each of its rows.
WITH chunk AS MATERIALIZED (
    SELECT provider_id, entity_id FROM stale
    WHERE provider_id = %(provider)s AND removable AND entity_id > %(after)s
    ORDER BY entity_id LIMIT %(limit)s
), gone AS (
    DELETE FROM entity USING chunk
    WHERE entity.provider_id = chunk.provider_id AND entity.id = chunk.entity_id AND entity.written_in <> %(ingestion)s
    RETURNING entity.ref
)
SELECT (SELECT max(entity_id) FROM chunk), (SELECT count(*) FROM gone), (SELECT array_agg(ref ORDER BY ref) FROM gone WHERE EXISTS (SELECT FROM sink))

-- name: count_streaks
-- One more cycle of grace is used by what is stale and stays (C-25).
INSERT INTO streak (provider_id, entity_id, cycles)
SELECT provider_id, entity_id, 1 FROM stale WHERE provider_id = %(provider)s AND NOT removable
ON CONFLICT (provider_id, entity_id) DO UPDATE SET cycles = streak.cycles + 1

-- name: end_streaks
-- What was marked, or is gone, begins anew (C-25).
DELETE FROM streak
WHERE provider_id = %(provider)s AND NOT EXISTS (
    SELECT FROM stale
    WHERE stale.provider_id = streak.provider_id AND stale.entity_id = streak.entity_id AND NOT stale.removable
)

-- name: hide_kept
-- A refused sweep keeps the refs that it would have removed, and only those (C-26).
DELETE FROM stale WHERE provider_id = %(provider)s AND NOT removable
