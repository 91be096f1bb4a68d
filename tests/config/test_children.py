"""A supervisor's children: replaced soon, ever later while none of them lives, and told of once for each way to end."""

import subprocess
import sys
from subprocess import Popen

import pytest

from config.children import LONGEST_PAUSE, Child, Died, keep_alive
from config.signals import SignalEvent

ENDS = [sys.executable, "-SEc", "raise SystemExit(3)"]


class Place:
    """One place whose children end as it is told, by a clock of its own."""

    def __init__(self) -> None:
        self.before: list[int | None] = []
        self.now = 0.0
        self.child = Child(self._start, self.now)

    def _start(self, before: int | None) -> Popen[bytes]:
        self.before.append(before)
        process = Popen.__new__(Popen)
        process.pid, process.returncode = len(self.before), None
        process.poll = lambda: process.returncode  # type: ignore[method-assign]
        return process

    def end(self, status: int, after: float = 0.5) -> Died:
        """Lets the child end so many seconds after it began, and the place look until another one is there."""
        self.now += after
        self.child.process.returncode = status
        died = self.child.look(self.now)
        assert died is not None
        self.now += died.next_try_in - 0.25
        assert self.child.look(self.now) is None
        began = len(self.before)
        self.now += 0.25
        assert self.child.look(self.now) is None
        assert len(self.before) == began + 1
        return died


@pytest.fixture
def place() -> Place:
    """A place with a child that has just begun."""
    return Place()


def test_the_pause_doubles_up_to_its_most_while_none_lives(place: Place) -> None:
    pauses = [place.end(1).next_try_in for _ in range(7)]
    assert pauses == [1, 2, 4, 8, 16, LONGEST_PAUSE, LONGEST_PAUSE]


def test_one_that_lived_is_replaced_as_the_first(place: Place) -> None:
    for _ in range(4):
        place.end(1)
    died = place.end(1, after=10)
    assert (died.next_try_in, died.is_news) == (1, True)
    assert place.end(1).next_try_in == 2


def test_the_same_end_is_news_once_and_another_one_again(place: Place) -> None:
    assert [place.end(status).is_news for status in (78, 78, 78, 1, 1, 78)] == [True, False, False, True, False, True]


def test_the_next_is_told_how_the_one_before_ended(place: Place) -> None:
    for status in (78, 1):
        place.end(status)
    assert place.before == [None, 78, 1]


def test_a_place_that_waits_holds_up_no_other_and_leaves_nobody_to_end() -> None:
    stopping, died = SignalEvent(), list[Died]()

    def tell(each: Died) -> None:
        died.append(each)
        if len(died) == 2:
            stopping.set()

    starts = [lambda _: subprocess.Popen(ENDS), lambda _: subprocess.Popen(ENDS)]
    assert keep_alive(starts, stopping, tell) == []
    assert [(each.status, each.next_try_in) for each in died] == [(3, 1), (3, 1)]
