"""What was planted is found by the clock alone, and what faults explain is not."""

from collections.abc import Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proof.by_time import Window, check, match
from proof.oracle import expected
from proof.records import Fault, History, Run, Start, Version, Violation

T = datetime(2026, 11, 22, 8, tzinfo=UTC).timestamp()
EVERY_TEN: dict[str, Any] = {
    "interval_seconds": 10,
    "interval_anchor": datetime.fromtimestamp(T, UTC).isoformat(),
    "kind": "call",
    "name": "calls",
}
# A schedule's slots up to the grace before the end.
DUE = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0]


def start(at: float, attempt: int = 1, schedule: str = "s", run: str = "r") -> Start:
    """A line written at T + `at`; its ids are of no use to anybody."""
    return Start(T + at, run, 0, schedule, attempt, 1)


def run_of(at: float, *, origin: str = "schedule", state: str = "skipped", skipped: int | None = None) -> Run:
    slot = round((T + at) * 1000)
    until = None if skipped is None else slot + (skipped - 1) * 10_000
    return Run(
        "r", slot, "t", "s", 1, "call", origin, state, "overlap", 1, 0, 5, None, None, None, until, skipped, T + at
    )


def found(starts: Sequence[Start], *, said: dict[str, Any] | None = None, **more: Any) -> list[tuple[str, str]]:
    versions = [Version("s", 1, T + 0.5, EVERY_TEN | (said or {}))]
    history = History(versions=versions, starts=starts, until=T + 100, grace_seconds=25.0, **more)
    return [told(one) for one in check(history, expected(history))]


def told(one: Violation) -> tuple[str, str]:
    return one.invariant, one.text.replace(str(T)[:8], "")


def invariants(starts: Sequence[Start], **more: Any) -> list[str]:
    return [invariant for invariant, _ in found(starts, **more)]


def work(*without: float) -> list[Start]:
    """Each slot's work, a little after it."""
    return [start(at + 0.3) for at in DUE if at not in without]


def test_work_that_began_once_in_each_window_is_right() -> None:
    assert found(work()) == []


def test_a_slot_without_work_is_missing() -> None:
    assert invariants(work(40.0)) == ["T1"]


def test_a_slot_with_work_twice_is_doubled() -> None:
    [(invariant, text)] = found([*work(), start(41.5)])
    assert invariant == "T2"
    assert "once more than the slot" in text


def test_work_outside_every_window_is_found_though_its_ids_say_otherwise() -> None:
    [(invariant, text)] = found([*work(), start(47)])
    assert invariant == "T2"
    assert "in no slot's window" in text


def test_work_that_was_mislabelled_is_missing_in_one_window_and_too_much_in_another() -> None:
    assert invariants([*work(40.0), start(31)]) == ["T1", "T2"]


def test_work_before_its_slot_is_no_work_for_it() -> None:
    assert invariants([*work(40.0), start(39.9)]) == ["T1", "T2"]


def test_a_retry_is_no_unit_of_work() -> None:
    assert found([*work(), start(47, attempt=2)]) == []
    assert invariants([*work(40.0), start(40.3, attempt=2)]) == ["T1"]


def test_a_retry_after_a_fault_may_stand_for_the_line_that_the_fault_swallowed() -> None:
    fault = Fault(T + 40.1, T + 40.1, "kill", "worker")
    assert found([*work(40.0), start(58, attempt=2)], faults=[fault]) == []


def test_work_that_a_fault_cut_short_may_begin_once_more_and_only_once() -> None:
    fault = Fault(T + 40.5, T + 40.5, "kill", "worker")
    assert found([*work(), start(56)], faults=[fault]) == []
    assert invariants([*work(), start(56), start(57)], faults=[fault]) == ["T2"]


def test_a_double_before_the_fault_is_not_explained_by_it() -> None:
    fault = Fault(T + 60, T + 61, "kill", "worker")
    assert invariants([*work(), start(40.4)], faults=[fault]) == ["T2"]


def test_a_window_grows_by_the_faults_that_overlap_it() -> None:
    late = [start(60 + at / 100) for at in (40.0, 50.0)]
    assert invariants([*work(40.0, 50.0), *late]) == ["T1", "T1", "T2", "T2"]
    assert found([*work(40.0, 50.0), *late], faults=[Fault(T + 39, T + 59, "stop", "ticker")]) == []


def test_a_window_that_a_fault_opens_beyond_the_end_is_no_claim() -> None:
    assert found(work(70.0), faults=[Fault(T + 69, T + 90, "stop", "ticker")]) == []


