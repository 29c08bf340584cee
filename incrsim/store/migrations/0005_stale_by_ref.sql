-- The refs of a refused removal are read in pages, in their order (C-26): each page would read and sort all of them.
CREATE INDEX stale_by_ref ON stale (provider_id, ref);
