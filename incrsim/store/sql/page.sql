-- name: compare_page
-- Compare refs and digests with the catalog: packed ids of what is the same, and rows only for the rest (C-11); and whether the ingestion has seen the page's cursor (C-5).
WITH page AS MATERIALIZED (
    SELECT ref COLLATE "C" AS ref, position,
           substring(%(digests)s::bytea FROM 16 * position::integer - 15 FOR 16) AS digest
    FROM string_to_table(%(refs)s::text, E'\n') WITH ORDINALITY AS line (ref, position)
), found AS MATERIALIZED (
    SELECT id, ref, provider_id, digest, location_key, written_in FROM entity
    WHERE ref = ANY (string_to_array(%(refs)s::text, E'\n') COLLATE "C")
), compared AS MATERIALIZED (
    SELECT page.position, found.*, found.provider_id = %(provider)s AND found.digest = page.digest AS same
    FROM page LEFT JOIN found ON found.ref = page.ref
)
SELECT (array_agg(id) FILTER (WHERE same))::text,
       count(*) FILTER (WHERE same AND written_in = %(ingestion)s),
       (array_agg(position) FILTER (WHERE id IS NULL))::text,
       json_agg(json_build_array(
           position, id, (SELECT name FROM provider WHERE provider.id = provider_id), location_key, encode(digest, 'hex'), written_in
       )) FILTER (WHERE NOT same),
       EXISTS (SELECT FROM mark WHERE provider_id = %(provider)s AND ingestion = %(ingestion)s AND cursor_digest = %(cursor)s)
FROM compared

-- name: look_between
-- Whether nothing is stored from one ref to another, which one look into the index tells; and the same of the cursor.
SELECT NOT EXISTS (SELECT FROM entity WHERE ref BETWEEN %(first)s::text AND %(last)s::text),
       EXISTS (SELECT FROM mark WHERE provider_id = %(provider)s AND ingestion = %(ingestion)s AND cursor_digest = %(cursor)s)

-- name: look_alike
-- Whether a sorted page is what follows its first ref in the catalog, entity by entity: packed ids, or no row if not. Reads no more than the page has.
SELECT array_agg(id)::text, count(*) FILTER (WHERE written_in = %(ingestion)s),
       EXISTS (SELECT FROM mark WHERE provider_id = %(provider)s AND ingestion = %(ingestion)s AND cursor_digest = %(cursor)s)
FROM (
    SELECT id, ref, provider_id, digest, written_in FROM entity
    WHERE ref >= %(first)s::text ORDER BY ref LIMIT octet_length(%(digests)s::bytea) / 16
) AS following
HAVING string_agg(ref, E'\n') = %(refs)s::text AND string_agg(digest, '') = %(digests)s::bytea AND bool_and(provider_id = %(provider)s)

-- name: copy_entities
-- Bring in new entities as one block.
COPY entity (written_in, added_in, provider_id, digest, ref, location_key, body) FROM STDIN

-- name: update_entities
-- Rewrite entities that this provider owns and that have changed.
-- The whole key comes from the new rows: a server that has not heard of the provider's entities yet would read all of them for each page.
WITH new AS MATERIALIZED (
    SELECT %(provider)s::integer AS provider_id, id, digest, location_key, body
    FROM unnest(%(ids)b::bigint[], %(digests)b::bytea[], %(keys)b::text[], %(bodies)b::text[]) AS line (id, digest, location_key, body)
)
UPDATE entity
SET written_in = %(ingestion)s, digest = new.digest, location_key = new.location_key, body = new.body
FROM new WHERE entity.provider_id = new.provider_id AND entity.id = new.id

-- name: take_over_entities
-- Take over entities whose owner carries the same location key (C-9).
UPDATE entity
SET written_in = %(ingestion)s, added_in = %(ingestion)s, provider_id = %(provider)s, digest = new.digest, body = new.body
FROM unnest(%(refs)b::text[], %(digests)b::bytea[], %(keys)b::text[], %(bodies)b::text[]) AS new (ref, digest, location_key, body)
WHERE entity.ref = new.ref COLLATE "C" AND entity.provider_id <> %(provider)s AND entity.location_key = new.location_key

-- name: add_mark
-- The durable record of one page.
INSERT INTO mark (provider_id, ingestion, sequence, cursor, cursor_digest, seen, counts, committed_at)
VALUES (%(provider)s, %(ingestion)s, %(sequence)s, %(cursor)s, %(cursor_digest)s, %(seen)s::text::bigint[], %(counts)s, %(now)s)

-- name: known_problems
-- Which of these problems the ingestion has recorded already.
SELECT key FROM problem WHERE provider_id = %(provider)s AND ingestion = %(ingestion)s AND key = ANY (%(keys)s)

-- name: add_problem
-- Record a problem.
INSERT INTO problem (provider_id, ingestion, sequence, key, kind, message, ref, field, rule)
VALUES (%(provider)s, %(ingestion)s, %(sequence)s, %(key)s, %(kind)s, %(message)s, %(ref)s, %(field)s, %(rule)s)

-- name: count_distinct
-- How many distinct entities the ingestion's pages returned, invalid ones included (C-7).
SELECT (
    SELECT count(*) FROM (
        SELECT unnest(seen) FROM mark WHERE provider_id = %(provider)s AND ingestion = %(ingestion)s
        UNION SELECT id FROM entity WHERE provider_id = %(provider)s AND written_in = %(ingestion)s
    ) AS marked
) + (
    SELECT count(*) FROM problem
    WHERE provider_id = %(provider)s AND ingestion = %(ingestion)s AND kind = 'invalid entity'
      AND NOT EXISTS (SELECT FROM entity WHERE entity.ref = problem.ref)
)

-- name: ids_of
-- What is stored under these refs.
SELECT id FROM entity WHERE ref = ANY(%(refs)s)
