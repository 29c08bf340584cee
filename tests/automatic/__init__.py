"""Automatic mutation: each small change of `lifecycle.py`, `guards.py` and the sweep's SQL, judged by the oracle alone.

python -m tests.automatic                             # lifecycle.py and guards.py; the survivors at the end
python -m tests.automatic --only sweep --seeds 40
"""
