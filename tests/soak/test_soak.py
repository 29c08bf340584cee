"""A short soak; `make soak` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.soaking import soak


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_workers_live_and_die(database_url: str, tmp_path: Path) -> None:
    """While one of four workers is killed every other second and another sleeps past its leases, no page is committed
    twice and nothing that the source held throughout is ever missing; afterwards catalogs equal sources.
    """
    soaked = soak(database_url, tmp_path, seconds=10)
    assert soaked.findings == [], (tmp_path / "workers.log").read_text()[-4000:]
    assert soaked.exits == {143}
    assert soaked.done_to_workers["killed"] >= 3
