"""Where entities, marks and ingestions live: one contract, a memory store and a Postgres store."""
