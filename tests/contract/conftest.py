"""The suites below are inherited, so pytest must be told that their assertions want explaining too."""

import pytest

pytest.register_assert_rewrite(
    *(
        f"tests.contract.{name}"
        for name in (
            "approvals",
            "claims",
            "failures",
            "guards",
            "hostile",
            "operators",
            "deltas",
            "full",
            "ownership",
            "pages",
            "reading",
            "sweeps",
            "upstream",
        )
        for name in ("claims", "failures", "guards", "ownership", "pages", "reading", "sinks", "sweeps")
    )
)
