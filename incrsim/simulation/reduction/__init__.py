"""Makes a violating scenario small: `reducing` is where to begin."""
