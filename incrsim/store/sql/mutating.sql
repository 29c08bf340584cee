-- name: later_deltas
-- Which refs of a page a delta has set since the page was fetched (C-29).
SELECT ref FROM delta_ref WHERE provider_id = %(provider)s AND delta > %(after)s AND ref = ANY (%(refs)s)

-- name: mark_refs
-- Mark what the provider owns of these, changed or not; found by ref alone (no index knows IS NOT DISTINCT FROM), since a server that has not heard of the provider's entities yet would read all of them.
UPDATE entity SET written_in = %(ingestion)s
WHERE provider_id IS NOT DISTINCT FROM %(provider)s AND ref = ANY (%(refs)s) AND written_in <> %(ingestion)s

-- name: remove_refs
-- Remove what the provider owns of these, locked in the order of refs (C-40) and found as above.
WITH found AS MATERIALIZED (
    SELECT provider_id, id FROM entity
    WHERE provider_id IS NOT DISTINCT FROM %(provider)s AND ref = ANY (%(refs)s) ORDER BY ref FOR UPDATE
)
DELETE FROM entity USING found WHERE entity.provider_id = found.provider_id AND entity.id = found.id RETURNING ref

-- name: record_delta
-- Keep which refs a delta has set while a burst runs (C-29).
INSERT INTO delta_ref (provider_id, ref, delta)
SELECT %(provider)s, ref, %(delta)s FROM unnest(%(refs)s::text[]) AS line (ref)
ON CONFLICT (provider_id, ref) DO UPDATE SET delta = excluded.delta

-- name: known
-- What the catalog holds under these refs.
SELECT ref, name, digest, location_key FROM entity JOIN provider ON provider.id = provider_id
WHERE ref = ANY (%(refs)s) ORDER BY ref

-- name: owned
-- What a provider owns, for `plan`; what the open ingestion has marked has its whole grace again and is not approved any more; marks are read only where that matters.
WITH one AS (
    SELECT provider_id AS id, number FROM ingestion WHERE provider_id = %(provider)s AND status <> 'complete'
), marked AS MATERIALIZED (
    SELECT unnest(seen) AS id FROM mark JOIN one ON provider_id = one.id AND ingestion = number
    WHERE EXISTS (SELECT FROM streak WHERE streak.provider_id = one.id)
       OR EXISTS (SELECT FROM stale WHERE stale.provider_id = one.id AND approved)
), owned AS (
    SELECT entity.*, written_in = number AS marked, written_in = number OR id IN (SELECT id FROM marked) AS seen
    FROM entity CROSS JOIN (SELECT number FROM one) AS open
    WHERE provider_id = %(provider)s AND ref > %(after)s ORDER BY ref LIMIT %(limit)s
)
SELECT owned.ref, owned.marked,
       CASE WHEN seen THEN 0 ELSE coalesce(cycles, 0) END AS stale_cycles,
       NOT seen AND coalesce(stale.approved AND NOT stale.marked, false) AS approved
FROM owned
LEFT JOIN streak ON streak.provider_id = owned.provider_id AND streak.entity_id = owned.id
LEFT JOIN stale ON stale.provider_id = owned.provider_id AND stale.entity_id = owned.id
ORDER BY owned.ref
