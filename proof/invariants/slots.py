"""Every slot that was due was decided once, none that was not, and schedules only went forward."""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise

from proof.invariants.case import PLANNED, Case, Decision, Move, at, span
from proof.records import Millis, Run, ScheduleMove, Violation


def no_lost_slot(case: Case) -> Iterator[Violation]:
    """I1: each slot that must have been decided has a run, or lies in a range of skips."""
    for schedule, slots in case.expected.must.items():
        if schedule in case.expected.unjudged:
            continue
        decisions = case.decisions.get(schedule, [])
        firsts = [each.first for each in decisions]
        reach = list(accumulate((each.last for each in decisions), max))
        for slot in slots:
            before = bisect_right(firsts, slot) - 1
            if before < 0 or reach[before] < slot:
                text = f"the slot {at(slot)} of schedule {schedule} was due and nothing was decided about it"
                yield Violation("I1", text, f"{schedule} {at(slot)}", *_around(case, schedule, slot))


def no_double_slot(case: Case) -> Iterator[Violation]:
    """I2: each slot was decided once, and no lease let its handler begin twice."""
    for schedule, decisions in case.decisions.items():
        yield from _doubled(case, schedule, decisions)
    yield from _doubled_starts(case)


def no_phantom(case: Case) -> Iterator[Violation]:
    """I3: each run of a slot is of one that its version has, and a planned one of one that was due; skips at both ends."""
    for run in case.history.runs:
        if run.origin not in PLANNED or run.schedule in case.expected.unjudged:
            continue
        if run.schedule is None or run.version is None or (run.schedule, run.version) not in case.versions:
            text = (
                f"run {run.run} at {at(run.slot)} is of version {run.version} of schedule {run.schedule}: there is none"
            )
            yield Violation("I3", text, run.run, *case.span(run.run))
            continue
        for slot in sorted({run.slot, run.skipped_until or run.slot}):
            if not case.expected.allowed(run.schedule, run.version, slot):
                text = f"run {run.run} is of {at(slot)}, no slot of version {run.version} of schedule {run.schedule}"
                yield Violation("I3", text, run.run, *case.span(run.run))
            elif run.origin == "schedule" and not _is_expected(case, run.schedule, slot):
                text = f"run {run.run} was planned for {at(slot)}, when schedule {run.schedule} was not in force"
                yield Violation("I3", text, run.run, *case.span(run.run))


def only_forward(case: Case) -> Iterator[Violation]:
    """I16: a schedule's slots advance, and only what still lay ahead is taken back."""
    for schedule, moves in case.schedule_moves.items():
        is_pushed = False
        for was, move in pairwise(moves):
            if (text := _backward(case, was, move, is_pushed=is_pushed)) is not None:
                yield Violation("I16", f"schedule {schedule} {text}", schedule, was.seq, move.seq)
            is_pushed = was.last_slot == move.last_slot and was.next_fire_at != move.next_fire_at
    for run, deleted in case.run_moves.items():
        last = deleted[-1]
        if last.move == "delete" and last.available_at is not None and last.available_at <= last.at - _COMMIT_SECONDS:
            text = f"run {run} at {at(last.slot)} was taken back after its instant had come"
            yield Violation("I16", text, run, *span(deleted))


def nothing_miscounted(case: Case) -> Iterator[Violation]:
    """I18: a range of skips counts the slots in it, and what the processes counted is what the tables hold."""
    for run in case.history.runs:
        if run.state == "skipped" and run.schedule is not None and run.schedule not in case.expected.unjudged:
            yield from _miscounted(case, run, run.schedule)
    for name, counted in _counted(case).items():
        if counted != (held := _held(case, *name)):
            text = f"the processes counted {counted:g} {' '.join(name)}, and the tables hold {held}"
            yield Violation("I18", text, " ".join(name))


# A statement's history is written a little after the instant by which it decided.
_COMMIT_SECONDS = 1.0
_COUNTER = re.compile(r"tocsin_(runs|deliveries)_total\{.*\}")
_LABEL = re.compile(r'(?:state|outcome)="(\w+)"')


def _doubled(case: Case, schedule: str, decisions: Sequence[Decision]) -> Iterator[Violation]:
    """One slot with two rows; or two rows of the planner that overlap. A backfill may lie inside a range of skips."""
    for was, each in pairwise(decisions):
        if was.first == each.first:
            yield _double(case, schedule, was, each)
    reach: Decision | None = None
    for each in decisions:
        if each.run.origin != "schedule":
            continue
        if reach is not None and reach.first < each.first <= reach.last:
            yield _double(case, schedule, reach, each)
        if reach is None or each.last > reach.last:
            reach = each


