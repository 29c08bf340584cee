"""Many scenarios over all cores: the `campaign` itself, its `result`, the `row` of each, and their `coverage`."""
