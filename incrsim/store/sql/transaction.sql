-- name: lock_provider
-- Lock a provider's row before anything else (C-40). The advisory lock beside it says in pg_locks which session holds it.
SELECT id, name, fence, last_verdict, paused, verdict, approved, deltas, pg_advisory_xact_lock(1768645234, id)
FROM provider WHERE name = %(name)s FOR UPDATE

-- name: read_open
-- The lease and the ingestion that is not complete. A statement of its own: joined to the locking one, it would show what was there, and when it was, before the wait.
SELECT clock_timestamp() AS now, lease.fence, lease.holder, lease.length, lease.expires_at,
       EXISTS (SELECT FROM sink) AS has_sinks, ingestion.*
FROM provider LEFT JOIN lease ON lease.provider_id = provider.id
LEFT JOIN ingestion ON ingestion.provider_id = provider.id AND ingestion.status <> 'complete'
WHERE provider.name = %(name)s

-- name: add_provider
-- Give a provider its row, which stays for ever.
INSERT INTO provider (name) VALUES (%(name)s) ON CONFLICT (name) DO NOTHING

-- name: save_provider
-- Write a provider's counters.
UPDATE provider
SET fence = %(fence)s, last_verdict = %(last_verdict)s, paused = %(paused)s, verdict = %(verdict)s, approved = %(approved)s,
    deltas = %(deltas)s
WHERE id = %(provider)s

-- name: save_lease
-- Take or renew the lease.
INSERT INTO lease (provider_id, fence, holder, length, expires_at)
VALUES (%(provider)s, %(fence)s, %(holder)s, %(length)s, %(expires_at)s)
ON CONFLICT (provider_id) DO UPDATE
SET fence = excluded.fence, holder = excluded.holder, length = excluded.length, expires_at = excluded.expires_at

-- name: give_lease_back
-- Nobody works on the provider now, and no page is in flight that could undo a delta (C-29).
WITH forgotten AS (DELETE FROM delta_ref WHERE provider_id = %(provider)s)
DELETE FROM lease WHERE provider_id = %(provider)s

-- name: renew_lease
-- Renew a lease from another session, while this fence still holds it (C-27).
UPDATE lease SET expires_at = greatest(expires_at, coalesce(%(now)s, clock_timestamp()) + length)
WHERE provider_id = (SELECT id FROM provider WHERE name = %(name)s) AND fence = %(fence)s

-- name: sessions_holding
-- Which other sessions hold a provider whose lease has expired (C-40).
SELECT pid FROM pg_locks, provider, lease
WHERE provider.name = %(name)s AND lease.provider_id = provider.id
  AND lease.expires_at <= coalesce(%(now)s, clock_timestamp())
  AND locktype = 'advisory' AND granted AND pid <> pg_backend_pid()
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND classid = 1768645234 AND objid::bigint = provider.id AND objsubid = 2

-- name: end_session
-- End a session that kept a provider locked past its lease.
SELECT pg_terminate_backend(%(pid)s)

-- name: save_ingestion
-- Write an ingestion, new or not.
INSERT INTO ingestion (
    provider_id, number, status, due_at, attempts, sweep_due, expired_before, cursor, pages,
    returned, valid, added, updated, unchanged, removed, invalid, lost, unreadable,
    scheduled_at, started_at, completed_at, outcome, last_error, verdict
) VALUES (
    %(provider)s, %(number)s, %(status)s, %(due_at)s, %(attempts)s, %(sweep_due)s, %(expired_before)s, %(cursor)s, %(pages)s,
    %(returned)s, %(valid)s, %(added)s, %(updated)s, %(unchanged)s, %(removed)s, %(invalid)s, %(lost)s, %(unreadable)s,
    %(scheduled_at)s, %(started_at)s, %(completed_at)s, %(outcome)s, %(last_error)s, %(verdict)s
)
ON CONFLICT (provider_id, number) DO UPDATE SET
    status = excluded.status, due_at = excluded.due_at, attempts = excluded.attempts, sweep_due = excluded.sweep_due,
    expired_before = excluded.expired_before, cursor = excluded.cursor, pages = excluded.pages,
    returned = excluded.returned, valid = excluded.valid, added = excluded.added, updated = excluded.updated,
    unchanged = excluded.unchanged, removed = excluded.removed, invalid = excluded.invalid, lost = excluded.lost,
    unreadable = excluded.unreadable, started_at = excluded.started_at, completed_at = excluded.completed_at,
    outcome = excluded.outcome, last_error = excluded.last_error, verdict = excluded.verdict

-- name: reset_streaks
-- What a complete ingestion marked has its whole grace again, swept or not (C-25); where nothing has used any, no mark and no entity is read.
WITH marked AS (
    SELECT unnest(seen) AS id FROM mark
    WHERE provider_id = %(provider)s AND ingestion = %(number)s
    UNION ALL
    SELECT entity.id FROM entity JOIN streak ON streak.provider_id = entity.provider_id AND streak.entity_id = entity.id
    WHERE entity.provider_id = %(provider)s AND entity.written_in = %(number)s
)
DELETE FROM streak USING marked
WHERE streak.provider_id = %(provider)s AND streak.entity_id = marked.id AND EXISTS (SELECT FROM streak WHERE provider_id = %(provider)s)

-- name: forget_marks
-- The marks of an ingestion that is complete go in bulk (C-19).
DELETE FROM mark WHERE provider_id = %(provider)s AND ingestion = %(number)s

-- name: forget_history
-- Ingestions older than those that stay readable go, and their problems with them (C-19).
DELETE FROM ingestion WHERE provider_id = %(provider)s AND number <= %(oldest)s AND status = 'complete'
