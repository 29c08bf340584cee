-- What operators need: a durable pause, the last verdict and its approval, and who serves what.

ALTER TABLE provider
    ADD COLUMN paused boolean NOT NULL DEFAULT false,   -- C-33
    ADD COLUMN verdict json,                            -- the last one, until the next or a purge (C-26)
    ADD COLUMN approved boolean NOT NULL DEFAULT false; -- whether an operator let through what it refused

-- A sweep that was judged before this migration is the last verdict still.
UPDATE provider SET verdict = ingestion.verdict
FROM ingestion
WHERE ingestion.provider_id = provider.id AND (ingestion.verdict ->> 'id')::bigint = provider.last_verdict;

ALTER TABLE stale
    ADD COLUMN approved boolean NOT NULL DEFAULT false, -- the next sweep removes it, and no guard counts it (C-26)
    ADD COLUMN marked boolean NOT NULL DEFAULT false;   -- by an ingestion since, which is complete: not approved any more

-- Which replicas serve a provider, as they announce it (C-31). Names, not ids: nothing is locked to write here.
CREATE TABLE serving (
    provider        text COLLATE "C" NOT NULL,
    holder          text COLLATE "C" NOT NULL,
    options         json NOT NULL,
    stuck           boolean NOT NULL,
    seen_at         timestamptz NOT NULL,
    PRIMARY KEY (provider, holder)
);