def _double(case: Case, schedule: str, was: Decision, each: Decision) -> Violation:
    text = (
        f"the slot {at(each.first)} of schedule {schedule} was decided twice, by run {was.run.run} and {each.run.run}"
    )
    spans = [seq for run in (was.run.run, each.run.run) for seq in case.span(run) if seq is not None]
    return Violation("I2", text, f"{schedule} {at(each.first)}", min(spans, default=None), max(spans, default=None))


def _doubled_starts(case: Case) -> Iterator[Violation]:
    """A lost or released lease is had again under the same attempt, so an attempt begins as often as it was leased."""
    for run, starts in case.starts.items():
        leased = Counter(lease.attempt for lease in case.leases.get(run, ()))
        for attempt, count in Counter(start.attempt for start in starts).items():
            if count > leased[attempt]:
                text = f"attempt {attempt} of run {run} began {count} times and was leased {leased[attempt]} times"
                yield Violation("I2", text, run, *case.span(run))


def _backward(case: Case, was: ScheduleMove, move: ScheduleMove, *, is_pushed: bool) -> str | None:
    """What went backward from one move to the next, if something did.

    Whoever edits or stops a schedule first takes back what lies ahead: then its last slot falls, and its next instant.
    A schedule that could not be planned was pushed ahead by a minute, and its next instant may come back from there.
    """
    if move.version < was.version:
        return f"fell from version {was.version} to {move.version}"
    last, is_back = was.last_slot, False
    if last is not None and (move.last_slot is None or move.last_slot < last):
        is_back = True
        version = case.versions.get((was.schedule, was.version))
        jitter = version.definition.get("jitter_seconds", 0) if version else 0
        if last / 1000 + jitter <= move.at - _COMMIT_SECONDS:
            return f"fell behind its slot {at(last)}, whose instant had come"
    if is_back or is_pushed or was.version != move.version or was.next_fire_at is None or move.next_fire_at is None:
        return None
    if move.next_fire_at < was.next_fire_at or (
        was.last_slot != move.last_slot and move.next_fire_at == was.next_fire_at
    ):
        return f"went back from its next instant {was.next_fire_at:.3f} to {move.next_fire_at:.3f}"
    return None


def _miscounted(case: Case, run: Run, schedule: str) -> Iterator[Violation]:
    """No fewer than must have been decided, and no more than may have been."""
    last = max(run.slot, run.skipped_until or run.slot)
    must, may = (
        bisect_right(slots, last) - bisect_left(slots, run.slot)
        for slots in (case.expected.must.get(schedule, ()), case.expected.may.get(schedule, ()))
    )
    count = run.skipped_count or 0
    if not max(1, must) <= count <= max(1, must + may):
        text = f"run {run.run} skips {at(run.slot)} to {at(last)} and counts {count} slots, where {must + may} were due"
        yield Violation("I18", text, run.run, *case.span(run.run))


def _is_expected(case: Case, schedule: str, slot: Millis) -> bool:
    for slots in (case.expected.must.get(schedule, ()), case.expected.may.get(schedule, ())):
        place = bisect_left(slots, slot)
        if place < len(slots) and slots[place] == slot:
            return True
    return False


def _counted(case: Case) -> dict[tuple[str, str], float]:
    """What Prometheus counted of what the tables can tell exactly, all kinds and channels together."""
    sums: dict[tuple[str, str], float] = {}
    for name, value in case.history.counters.items():
        found = _COUNTER.fullmatch(name)
        label = _LABEL.search(name)
        if found and label and label[1] in ("succeeded", "dead", "sent", "unknown"):
            key = (found[1], label[1])
            sums[key] = sums.get(key, 0) + value
    return sums


def _held(case: Case, table: str, state: str) -> int:
    """How many runs and deliveries came to the state, by their histories; doubts are counted by the deliveries."""
    if state == "unknown":
        return sum(delivery.unknown_count for delivery in case.history.deliveries)
    every: Iterable[Sequence[Move]] = (case.run_moves if table == "runs" else case.delivery_moves).values()
    return sum(move.state == state != was.state for moves in every for was, move in pairwise(moves))


def _around(case: Case, schedule: str, slot: Millis) -> tuple[int | None, int | None]:
    """The moves between which the schedule passed the slot."""
    moves = case.schedule_moves.get(schedule, [])
    passed = bisect_left(list(accumulate((move.last_slot or 0 for move in moves), max)), slot)
    near = moves[max(0, passed - 1) : passed + 1]
    return span(near)
