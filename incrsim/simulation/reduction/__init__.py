"""Makes a violating scenario small: `reducing` does it in `passes`, and gives a `result`.

Nothing is imported here: a campaign needs results, and a reduction a campaign's rows.
"""
