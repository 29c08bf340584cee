-- name: find
-- Entities that may match a query, among the next refs in their order; the last of these comes in any case, to go on from.
WITH looked_at AS MATERIALIZED (
    SELECT ref, provider_id, digest, location_key, body FROM entity
    WHERE ref > %(after)s AND ref >= %(low)s AND ref < %(high)s AND ref LIKE %(within)s
    AND (%(provider)s::integer IS NULL OR provider_id = %(provider)s)
    ORDER BY ref LIMIT %(window)s
)
SELECT ref, name, body, digest, location_key FROM looked_at JOIN provider ON provider.id = provider_id
-- A body that is not all ASCII may match a text in ways that only Python knows.
WHERE body COLLATE "C" LIKE ALL (%(fragments)s::text[])
AND (ref LIKE %(in_ref)s OR lower(body COLLATE "C") LIKE %(in_body)s OR octet_length(body) <> length(body))
OR ref = (SELECT max(ref) FROM looked_at)
ORDER BY ref LIMIT %(limit)s

-- name: count_found
-- How many entities match a query that can be answered without their bodies.
SELECT count(*) FROM entity WHERE ref >= %(low)s AND ref < %(high)s AND ref LIKE %(within)s
AND (%(provider)s::integer IS NULL OR provider_id = %(provider)s)

-- name: count_by_kind
-- How many entities there are of each kind, by the beginning of their refs.
SELECT split_part(ref, ':', 1) AS kind, count(*) FROM entity GROUP BY kind ORDER BY kind

-- name: count_by_provider
-- How many entities each provider owns.
SELECT name, coalesce(owned, 0) FROM provider
LEFT JOIN (SELECT provider_id, count(*) AS owned FROM entity GROUP BY provider_id) AS counted ON provider_id = provider.id
ORDER BY name
