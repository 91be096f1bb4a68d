"""Many tickers, many slots, one second: each slot once."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from tests import make
from tests.races.traces import lines
from tests.system import System

pytestmark = pytest.mark.race


@pytest.mark.timeout(180)
def test_ten_tickers_and_a_thousand_slots_in_one_second_make_a_thousand_runs(system: System, trace: Path) -> None:
    tickers = [system.ticker(wait=False) for _ in range(10)]
    for ticker in tickers:
        ticker.until_says("ticker.started", 60)
    system.worker()
    at = make.now(system.conn) + timedelta(seconds=3)
    with system.conn.transaction():
        for number in range(1000):
            make.schedule(
                system.conn,
                system.tenant,
                kind="test.record",
                params={"file": str(trace)},
                scheduled_at=at + timedelta(milliseconds=number % 100 * 10),
            )
    system.notify()

    system.until_states(90, succeeded=1000)

    runs = Counter(line.run for line in lines(trace))
    assert len(runs) == 1000
    assert set(runs.values()) == {1}
    assert system.value("select count(distinct schedule_id) from runs") == 1000
