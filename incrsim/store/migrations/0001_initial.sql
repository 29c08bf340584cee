-- The tables of PostgresStore (PostgreSQL 15 and newer). Why each looks as it does: benchmarks/design.md.
-- Runs inside the migration's transaction, with search_path set to the store's schema.

-- One row per provider, for ever: its fence only grows, also through purges (C-34, C-37). Every transaction locks it first (C-40).
CREATE TABLE provider (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name            text COLLATE "C" NOT NULL UNIQUE CHECK (char_length(name) BETWEEN 1 AND 255),
    fence           bigint NOT NULL DEFAULT 0 CHECK (fence >= 0),
    last_verdict    bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);  -- rewritten by claims: room for HOT updates

-- Apart from the provider, so that another session renews it while a sweep holds the provider's row (C-27).
CREATE TABLE lease (
    provider_id     integer PRIMARY KEY REFERENCES provider,
    fence           bigint NOT NULL,
    holder          text NOT NULL,
    length          interval NOT NULL,  -- each renewal lasts as long
    expires_at      timestamptz NOT NULL
) WITH (fillfactor = 50);  -- rewritten by every page

CREATE TABLE ingestion (
    provider_id     integer NOT NULL REFERENCES provider,
    number          bigint NOT NULL,
    status          text NOT NULL CHECK (status IN
                        ('scheduled', 'bursting', 'interstitial', 'backing off', 'sweeping', 'resting', 'complete')),
    due_at          timestamptz CHECK ((due_at IS NULL) = (status = 'complete')),
    attempts        integer NOT NULL DEFAULT 0,
    sweep_due       boolean NOT NULL DEFAULT false,
    expired_before  boolean NOT NULL DEFAULT false,
    cursor          text,
    pages           bigint NOT NULL DEFAULT 0,
    returned        bigint NOT NULL DEFAULT 0,
    valid           bigint NOT NULL DEFAULT 0,
    added           bigint NOT NULL DEFAULT 0,
    updated         bigint NOT NULL DEFAULT 0,
    unchanged       bigint NOT NULL DEFAULT 0,
    removed         bigint NOT NULL DEFAULT 0,
    invalid         bigint NOT NULL DEFAULT 0,
    lost            bigint NOT NULL DEFAULT 0,
    unreadable      bigint NOT NULL DEFAULT 0,
    scheduled_at    timestamptz NOT NULL,
    started_at      timestamptz,
    completed_at    timestamptz,
    outcome         text CHECK (outcome IN ('swept', 'refused', 'canceled', 'failed')),
    last_error      json,
    verdict         json,
    PRIMARY KEY (provider_id, number)
) WITH (fillfactor = 50);

-- C-15: at most one that is not complete.
CREATE UNIQUE INDEX ingestion_one_open ON ingestion (provider_id) WHERE status <> 'complete';

-- One row per committed page. `seen` packs the ids of what the page returned and did not write; what it wrote carries
-- entity.written_in instead. A logged table: an UNLOGGED one is emptied by a crash, and the next sweep would remove everything.
CREATE TABLE mark (
    provider_id     integer NOT NULL,
    ingestion       bigint NOT NULL,
    sequence        bigint NOT NULL,
    cursor          text,
    cursor_digest   bytea,
    seen            bigint[] NOT NULL,
    counts          json NOT NULL,
    committed_at    timestamptz NOT NULL,
    PRIMARY KEY (provider_id, ingestion, sequence),
    FOREIGN KEY (provider_id, ingestion) REFERENCES ingestion ON DELETE CASCADE
);
ALTER TABLE mark ALTER COLUMN seen SET STORAGE EXTERNAL;  -- compressing ids of a shuffled source costs more than writing them

-- C-5: a cursor that comes back would never end. A done page has none.
CREATE UNIQUE INDEX mark_cursor_once ON mark (provider_id, ingestion, cursor_digest) WHERE cursor_digest IS NOT NULL;

-- No foreign key to provider: it costs a trigger call per loaded row, and provider rows are never deleted.
-- Wide columns last; the order keeps the fixed ones free of padding.
CREATE TABLE entity (
    id              bigint GENERATED ALWAYS AS IDENTITY,
    written_in      bigint NOT NULL,  -- ingestion that last inserted, updated or took over this row
    added_in        bigint NOT NULL,  -- ingestion in which its owner got it: C-23's base is what is older
    provider_id     integer NOT NULL,
    digest          bytea NOT NULL CHECK (octet_length(digest) = 16),
    ref             text COLLATE "C" NOT NULL,
    location_key    text,
    body            text NOT NULL,  -- as the source said it: the engine's annotation follows from provider_id (C-6)
    PRIMARY KEY (provider_id, id),
    UNIQUE (ref)
);

-- What the last verdict found stale, judged and, when the guards agree, removed from here (C-26, C-27).
CREATE TABLE stale (
    provider_id     integer NOT NULL,
    entity_id       bigint NOT NULL,
    removable       boolean NOT NULL,  -- past its grace (C-25)
    ref             text COLLATE "C" NOT NULL,
    PRIMARY KEY (provider_id, entity_id)
);

-- Sweeps in a row that found an entity stale and kept it, for removal_grace_cycles (C-25).
CREATE TABLE streak (
    provider_id     integer NOT NULL,
    entity_id       bigint NOT NULL,
    cycles          integer NOT NULL CHECK (cycles > 0),
    PRIMARY KEY (provider_id, entity_id)
);

CREATE TABLE problem (
    id              bigint GENERATED ALWAYS AS IDENTITY,
    provider_id     integer NOT NULL,
    ingestion       bigint NOT NULL,
    sequence        bigint NOT NULL,
    key             bytea NOT NULL,  -- digest of what makes it the same problem: recorded once per ingestion (C-7)
    kind            text NOT NULL,
    message         text NOT NULL,
    ref             text COLLATE "C",
    field           text,
    rule            text,
    PRIMARY KEY (provider_id, id),
    UNIQUE (provider_id, ingestion, key),
    FOREIGN KEY (provider_id, ingestion) REFERENCES ingestion ON DELETE CASCADE
);
