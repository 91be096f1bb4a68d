"""The runner: bounded threads, one event loop, room, turns, and what it gives back."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from tests.system import until
from workers import runner
from workers.runner import Runner


class Bench:
    """A runner whose works are names; each runs until its gate opens."""

    def __init__(self, threads: int) -> None:
        self.begun: list[str] = []
        self.gate = threading.Event()
        self.runner: Runner[str] = Runner(threads, self._run, self._run_async)
        self.runner.start()

    def _run(self, name: str) -> None:
        self.begun.append(name)
        self.gate.wait(20)

    async def _run_async(self, name: str) -> None:
        self.begun.append(name)
        while not self.gate.is_set():  # noqa: ASYNC110  threads open it too
            await asyncio.sleep(0.005)

    def take(self, *names: str, is_async: bool = False, goes_first: bool = False) -> None:
        self.runner.take([(name, is_async) for name in names], goes_first=goes_first)


@pytest.fixture
def make_bench() -> Iterator[Callable[[int], Bench]]:
    made: list[Bench] = []

    def make(threads: int) -> Bench:
        made.append(Bench(threads))
        return made[-1]

    yield make
    for bench in made:
        bench.gate.set()
        bench.runner.close()
        assert bench.runner.wait_until_idle(10)
        bench.runner._loop.call_soon_threadsafe(bench.runner._loop.stop)
        bench.runner._loop_thread.join(10)
        bench.runner._loop.close()


def test_room_is_the_idle_threads_once_works_turn_out_slow(make_bench: Callable[[int], Bench]) -> None:
    bench = make_bench(3)
    assert bench.runner.room() >= 3

    bench.take("a", "b")
    until(lambda: len(bench.begun) == 2 and bench.runner.is_stalled())
    assert bench.runner.room() == 1

    bench.gate.set()
    until(lambda: bench.runner.room() >= 3)


def test_async_works_take_no_thread(make_bench: Callable[[int], Bench]) -> None:
    bench = make_bench(1)
    before = bench.runner.room()
    bench.take(*(f"a{number}" for number in range(50)), is_async=True)

    until(lambda: len(bench.begun) == 50)
    assert bench.runner.room() == before


def test_async_works_come_in_packs_however_slow_the_threads_are(make_bench: Callable[[int], Bench]) -> None:
    bench = make_bench(2)
    calls, default = 3, 4
    bench.runner.take([("slow", False)])
    until(lambda: bench.begun == ["slow"] and bench.runner.is_stalled())
    assert bench.runner.wait_for_room(calls, 30) == 1
    bench.runner.take([("a", True)], 1, priority=calls)

    granted = bench.runner.wait_for_room(calls, 30)
    assert granted == 30, "none of them needs a thread"
    assert bench.runner.room() == 0
    bench.runner.take([], granted)
    assert bench.runner.wait_for_room(default, 30) == 1, "elsewhere they do"
    bench.runner.take([("b", True), ("plain", False)], 1, priority=calls)
    bench.gate.set()
    until(lambda: "plain" in bench.begun)


def test_async_works_do_not_make_the_threads_look_slow(
    make_bench: Callable[[int], Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_WINDOW_SECONDS", 0.0)
    bench = make_bench(2)
    bench.take("a", is_async=True)
    until(lambda: bench.begun == ["a"])
    assert not bench.runner.is_stalled()
    bench.take("b")
    assert bench.runner.is_stalled()


def test_room_that_was_granted_is_nobody_elses(make_bench: Callable[[int], Bench]) -> None:
    bench = make_bench(4)
    before = bench.runner.room()
    granted = bench.runner.wait_for_room(0, 4)

    assert (granted, bench.runner.room()) == (4, before - 4)
    bench.runner.take([("a", False)], granted)
    assert bench.runner.room() == before - 1


def test_an_idle_runner_has_the_room_that_it_filled_before_it_fell_idle(make_bench: Callable[[int], Bench]) -> None:
    bench = make_bench(4)
    before = bench.runner.room()
    bench.gate.set()
    bench.take(*(f"a{number}" for number in range(2000)))
    until(lambda: bench.runner.wait_until_idle(0))
    until(bench.runner.is_stalled)
    got_through = bench.runner._rate

    assert bench.runner.room() == max(before, min(4 + 256, 4 + int(got_through * 0.05)))


def test_whoever_waits_for_room_gets_it_when_one_ends(make_bench: Callable[[int], Bench]) -> None:
    bench = busy(make_bench(1))
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(bench.runner.wait_for_room(0, 1)))
    thread.start()
    until(lambda: bench.runner._wanted)
    assert not found

    bench.gate.set()
    thread.join(5)
    bench.runner.take([], found[0])

    assert found == [1]


def busy(bench: Bench) -> Bench:
    """The bench with its only thread taken by what turned out slow."""
    bench.take("a")
    until(lambda: bench.begun and bench.runner.is_stalled())
    assert bench.runner.room() == 0
    return bench


def test_the_lowest_number_goes_first(make_bench: Callable[[int], Bench]) -> None:
    bench = busy(make_bench(1))
    order: list[int] = []

    def wait(priority: int) -> None:
        granted = bench.runner.wait_for_room(priority, 1)
        order.append(priority)
        bench.runner.take([(str(priority), False)], granted)

    threads = [threading.Thread(target=wait, args=(priority,)) for priority in (4, 2, 0, 3, 1)]
    for thread in threads:
        thread.start()
    until(lambda: len(bench.runner._wanted) == 5)
    bench.gate.set()
    for thread in threads:
        thread.join(5)

    assert order[0] == 0


def test_a_closed_runner_has_no_room(make_bench: Callable[[int], Bench]) -> None:
    bench = busy(make_bench(1))
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(bench.runner.wait_for_room(0, 1)))
    thread.start()
    until(lambda: bench.runner._wanted)

    bench.runner.close()
    thread.join(5)

    assert found == [0]
    assert bench.runner.room() == 0


def test_what_no_thread_has_begun_is_given_back(make_bench: Callable[[int], Bench]) -> None:
    bench = make_bench(2)
    bench.take("a", "b", "c", "d")
    until(lambda: len(bench.begun) == 2)

    assert bench.runner.unstarted() == ["c", "d"]
    bench.gate.set()
    bench.runner.close()
    assert bench.runner.wait_until_idle(5)
    assert sorted(bench.begun) == ["a", "b"]


def test_short_works_are_leased_ahead_and_slow_ones_not(make_bench: Callable[[int], Bench]) -> None:
    bench = make_bench(1)
    bench.gate.set()
    ended = time.monotonic() + 0.3
    while time.monotonic() < ended:
        bench.take("short")
        until(lambda: bench.runner.room() > 0)
    assert bench.runner.room() > 1

    bench.gate.clear()
    busy(bench)


class Herd:
    """A runner whose works are functions; notes which thread ran each."""

    def __init__(self, threads: int) -> None:
        self.ran: list[str] = []
        self.runner: Runner[Callable[[], object]] = Runner(threads, self._run, self._run_async)
        self.runner.start()

    def _run(self, work: Callable[[], object]) -> None:
        work()
        self.ran.append(threading.current_thread().name)

    async def _run_async(self, work: Callable[[], object]) -> None:
        work()

    def take(self, *works: Callable[[], object]) -> None:
        self.runner.take([(work, False) for work in works])


@pytest.fixture
def make_herd() -> Iterator[Callable[[int], Herd]]:
    made: list[Herd] = []

    def make(threads: int) -> Herd:
        made.append(Herd(threads))
        return made[-1]

    yield make
    for herd in made:
        herd.runner.close()
        assert herd.runner.wait_until_idle(10)
        herd.runner._loop.call_soon_threadsafe(herd.runner._loop.stop)
        herd.runner._loop_thread.join(10)
        herd.runner._loop.close()


def nothing() -> None:
    """The shortest work."""


def test_a_pack_of_short_works_wakes_few_threads(make_herd: Callable[[int], Herd]) -> None:
    herd = make_herd(8)
    herd.take(*[nothing] * 500)

    until(lambda: len(herd.ran) == 500)
    # The machine may stop a thread for longer than the watch waits; all eight would come one work after the other.
    changes = sum(one != other for one, other in pairwise(herd.ran))
    assert changes < 50


def test_as_many_slow_works_run_at_once_as_there_are_threads(make_herd: Callable[[int], Herd]) -> None:
    herd = make_herd(8)
    together = threading.Barrier(8)
    herd.take(*[lambda: together.wait(20)] * 16)

    until(lambda: len(herd.ran) == 16)
    assert len(set(herd.ran)) == 8


def test_a_slow_work_holds_up_neither_its_pack_nor_those_that_come_later(make_herd: Callable[[int], Herd]) -> None:
    herd = make_herd(2)
    gate = threading.Event()
    begun = threading.Event()

    def slow() -> None:
        begun.set()
        gate.wait(20)

    herd.take(nothing, slow, nothing, nothing)
    until(lambda: len(herd.ran) == 3)
    assert begun.wait(5)
    herd.take(nothing)
    until(lambda: len(herd.ran) == 4)

    gate.set()
    until(lambda: len(herd.ran) == 5)


def test_what_comes_while_a_slow_work_runs_alone_is_begun(make_herd: Callable[[int], Herd]) -> None:
    herd = make_herd(3)
    gates = [threading.Event() for _ in range(3)]
    for number, gate in enumerate(gates):
        begun = threading.Event()
        herd.take(lambda gate=gate, begun=begun: (begun.set(), gate.wait(20)))  # type: ignore[misc]
        assert begun.wait(5), number

    herd.take(nothing, nothing)
    gates[1].set()
    until(lambda: len(herd.ran) == 3)
    for gate in gates:
        gate.set()
    until(lambda: len(herd.ran) == 5)


def test_a_work_that_raises_stops_no_other(make_herd: Callable[[int], Herd], monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda found: raised.append(found.exc_type))
    herd = make_herd(2)

    def bug() -> None:
        raise ValueError("a bug of the runner's owner")

    herd.take(bug, nothing)
    until(lambda: len(herd.ran) == 1)
    assert raised == [ValueError]


def test_what_goes_first_begins_before_the_crowd(make_bench: Callable[[int], Bench]) -> None:
    bench = make_bench(1)
    bench.take("a", "b", "c")
    until(lambda: bench.begun == ["a"])
    bench.take("first", "second", goes_first=True)
    bench.gate.set()

    until(lambda: bench.runner.wait_until_idle(0))
    assert bench.begun == ["a", "first", "second", "b", "c"]


def test_what_did_not_begin_is_taken_back_of_both_lines(make_bench: Callable[[int], Bench]) -> None:
    bench = make_bench(1)
    bench.take("a")
    until(lambda: bench.begun == ["a"])
    bench.take("b", "c")
    bench.take("first", goes_first=True)

    assert bench.runner.unstarted() == ["first", "b", "c"]


def test_a_loop_that_holds_its_most_keeps_waiting_only_what_comes_where_async_works_came(
    make_bench: Callable[[int], Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_ASYNC_LIMIT", 2)
    bench = make_bench(1)
    calls, default = 3, 4
    bench.runner.take([("a", True), ("b", True)], bench.runner.wait_for_room(calls, 2), priority=calls)
    until(lambda: len(bench.begun) == 2)
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(bench.runner.wait_for_room(calls, 1)))
    thread.start()
    until(lambda: bench.runner._wanted)

    granted = bench.runner.wait_for_room(default, 1)
    assert (granted, found) == (1, []), "a plain one goes before, though it is less urgent"
    bench.runner.take([("plain", False)], granted, priority=default)
    until(lambda: "plain" in bench.begun)

    bench.gate.set()
    thread.join(5)
    assert found == [1], "an end makes room"
    bench.runner.take([], 1)


STOPPED = """
import asyncio, threading
from workers.runner import Runner

async def stop(_name):
    asyncio.get_running_loop().stop()

runner = Runner(1, print, stop)
runner.start()
runner.take([("a", True)])
threading.Event().wait(20)
"""


def test_a_process_whose_loop_was_stopped_ends_and_says_so() -> None:
    ended = subprocess.run([sys.executable, "-c", STOPPED], capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stderr) == (1, "loop.lost\n")
