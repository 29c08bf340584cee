-- name: providers
-- The names of all providers.
SELECT name FROM provider ORDER BY name

-- name: state
-- A provider with its open ingestion and its lease.
SELECT clock_timestamp() AS now, provider.name, provider.fence AS last_fence, paused, provider.verdict AS last_verdict, approved,
       lease.fence, lease.holder, lease.length, lease.expires_at, ingestion.*
FROM provider LEFT JOIN lease ON lease.provider_id = provider.id
LEFT JOIN ingestion ON ingestion.provider_id = provider.id AND ingestion.status <> 'complete'
WHERE provider.name = %(name)s

-- name: states
-- Providers with their open ingestions and leases.
SELECT clock_timestamp() AS now, provider.name, provider.fence AS last_fence, paused, provider.verdict AS last_verdict, approved,
       lease.fence, lease.holder, lease.length, lease.expires_at, ingestion.*
FROM provider LEFT JOIN lease ON lease.provider_id = provider.id
JOIN ingestion ON ingestion.provider_id = provider.id AND ingestion.status <> 'complete'
WHERE provider.name > %(after)s ORDER BY provider.name LIMIT %(limit)s

-- name: history
-- Ingestions that are complete, the latest first.
SELECT ingestion.* FROM ingestion JOIN provider ON provider.id = provider_id
WHERE name = %(name)s AND status = 'complete' ORDER BY number DESC LIMIT %(limit)s

-- name: marks
-- Pages that the open ingestion has committed. Here and below, a key looked up first: a join would read all that come after, and sort them.
SELECT ingestion, sequence, cursor, counts, committed_at FROM mark
WHERE (provider_id, ingestion) = (
    SELECT provider_id, number FROM ingestion JOIN provider ON provider.id = provider_id
    WHERE name = %(name)s AND status <> 'complete'
) AND sequence > %(after)s ORDER BY sequence LIMIT %(limit)s

-- name: problems
-- Problems of all ingestions that are kept.
SELECT id, ingestion, sequence, kind, message, ref, field, rule FROM problem
WHERE provider_id = (SELECT id FROM provider WHERE name = %(name)s) AND id > %(after)s ORDER BY id LIMIT %(limit)s

-- name: stale
-- What the last verdict would have removed.
SELECT ref FROM stale
WHERE provider_id = (SELECT id FROM provider WHERE name = %(name)s) AND removable AND ref > %(after)s
ORDER BY ref LIMIT %(limit)s

-- name: entity
-- One entity.
SELECT ref, name, body, digest, location_key FROM entity JOIN provider ON provider.id = provider_id WHERE ref = %(ref)s

-- name: entities
-- Entities of all providers, in the order of their refs.
SELECT ref, name, body, digest, location_key FROM entity JOIN provider ON provider.id = provider_id
WHERE ref > %(after)s ORDER BY ref LIMIT %(limit)s

-- name: provider_id
-- By which its entities are found: a number that the planner sees tells it whether to walk all refs or to sort the few that it owns.
SELECT id FROM provider WHERE name = %(name)s

-- name: entities_of
-- Entities of one provider, in the order of their refs.
SELECT ref, name, body, digest, location_key FROM entity JOIN provider ON provider.id = provider_id
WHERE provider_id = %(provider)s AND ref > %(after)s ORDER BY ref LIMIT %(limit)s

-- name: count
-- How many entities there are.
SELECT count(*) FROM entity

-- name: count_of
-- How many entities a provider owns.
SELECT count(*) FROM entity WHERE provider_id = %(provider)s
