-- Sinks: what other systems are told of the catalog, and how far each has got (C-12).

-- The number of the provider's last outbox row: counted under the row's lock, so in the order of commits.
ALTER TABLE provider ADD COLUMN outbox bigint NOT NULL DEFAULT 0;

-- Every transaction that changes entities reads this table before it does: whoever registers a sink locks it, and so
-- waits for them, and lets none begin that would not see the new one.
CREATE TABLE sink (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name            text COLLATE "C" NOT NULL UNIQUE,
    registered_at   timestamptz NOT NULL,
    holder          text,  -- the replica that delivers now
    held_until      timestamptz,
    failing_since   timestamptz,
    last_error      text
) WITH (fillfactor = 50);  -- rewritten by each delivery

-- Without a row a sink has nothing yet of a provider that was added after it, and so from the first row on.
CREATE TABLE sink_position (
    sink_id         integer NOT NULL REFERENCES sink ON DELETE CASCADE,
    provider_id     integer NOT NULL,
    sequence        bigint NOT NULL,  -- the last outbox row that it has
    resync_after    text COLLATE "C",  -- the last ref that it was given again, during a resync
    turn            bigint NOT NULL,  -- of sink_turn: a confirmation that comes too late does not find it any more
    PRIMARY KEY (sink_id, provider_id)
) WITH (fillfactor = 50);

CREATE SEQUENCE sink_turn;

-- Refs, not bodies: an entity that changes often is read once, as it is at delivery.
CREATE TABLE outbox (
    provider_id     integer NOT NULL,
    sequence        bigint NOT NULL,
    ingestion       bigint,
    removed         boolean NOT NULL,
    ref             text COLLATE "C" NOT NULL,
    PRIMARY KEY (provider_id, sequence)
);
