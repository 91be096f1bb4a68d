"""Where a claim begins: on from the last one, and in a while at the beginning, for no more than a share of the time."""

from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import UUID

import pytest

from scheduler import frontier as module
from scheduler.frontier import FIRST_ID, LONG_AGO, Frontier

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
LAST = UUID(int=7)


class Clocked:
    """A frontier, and the clock that it asks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.now))
        self.frontier = Frontier()

    def claim(self, seconds: float) -> bool:
        """A claim that takes so long and finds something; whether it began at the beginning."""
        self.frontier.open()
        is_whole = (self.frontier.at, self.frontier.id) == (LONG_AGO, FIRST_ID)
        self.now += seconds
        self.frontier.close((NOON, LAST))
        return is_whole


@pytest.fixture
def clocked(monkeypatch: pytest.MonkeyPatch) -> Clocked:
    return Clocked(monkeypatch)


def test_a_claim_begins_where_the_last_one_ended(clocked: Clocked) -> None:
    assert clocked.claim(0.01)
    assert not clocked.claim(0.01)
    assert (clocked.frontier.at, clocked.frontier.id) == (NOON, LAST)


@pytest.mark.parametrize(("took", "later"), [(0.01, 2.0), (0.5, 10.0)])
def test_the_whole_is_looked_at_for_a_share_of_the_time(clocked: Clocked, took: float, later: float) -> None:
    clocked.claim(took)
    clocked.now += later - 0.1
    assert not clocked.claim(0)
    clocked.now += 0.2
    assert clocked.claim(0)


def test_whoever_was_woken_looks_at_the_whole(clocked: Clocked) -> None:
    clocked.claim(0.01)
    clocked.frontier.forget()

    assert clocked.claim(0.01)


def test_a_claim_that_failed_is_made_again_from_the_beginning(clocked: Clocked) -> None:
    clocked.frontier.open()

    assert clocked.claim(0.01)


def test_nothing_due_leaves_it_where_it_is(clocked: Clocked) -> None:
    clocked.claim(0.01)
    clocked.frontier.open()
    clocked.frontier.close(None)

    assert (clocked.frontier.at, clocked.frontier.id) == (NOON, LAST)