def test_skipped_slots_need_no_work_and_explain_none() -> None:
    skips = [run_of(30, skipped=2)]
    assert found(work(30.0, 40.0), runs=skips) == []
    assert invariants(work(30.0), runs=skips) == ["T2"]


def test_a_cancelled_slot_needs_no_work_and_may_have_some() -> None:
    cancelled = [run_of(30, state="cancelled")]
    assert found(work(30.0), runs=cancelled) == []
    assert found(work(), runs=cancelled) == []


def test_what_somebody_asked_for_explains_work_from_then_on() -> None:
    asked = [run_of(45, origin="manual", state="succeeded")]
    assert found([*work(), start(47)], runs=asked) == []
    assert invariants([*work(), start(44)], runs=asked) == ["T2"]


def test_a_jittered_schedule_has_longer_windows() -> None:
    late = [start(at + 8) for at in DUE]
    assert found(late, said={"jitter_seconds": 4}) == []
    assert set(invariants(late)) == {"T1", "T2"}


def test_runs_that_wait_for_each_other_may_begin_late_but_must_begin() -> None:
    queued = [start(at + 25) for at in DUE]
    assert found(queued, said={"overlap_policy": "queue"}) == []
    assert invariants(queued[:-1], said={"overlap_policy": "queue"}) == ["T1"]


def test_a_line_may_name_the_schedule_instead_of_its_id() -> None:
    assert found([line._replace(schedule="calls") for line in work()]) == []


def test_work_of_a_schedule_that_nobody_knows_is_found() -> None:
    assert invariants([*work(), start(20, schedule="ghost")]) == ["T2"]


def test_a_schedule_whose_kind_leaves_no_lines_is_not_judged_unless_it_is_named() -> None:
    versions = [
        Version("s", 1, T + 0.5, EVERY_TEN),
        Version("m", 1, T + 0.5, EVERY_TEN | {"kind": "mail", "name": "m"}),
    ]
    history = History(versions=versions, starts=work(), until=T + 100, grace_seconds=25.0)
    assert check(history, expected(history)) == []
    missing = check(history, expected(history), kinds={"call", "mail"})
    assert [(one.invariant, one.subject) for one in missing] == [("T1", "m")] * len(DUE)


def test_one_lost_among_a_hundred_thousand_is_found_in_seconds() -> None:
    names = [f"s{n}" for n in range(1000)]
    versions = [Version(name, 1, T + 0.5, EVERY_TEN | {"name": name}) for name in names]
    starts = [start(10.0 * slot + 0.2, schedule=name) for name in names for slot in range(1, 98)]
    del starts[4711]
    history = History(versions=versions, starts=starts, until=T + 1000, grace_seconds=25.0)
    began = monotonic()
    assert [one.invariant for one in check(history, expected(history))] == ["T1"]
    assert monotonic() - began < 20


WINDOWS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 5)), max_size=7).map(
    lambda pairs: [Window(low, low + length) for low, length in pairs]
)
TIMES = st.lists(st.integers(0, 18), max_size=7)


@given(windows=WINDOWS, times=TIMES)
def test_the_pairing_is_as_large_as_any(windows: list[Window], times: list[int]) -> None:
    missing, extra = match(windows, times)
    most = largest(windows, times)
    assert len(windows) - len(missing) == len(times) - len(extra) == most


@given(must=WINDOWS, may=WINDOWS, times=TIMES)
def test_the_two_counts_do_not_compete(must: list[Window], may: list[Window], times: list[int]) -> None:
    missing, _ = match(must, times)
    _, extra = match([*must, *may], times)
    held = len(must) - len(missing)
    assert any(
        held == len([window for window in chosen if window < len(must)]) and len(chosen) == len(times) - len(extra)
        for chosen in pairings([*must, *may], times)
    )


@pytest.mark.parametrize("length", [0, 3])
def test_windows_of_one_length_are_given_to_the_first_that_closes(length: int) -> None:
    windows = [Window(at, at + length) for at in range(4)]
    assert match(windows, [0, 1, 3]) == ([windows[2 if length == 0 else 3]], [])


def largest(windows: Sequence[Window], times: Sequence[float]) -> int:
    return max(map(len, pairings(windows, times)))


def pairings(windows: Sequence[Window], times: Sequence[float]) -> set[frozenset[int]]:
    """Every set of windows that some of the times can be paired with."""
    every = {frozenset[int]()}
    for at in times:
        fitting = [place for place, window in enumerate(windows) if window.opens <= at <= window.closes]
        every |= {chosen | {place} for chosen in every for place in fitting if place not in chosen}
    return every
