"""Tickers turned by hand, on Postgres's own clock or on one that the test sets; and systems of real processes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime

import pytest

from tests.museum.timed import TimedHand
from tests.races.conftest import make_system, system, trace
from tests.scheduler.conftest import hand

__all__ = ["hand", "make_system", "make_timed", "system", "trace"]


@pytest.fixture
def make_timed(database: str) -> Iterator[Callable[..., TimedHand]]:
    """Makes a hand whose clock stands at the instant given, with weeks for the runs of the days that follow."""
    with ExitStack() as stack:

        def make(at: datetime, days: int = 3) -> TimedHand:
            timed = TimedHand(database, at)
            stack.callback(timed.close)
            timed.value("select make_partitions(now(), now() + make_interval(days => %s))", days)
            return timed

        yield make
