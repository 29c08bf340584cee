-- Events and direct deltas (C-29, C-30).

-- How many a provider has had: a page says how many there were when its fetch began.
ALTER TABLE provider ADD COLUMN deltas bigint NOT NULL DEFAULT 0;

-- Which delta has set a ref last while a burst runs, so that a page that was fetched before does not undo it. Goes with the lease.
CREATE TABLE delta_ref (
    provider_id     integer NOT NULL,
    ref             text COLLATE "C" NOT NULL,
    delta           bigint NOT NULL,
    PRIMARY KEY (provider_id, ref)
);
