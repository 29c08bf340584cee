-- name: notify
-- Let every worker that listens hear of a provider, once this transaction has committed.
SELECT pg_notify('incrsim', name) FROM provider WHERE id = %(provider)s
