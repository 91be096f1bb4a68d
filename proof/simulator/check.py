"""The verdict on a simulation: every slot once, by the rules, and nothing else; each counter-example by its name."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from proof.simulator.begun import check_begun
from proof.simulator.expected import BESIDE, Calendar, Span, decisions, is_closed, spans
from proof.simulator.rows import PLANNED, Change, RunRow, ScheduleRow, Tick
from proof.simulator.store import Store
from proof.simulator.system import System


class Violation(NamedTuple):
    """A counter-example: its name, what is wrong, and of which schedule."""

    name: str
    text: str
    subject: str


def check(system: System) -> list[Violation]:
    """The violations, oldest schedule first."""
    calendar = Calendar()
    found: list[Violation] = []
    store = system.store
    for row in store.schedules.values():
        found += check_slots(store, row, calendar)
        found += _check_counts(store, row)
    for tick in store.journal.ticks:
        found += check_tick(tick, calendar)
    found += _check_backfills(store, calendar)
    found += [Violation(*each) for each in check_begun(system)]
    found += [Violation("too many out", text, "limits") for text in store.exceeded]
    found += _check_end(system)
    return found


def check_slots(store: Store, row: ScheduleRow, calendar: Calendar) -> Iterator[Violation]:
    """Every slot in force was decided exactly once; nothing was decided that was not in force."""
    changes = store.journal.changes[row.id]
    must: dict[datetime, Span] = {}
    may: set[datetime] = set()
    for span in spans(changes):
        for slot in _slots_of(calendar, span, store.world.now):
            may.add(slot)
            if _is_owed(span, slot):
                must[slot] = span
    runs = [run for run in store.runs_of(row) if run.origin == "schedule"]
    decided = Counter(run.slot_at for run in runs if not _is_range(run))
    yield from _check_ranges([run for run in runs if _is_range(run)], may, decided, row)
    for slot, times in decided.items():
        if times > 1:
            yield Violation("decided twice", f"{slot} {times} times", row.name)
        if slot not in may:
            yield Violation("phantom", f"{slot} was not in force", row.name)
    newest = max(decided, default=None)
    is_full = row.definition["max_runs"] is not None and row.run_count >= row.definition["max_runs"]
    for slot in sorted(must.keys() - decided.keys()):
        is_backfilled = (row.id, slot) in store.slots and store.slots[row.id, slot].origin == "backfill"
        if not is_backfilled and not (is_full and (newest is None or slot > newest)):
            name, why = _why_lost(slot, changes, row)
            yield Violation(name, f"{slot} {why}", row.name)


def _check_ranges(
    ranges: list[RunRow], may: set[datetime], decided: Counter[datetime], row: ScheduleRow
) -> Iterator[Violation]:
    """The ranges begin and end at slots; what lies in them is counted as decided."""
    for run in ranges:
        first, last = run.slot_at, run.skipped_until or run.slot_at
        decided.update([slot for slot in may if first <= slot <= last] or [first])
        if first not in may or last not in may:
            yield Violation("phantom", f"the range {first} to {last} does not begin and end at a slot", row.name)


def check_tick(tick: Tick, calendar: Calendar) -> Iterator[Violation]:
    """A tick fired, skipped and made ahead what the policy says."""
    fires, skipped, ahead = decisions(calendar, tick)
    if tick.definition["scheduled_at"] is not None:
        return
    if list(tick.fires[: len(fires)]) != fires:
        yield Violation("misfire", f"{tick.at}: fired {tick.fires}, the policy says {fires}", tick.schedule.name)
    made = list(tick.fires[len(fires) :])
    if made != ahead[: len(made)]:
        yield Violation("misfire", f"{tick.at}: fired {made} beside {fires}", tick.schedule.name)
    if [(*skip[:3], skip[3] == "holiday") for skip in tick.skips] != skipped:
        yield Violation("misfire", f"{tick.at}: skipped {tick.skips}, the policy says {skipped}", tick.schedule.name)


def _slots_of(calendar: Calendar, span: Span, now: datetime) -> list[datetime]:
    until = (span.ended.until if span.ended else now) + BESIDE
    once: datetime | None = span.definition["scheduled_at"]
    if once is not None:
        # One whose instant has passed fires all the same.
        return [once] if once <= until else []
    return calendar.slots(span.definition, span.began.at, until)


def _is_owed(span: Span, slot: datetime) -> bool:
    """Whether the slot belongs to this span beyond doubt; a holiday is recorded when the next slot fires."""
    if is_closed(span.definition, slot):
        return False
    is_created_late = span.began.what == "created" and span.definition["scheduled_at"] is not None
    has_begun = slot > span.began.until + BESIDE or is_created_late
    if span.ended is not None and span.ended.status != "active":
        # What still waits within its jitter does not fire in a schedule that fires nothing any more.
        slot += timedelta(seconds=span.definition["jitter_seconds"])
    return has_begun and (span.ended is None or slot <= span.ended.at)


def _why_lost(slot: datetime, changes: list[Change], row: ScheduleRow) -> tuple[str, str]:
    """By which change a slot was lost that had come and was not decided, or that there was none."""
    for change in changes:
        if change.planned_to is not None and change.planned_to < slot <= change.at and change.what != "created":
            return "dropped by a change", f"when it was {change.what} at {change.at}"
    return "lost", f"of {row.definition['cron'] or row.definition['interval_seconds']}"


def _is_range(run: RunRow) -> bool:
    return run.state == "skipped" and run.reason in ("misfire", "misfire_limit", "holiday")


def _check_counts(store: Store, row: ScheduleRow) -> Iterator[Violation]:
    """The schedule's own figures tell of its rows, and it is not beyond its max_runs."""
    runs = store.runs_of(row)
    fired = sum(1 for run in runs if run.origin == "schedule" and not _is_range(run))
    most = row.definition["max_runs"]
    if row.run_count != fired:
        yield Violation("miscounted", f"run_count is {row.run_count}, runs {fired}", row.name)
    if most is not None and fired > most:
        yield Violation("max_runs", f"{fired} runs of at most {most}", row.name)
    if row.gate is not None:
        yield Violation("gate kept", f"by a run that is {row.gate.state}", row.name)


def _check_backfills(store: Store, calendar: Calendar) -> Iterator[Violation]:
    for asked in store.journal.asked:
        for slot in calendar.slots(asked.definition, asked.first - timedelta(microseconds=1), asked.last):
            if is_closed(asked.definition, slot):
                continue
            run = store.slots.get((asked.schedule.id, slot))
            if run is None or run.origin not in PLANNED:
                yield Violation("backfill lost", f"{slot} asked at {asked.at}", asked.schedule.name)
            elif _is_range(run) and run.created_at < asked.at:
                yield Violation("backfill passed over", f"{slot} asked at {asked.at}", asked.schedule.name)


def _check_end(system: System) -> Iterator[Violation]:
    """Everything came to its end once the faults stopped."""
    for run in system.store.open.values():
        yield Violation(
            "never ended", f"{run.origin} {run.slot_at} is {run.state} since {run.released_at}", run.schedule.name
        )
    for claim in system.claims:
        yield Violation("claimed", claim.what, claim.run.schedule.name)
