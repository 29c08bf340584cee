-- name: mark_stale
-- What an ingestion marked is not among what an approval removes (C-26); where no refs are kept, no mark and no entity is read.
WITH marked AS (
    SELECT unnest(seen) AS id FROM mark
    WHERE provider_id = %(provider)s AND ingestion = %(number)s
    UNION ALL
    SELECT entity.id FROM entity JOIN stale ON stale.provider_id = entity.provider_id AND stale.entity_id = entity.id
    WHERE entity.provider_id = %(provider)s AND entity.written_in = %(number)s
)
UPDATE stale SET marked = true FROM marked
WHERE stale.provider_id = %(provider)s AND stale.entity_id = marked.id AND EXISTS (SELECT FROM stale WHERE provider_id = %(provider)s)

-- name: approve_stale
-- Approve what is still owned and was not marked since, neither by a complete ingestion nor by the open one (C-26).
WITH seen AS (
    SELECT DISTINCT unnest(seen) AS id FROM mark WHERE provider_id = %(provider)s AND ingestion = %(ingestion)s
), judged AS (
    SELECT stale.entity_id, NOT stale.marked AND entity.id IS NOT NULL AND seen.id IS NULL AS approved
    FROM stale
    LEFT JOIN entity ON entity.provider_id = stale.provider_id AND entity.id = stale.entity_id
         AND entity.written_in <> %(ingestion)s
    LEFT JOIN seen ON seen.id = stale.entity_id
    WHERE stale.provider_id = %(provider)s
), written AS (
    UPDATE stale SET approved = judged.approved FROM judged
    WHERE stale.provider_id = %(provider)s AND stale.entity_id = judged.entity_id
    RETURNING stale.approved
)
SELECT count(*) FILTER (WHERE approved) FROM written

-- name: forget_unapproved
-- Of the refs of the verdict before, only those stay whose approval this sweep uses (C-26).
DELETE FROM stale
WHERE provider_id = %(provider)s AND (NOT approved OR marked OR NOT EXISTS (
    SELECT FROM entity WHERE entity.provider_id = stale.provider_id AND entity.id = stale.entity_id
))

-- name: lapse_approval
-- An approval lasts for one sweep (C-26).
UPDATE stale SET approved = false WHERE provider_id = %(provider)s AND approved

-- name: purge_marks
-- All marks of a provider (C-34).
DELETE FROM mark WHERE provider_id = %(provider)s

-- name: purge_problems
-- All problems of a provider (C-34).
DELETE FROM problem WHERE provider_id = %(provider)s

-- name: purge_ingestions
-- All ingestions of a provider (C-34).
DELETE FROM ingestion WHERE provider_id = %(provider)s

-- name: count_owned
-- How many entities the provider owns.
SELECT count(*) FROM entity WHERE provider_id = %(provider)s

-- name: remove_owned_chunk
-- Remove one chunk of what the provider owns; says where the next one begins, nothing at the end, and for the sinks what is gone.
-- A range and no join: a server that has not heard of the provider's entities yet would compare each with each.
WITH chunk AS MATERIALIZED (
    SELECT max(id) AS last FROM (
        SELECT id FROM entity WHERE provider_id = %(provider)s AND id > %(after)s ORDER BY id LIMIT %(limit)s
    ) AS first
), gone AS (
    DELETE FROM entity WHERE provider_id = %(provider)s AND id > %(after)s AND id <= (SELECT last FROM chunk) RETURNING ref
)
SELECT (SELECT last FROM chunk), (SELECT count(*) FROM gone), (SELECT array_agg(ref ORDER BY ref) FROM gone WHERE EXISTS (SELECT FROM sink))

-- name: withdraw
-- A replica no longer serves what it does not name, and is forgotten when it was silent for too long.
DELETE FROM serving
WHERE (holder = %(holder)s AND provider <> ALL (%(providers)s::text[]))
   OR seen_at <= coalesce(%(now)s, clock_timestamp()) - %(served_for)s

-- name: announce
-- A replica says what it serves.
INSERT INTO serving (provider, holder, options, stuck, seen_at)
SELECT provider, %(holder)s, options::json, stuck, coalesce(%(now)s, clock_timestamp())
FROM unnest(%(providers)s::text[], %(options)s::text[], %(stuck)s::boolean[]) AS served (provider, options, stuck)
ORDER BY provider
ON CONFLICT (provider, holder) DO UPDATE
SET options = excluded.options, stuck = excluded.stuck, seen_at = excluded.seen_at

-- name: serving
-- Who serves these providers.
SELECT provider, holder, options, stuck, seen_at FROM serving
WHERE provider = ANY (%(names)s) AND seen_at > coalesce(%(now)s, clock_timestamp()) - %(served_for)s
ORDER BY provider, holder

-- name: latest
-- The last complete ingestion of each of these providers.
SELECT provider.name, latest.* FROM provider
CROSS JOIN LATERAL (
    SELECT * FROM ingestion
    WHERE provider_id = provider.id AND status = 'complete' ORDER BY number DESC LIMIT 1
) AS latest
WHERE provider.name = ANY (%(names)s)
