-- name: add_to_outbox
-- Tell the sinks of some refs, numbered by the provider's counter.
WITH counted AS (
    UPDATE provider SET outbox = outbox + cardinality(%(refs)s::text[]) WHERE id = %(provider)s
    RETURNING outbox - cardinality(%(refs)s::text[]) AS before
)
INSERT INTO outbox (provider_id, sequence, ingestion, removed, ref)
SELECT %(provider)s, before + position, %(ingestion)s::bigint, %(removed)s, ref
FROM counted, unnest(%(refs)s::text[]) WITH ORDINALITY AS line (ref, position)

-- name: lock_sinks
-- Wait for all transactions that may change entities, and let none begin: each reads this table first (C-12).
LOCK TABLE sink IN ACCESS EXCLUSIVE MODE

-- name: add_sink
-- Register a sink, which begins with a resync of every provider.
WITH added AS (
    INSERT INTO sink (name, registered_at) VALUES (%(sink)s, coalesce(%(now)s, clock_timestamp()))
    ON CONFLICT (name) DO NOTHING RETURNING id
)
INSERT INTO sink_position (sink_id, provider_id, sequence, resync_after, turn)
SELECT added.id, provider.id, provider.outbox, '', (SELECT nextval('sink_turn')) FROM added, provider

-- name: remove_sink
-- Forget a sink and its positions.
DELETE FROM sink WHERE name = %(sink)s

-- name: trim_outboxes
-- What waited for nobody else goes.
DELETE FROM outbox USING (
    SELECT provider.id, min(CASE WHEN sink.id IS NULL THEN provider.outbox ELSE coalesce(sequence, 0) END) AS had
    FROM provider LEFT JOIN sink ON true
    LEFT JOIN sink_position ON sink_position.sink_id = sink.id AND sink_position.provider_id = provider.id
    GROUP BY provider.id
) AS every_sink
WHERE outbox.provider_id = every_sink.id AND outbox.sequence <= every_sink.had

-- name: resync_sink
-- Give a sink everything again; what it has of the outbox stays as it is.
INSERT INTO sink_position (sink_id, provider_id, sequence, resync_after, turn)
SELECT sink.id, provider.id, 0, '', (SELECT nextval('sink_turn')) FROM sink, provider WHERE sink.name = %(sink)s
ON CONFLICT (sink_id, provider_id) DO UPDATE SET resync_after = '', turn = excluded.turn

-- name: sinks
-- All sinks, and how far behind each is.
SELECT sink.name, registered_at, coalesce(sum(outbox - coalesce(sequence, 0)), 0)::bigint AS behind,
       coalesce(bool_or(resync_after IS NOT NULL), false) AS resyncing, failing_since, last_error
FROM sink LEFT JOIN provider ON true
LEFT JOIN sink_position ON sink_position.sink_id = sink.id AND sink_position.provider_id = provider.id
GROUP BY sink.id ORDER BY sink.name

-- name: lease_sink
-- Take or renew the right to deliver, if something waits; says first whether there is such a sink.
WITH leased AS (
    UPDATE sink SET holder = %(holder)s, held_until = coalesce(%(now)s, clock_timestamp()) + %(length)s
    WHERE name = %(sink)s AND (holder IS NULL OR holder = %(holder)s OR held_until <= coalesce(%(now)s, clock_timestamp()))
      AND EXISTS (
        SELECT FROM provider
        LEFT JOIN sink_position ON sink_position.sink_id = sink.id AND sink_position.provider_id = provider.id
        WHERE (%(name)s::text IS NULL OR provider.name = %(name)s)
          AND (resync_after IS NOT NULL OR outbox > coalesce(sequence, 0))
      )
    RETURNING id
)
SELECT EXISTS (SELECT FROM sink WHERE name = %(sink)s), EXISTS (SELECT FROM leased)

-- name: release_sink
-- Give the right to deliver back.
UPDATE sink SET holder = NULL, held_until = NULL WHERE name = %(sink)s AND holder = %(holder)s

-- name: next_turn
-- Of which provider the sink gets something next: the one that waits longest.
SELECT provider.name, coalesce(sequence, 0), resync_after, coalesce(turn, 0)
FROM sink CROSS JOIN provider
LEFT JOIN sink_position ON sink_position.sink_id = sink.id AND sink_position.provider_id = provider.id
WHERE sink.name = %(sink)s AND (%(name)s::text IS NULL OR provider.name = %(name)s)
  AND (resync_after IS NOT NULL OR outbox > coalesce(sequence, 0))
ORDER BY coalesce(turn, 0), provider.name LIMIT 1

-- name: waiting_rows
-- The provider's next outbox rows.
SELECT sequence, ingestion, ref, removed FROM outbox
WHERE provider_id = (SELECT id FROM provider WHERE name = %(name)s) AND sequence > %(after)s
ORDER BY sequence LIMIT %(limit)s

-- name: entities_at
-- What the catalog holds under these refs.
SELECT ref, name, body, digest, location_key FROM entity JOIN provider ON provider.id = provider_id
WHERE ref = ANY (%(refs)s)

-- name: clear_failure
-- A delivery went through.
UPDATE sink SET failing_since = NULL, last_error = NULL WHERE name = %(sink)s AND failing_since IS NOT NULL

-- name: lock_positions
-- Sinks confirm one after the other, so that the last one sees what all have.
SELECT FROM sink_position WHERE provider_id = (SELECT id FROM provider WHERE name = %(name)s) ORDER BY sink_id FOR UPDATE

-- name: save_position
-- Confirm a delivery, unless the turn has passed meanwhile.
INSERT INTO sink_position (sink_id, provider_id, sequence, resync_after, turn)
SELECT sink.id, provider.id, %(sequence)s, %(resync_after)s::text, nextval('sink_turn') FROM sink, provider
WHERE sink.name = %(sink)s AND provider.name = %(name)s
ON CONFLICT (sink_id, provider_id) DO UPDATE
SET sequence = excluded.sequence, resync_after = excluded.resync_after, turn = excluded.turn
WHERE sink_position.turn = %(turn)s

-- name: trim_outbox
-- Rows that every sink has go.
DELETE FROM outbox
WHERE provider_id = (SELECT id FROM provider WHERE name = %(name)s) AND sequence <= (
    SELECT min(coalesce(sink_position.sequence, 0)) FROM provider CROSS JOIN sink
    LEFT JOIN sink_position ON sink_position.sink_id = sink.id AND sink_position.provider_id = provider.id
    WHERE provider.name = %(name)s
)

-- name: sink_failed
-- Keep that a sink fails, and since when.
UPDATE sink SET failing_since = coalesce(failing_since, %(now)s, clock_timestamp()), last_error = %(error)s WHERE name = %(sink)s
