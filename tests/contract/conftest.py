"""The suites below are inherited, so pytest must be told that their assertions want explaining too."""

import pytest

pytest.register_assert_rewrite(
    *(
        f"tests.contract.{name}"
        for name in (
            "claims",
            "deltas",
            "failures",
            "full",
            "guards",
            "ownership",
            "pages",
            "reading",
            "sweeps",
        )
    )
)
