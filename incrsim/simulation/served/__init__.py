"""A source behind a real HTTP API on loopback: `serving` is where to begin."""
