"""The loop: steps until none did anything, sleep until the next due instant, a NOTIFY or the stop."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from db.pool import Connection, Database
from scheduler.loop import Doorbell, Step, run
from tests import make
from tests.system import until


class Stepper:
    """A ticker that counts its passes and does what the test says in each."""

    def __init__(self, due: float = 3600.0) -> None:
        self.passes: list[float] = []
        self.wakes = 0
        self.due = due
        self.act: Callable[[Connection, int], int] = lambda _conn, _number: 0

    def steps(self) -> Sequence[Step]:
        return [self.step]

    def step(self, conn: Connection) -> int:
        self.passes.append(time.monotonic())
        return self.act(conn, len(self.passes))

    def next_due(self, _conn: Connection) -> float:
        return self.due

    def woken(self) -> None:
        self.wakes += 1


@pytest.fixture
def start(empty_database: str) -> Iterator[Callable[[Stepper], Doorbell]]:
    """Runs a loop in a thread, and stops it after the test."""
    running: list[tuple[Doorbell, threading.Thread]] = []

    def begin(stepper: Stepper) -> Doorbell:
        database = Database.at(empty_database)
        bell = Doorbell(database)
        thread = threading.Thread(target=run, args=(database, stepper, bell))
        thread.start()
        running.append((bell, thread))
        return bell

    yield begin
    for bell, thread in running:
        bell.stop()
        thread.join(10)
        assert not thread.is_alive()
        bell.close()


def test_a_notify_wakes_it_at_once(start: Callable[[Stepper], Doorbell], empty_database: str) -> None:
    stepper = Stepper()
    start(stepper)
    until(lambda: stepper.passes)
    with make.connect(empty_database) as conn:
        until(lambda: make.value(conn, "select count(*) from pg_stat_activity where query = 'listen tocsin'"))
        before = len(stepper.passes)
        began = time.monotonic()
        conn.execute("select pg_notify('tocsin', '')")

        until(lambda: stepper.wakes == 1)

    assert stepper.passes[before] - began < 0.5 or stepper.passes[before + 1] - began < 0.5


def test_it_sleeps_until_the_next_due_instant(start: Callable[[Stepper], Doorbell]) -> None:
    stepper = Stepper(due=0.1)
    start(stepper)
    until(lambda: len(stepper.passes) > 8)

    gaps = [after - before for before, after in zip(stepper.passes[1:], stepper.passes[2:], strict=False)]
    assert min(gaps) >= 0.09


def test_it_polls_though_nobody_tells_it_anything(start: Callable[[Stepper], Doorbell]) -> None:
    stepper = Stepper()
    start(stepper)

    until(lambda: len(stepper.passes) >= 3, 5)


def test_it_goes_on_without_sleep_while_there_is_work(start: Callable[[Stepper], Doorbell]) -> None:
    stepper = Stepper()
    stepper.act = lambda _conn, number: number < 200
    start(stepper)

    until(lambda: len(stepper.passes) >= 200, 5)


def test_an_error_is_survived_on_a_new_connection(start: Callable[[Stepper], Doorbell]) -> None:
    seen: list[int] = []

    def act(conn: Connection, number: int) -> int:
        seen.append(conn.info.backend_pid)
        if number == 1:
            raise RuntimeError("a bug")
        if number == 2:
            conn.execute("select pg_terminate_backend(pg_backend_pid())")
        return 0

    stepper = Stepper()
    stepper.act = act
    start(stepper)

    until(lambda: len(seen) >= 3)
    assert len(set(seen[:3])) == 3


def test_it_stops_while_it_sleeps(empty_database: str) -> None:
    database = Database.at(empty_database)
    bell = Doorbell(database)
    stepper = Stepper()
    thread = threading.Thread(target=run, args=(database, stepper, bell))
    thread.start()
    until(lambda: stepper.passes)

    began = time.monotonic()
    bell.stop()
    bell.stop()
    thread.join(10)
    bell.close()

    assert not thread.is_alive()
    assert time.monotonic() - began < 0.8
