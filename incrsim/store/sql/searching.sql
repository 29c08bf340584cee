-- name: find
-- Entities that may match a query, in the order of their refs; a text that is not all ASCII may match in ways that only Python knows.
SELECT ref, name, body, digest, location_key FROM entity JOIN provider ON provider.id = provider_id
WHERE ref > %(after)s AND ref >= %(low)s AND ref < %(high)s AND ref LIKE %(within)s
AND (%(provider)s::text IS NULL OR provider_id = (SELECT id FROM provider WHERE name = %(provider)s))
AND body COLLATE "C" LIKE ALL (%(fragments)s::text[])
AND (ref LIKE %(in_ref)s OR lower(body COLLATE "C") LIKE %(in_body)s OR octet_length(body) <> length(body))
ORDER BY ref LIMIT %(limit)s

-- name: count_found
-- How many entities match a query that can be answered without their bodies.
SELECT count(*) FROM entity WHERE ref >= %(low)s AND ref < %(high)s AND ref LIKE %(within)s
AND (%(provider)s::text IS NULL OR provider_id = (SELECT id FROM provider WHERE name = %(provider)s))

-- name: count_by_kind
-- How many entities there are of each kind, by the beginning of their refs.
SELECT split_part(ref, ':', 1) AS kind, count(*) FROM entity GROUP BY kind ORDER BY kind

-- name: count_by_provider
-- How many entities each provider owns.
SELECT name, coalesce(owned, 0) FROM provider
LEFT JOIN (SELECT provider_id, count(*) AS owned FROM entity GROUP BY provider_id) AS counted ON provider_id = provider.id
ORDER BY name
