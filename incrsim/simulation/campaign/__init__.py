"""Many scenarios over all cores: the `campaign` itself, its `workers` and `file`, the `row` of each scenario, their
`coverage`, and the `result`.

Nothing is imported here: a reduction needs rows, and a campaign reductions.
"""
