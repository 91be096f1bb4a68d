"""What should have happened: the slots that a definition names, and those that a history must and may have decided.

Of the engine it knows the declared rule alone (docs/decisions/0003-cron-and-daylight-saving.md).
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

from config.zones import zone
from proof.outages import Outages
from proof.records import History, Millis, ScheduleMove, Seconds
from proof.wall import NotJudged, cron_seconds

# How long before an edit, a pause or an end a slot must have been due to have been decided by then.
TOLERANCE: Final = 5.0
# Runs are made ahead of their instant: so far beyond the history's end a slot may have one.
AHEAD: Final = 60.0

Definition = Mapping[str, Any]

_RECURRENCE: Final = (
    "cron",
    "timezone",
    "dst_gap",
    "dst_fold",
    "interval_seconds",
    "interval_anchor",
    "scheduled_at",
    "starts_at",
    "ends_at",
    "calendar_id",
)
_SKIPPED: Final = ("misfire", "holiday")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = 1_000_000
_DAY_MILLIS = 86_400_000


def due_slots(definition: Definition, after: Seconds, until: Seconds) -> list[Millis]:
    """The slots in (after, until] that the definition names between its `starts_at` and `ends_at`, oldest first.

    `definition` has the columns of `schedules`, with instants as ISO text. Neither pauses, edits, jitter nor max_runs
    are looked at, nor the days of a calendar, on which these slots are skipped: see `closed`. Raises NotJudged for `H`,
    `W` and whatever else cronsim can't read.
    """
    low, high = round(after * _MICRO), round(until * _MICRO)
    if definition.get("starts_at") is not None:
        low = max(low, _micros(definition["starts_at"]) - 1)
    if definition.get("ends_at") is not None:
        high = min(high, _micros(definition["ends_at"]))
    if definition.get("cron") is not None:
        found = cron_seconds(definition, low // _MICRO - 1, high // _MICRO)
        return [second * 1000 for second in found if low < second * _MICRO <= high]
    if definition.get("interval_seconds") is not None:
        anchor, step = _micros(definition["interval_anchor"]), int(definition["interval_seconds"]) * _MICRO
        return [at // 1000 for at in range(anchor + ((low - anchor) // step + 1) * step, high + 1, step)]
    if definition.get("scheduled_at") is None:
        raise NotJudged("it recurs by neither a cron expression, an interval nor a time")
    at = _micros(definition["scheduled_at"])
    return [at // 1000] if low < at <= high else []


def closed(definition: Definition, days: frozenset[str], slots: Sequence[Millis]) -> list[Millis]:
    """Those of the slots that the definition's calendar skips: on these days, as ISO text, of its zone's clock."""
    if definition.get("calendar_id") is None:
        return []
    clock = zone(str(definition.get("timezone") or "UTC"))
    return [slot for slot in slots if str(datetime.fromtimestamp(slot / 1000, clock).date()) in days]


@dataclass(frozen=True, slots=True)
class Expected:
    """By schedule the slots that must have been decided, as runs or in ranges of skips, and those that may have been.

    Both lists are sorted and have no slot in common; a slot in neither, of a judged schedule, was due at no time.
    `unjudged` says of each schedule that the oracle can't read why; it is in neither. `late` has the due instants of
    one-time slots that had passed when their schedule was made.
    """

    must: dict[str, list[Millis]] = field(default_factory=dict)
    may: dict[str, list[Millis]] = field(default_factory=dict)
    unjudged: dict[str, str] = field(default_factory=dict)
    late: dict[tuple[str, Millis], Seconds] = field(default_factory=dict)
    definitions: Mapping[tuple[str, int], Definition] = field(default_factory=dict)

    def allowed(self, schedule: str, version: int, slot: Millis) -> bool:
        """Whether that version names that slot at all, whenever it was in force; true of what is unjudged too."""
        if schedule in self.unjudged:
            return True
        definition = self.definitions.get((schedule, version))
        return definition is not None and _names(_recurrence(definition), slot)


def expected(history: History, tolerance: Seconds = TOLERANCE) -> Expected:
    """What must and may have been decided by the end of the history, from its versions and the moves of its schedules.

    A slot may, and need not, have been decided when it was due less than `tolerance`, and the time that faults took,
    before a pause, an end or an edit of its timing; when it is within the grace of the history's end; when a former
    version's runs reached into it; and beyond the last of `max_runs`.
    """
    found = Expected(definitions={(one.schedule, one.version): one.definition for one in history.versions})
    spans: dict[str, list[_Span]] = {}
    for schedule, moves in _moves(history).items():
        try:
            spans[schedule] = _spans(schedule, moves, found.definitions)
        except NotJudged as error:
            found.unjudged[schedule] = str(error)
    named, unread = _expand(spans, history.until + AHEAD)
    fired, outages = _fired(history), Outages(history.faults)
    for schedule, own in spans.items():
        why = next((unread[one.recurrence] for one in own if one.recurrence in unread), None)
        if why is not None:
            found.unjudged[schedule] = why
            continue
        must: set[Millis] = set()
        may: set[Millis] = set()
        for one in own:
            needed = one.needed_until(history, outages, tolerance, fired.get(schedule, ()))
            for slot in one.among(named[one.recurrence], tolerance):
                due = one.due(slot)
                if due > slot / 1000:
                    found.late.setdefault((schedule, slot), due)
                is_claimed = one.decided_until(tolerance) < due <= needed and (one.is_first or due == slot / 1000)
                (must if is_claimed else may).add(slot)
        found.must[schedule], found.may[schedule] = sorted(must), sorted(may - must)
    return found


class _Span(NamedTuple):
    """A stretch in which a schedule was planned from `plan_from` on by one recurrence.

    It was opened at `opened`, the first of its schedule or a later one, when `last_slot` was decided already. It was
    ended by whoever began at `cut` and wrote at `closed`, both infinite while it lasts.
    """

    recurrence: tuple[Any, ...]
    plan_from: Seconds
    opened: Seconds
    is_first: bool
    last_slot: Millis | None
    jitter: Seconds
    max_runs: int | None
    cut: Seconds = float("inf")
    closed: Seconds = float("inf")

    def among(self, slots: Sequence[Millis], tolerance: Seconds) -> Sequence[Millis]:
        """Those of the recurrence's slots that may fall into the stretch; a one-time slot that passed before, too."""
        end = bisect_right(slots, (self.closed + tolerance) * 1000)
        # In whole microseconds, as Postgres has it: a float's last digits would let the slot at plan_from itself pass.
        start = 0 if self.is_once else bisect_right(slots, round(self.plan_from * _MICRO) // 1000)
        return slots[start:end]

    def due(self, slot: Millis) -> Seconds:
        """When the slot was due: a one-time slot that had passed before is due at once."""
        return max(slot / 1000, self.plan_from)

    def decided_until(self, tolerance: Seconds) -> Seconds:
        """The instant up to which former plans had reached when the stretch began; theirs is no claim on it."""
        return float("-inf") if self.last_slot is None else min(self.last_slot / 1000, self.opened + tolerance)

    def needed_until(self, history: History, outages: Outages, tolerance: Seconds, fired: Sequence[Millis]) -> Seconds:
        """The instant up to which due slots must have been decided."""
        end = history.until - history.grace_seconds - self.jitter
        if self.closed < float("inf"):
            end = min(end, outages.before(self.cut, tolerance + self.jitter))
        if self.max_runs is not None and len(fired) >= self.max_runs:
            end = min(end, max(fired[self.max_runs - 1] / 1000, self.plan_from))
        return end

    @property
    def is_once(self) -> bool:
        """Whether the recurrence is a single time."""
        return self.recurrence[_RECURRENCE.index("scheduled_at")] is not None


def _moves(history: History) -> dict[str, list[ScheduleMove]]:
    """Each schedule's moves in their order; a schedule without any is active from each of its versions on."""
    found: dict[str, list[ScheduleMove]] = {}
    for move in sorted(history.schedule_moves, key=lambda move: move.seq):
        found.setdefault(move.schedule, []).append(move)
    known = set(found)
    for one in sorted(history.versions, key=lambda one: (one.schedule, one.version)):
        if one.schedule not in known:
            told = one.definition.get("plan_from")
            plan_from = one.created_at if told is None else _micros(told) / _MICRO
            status = one.definition.get("status", "active")
            move = ScheduleMove(0, one.created_at, one.schedule, one.version, status, plan_from, None, None)
            found.setdefault(one.schedule, []).append(move)
    return found


def _spans(
    schedule: str, moves: Sequence[ScheduleMove], definitions: Mapping[tuple[str, int], Definition]
) -> list[_Span]:
    """The stretches in which a schedule was planned. A completed one goes on: it is held to having no slot left.

    Raises NotJudged when the history lacks a version.
    """
    found: list[_Span] = []
    is_open = False
    for move in moves:
        if (schedule, move.version) not in definitions:
            raise NotJudged(f"version {move.version} is not in the history")
        definition = definitions[schedule, move.version]
        recurrence = _recurrence(definition)
        # A one-time schedule has failed because its run died, which must have been made.
        goes_on = move.status in {"active", "completed"} or (
            move.status == "failed" and definition.get("scheduled_at") is not None
        )
        if is_open and not (goes_on and (recurrence, move.plan_from) == found[-1][:2]):
            # An edit plans from its beginning on; what the ticker did until it was written stands.
            cut = move.plan_from if move.plan_from > found[-1].plan_from else move.at
            found[-1] = found[-1]._replace(cut=min(cut, move.at), closed=move.at)
            is_open = False
        if not is_open and move.status == "active":
            is_open = True
            jitter, max_runs = float(definition.get("jitter_seconds") or 0), definition.get("max_runs")
            is_first = move is moves[0]
            found.append(_Span(recurrence, move.plan_from, move.at, is_first, move.last_slot, jitter, max_runs))
    return found


def _expand(
    spans: Mapping[str, Sequence[_Span]], until: Seconds
) -> tuple[dict[tuple[Any, ...], list[Millis]], dict[tuple[Any, ...], str]]:
    """The slots of each recurrence since the first stretch that has it, expanded once; and why others can't be read."""
    lows: dict[tuple[Any, ...], Seconds] = {}
    for own in spans.values():
        for one in own:
            low = 0.0 if one.is_once else one.plan_from
            lows[one.recurrence] = min(low, lows.get(one.recurrence, low))
    found: dict[tuple[Any, ...], list[Millis]] = {}
    unread: dict[tuple[Any, ...], str] = {}
    for recurrence, low in lows.items():
        if recurrence[_RECURRENCE.index("calendar_id")] is not None:
            unread[recurrence] = "it keeps a calendar, whose days are not in the history"
            continue
        try:
            found[recurrence] = due_slots(dict(zip(_RECURRENCE, recurrence, strict=True)), low, until)
        except NotJudged as error:
            unread[recurrence] = str(error)
    return found, unread


def _fired(history: History) -> dict[str, list[Millis]]:
    """The slots of each schedule that count towards its max_runs: those that fired, and no skips."""
    found: dict[str, list[Millis]] = defaultdict(list)
    for run in history.runs:
        if run.schedule is not None and run.origin == "schedule" and not (run.reason or "").startswith(_SKIPPED):
            found[run.schedule].append(run.slot)
    for slots in found.values():
        slots.sort()
    return found


def _recurrence(definition: Definition) -> tuple[Any, ...]:
    return tuple(definition.get(column) for column in _RECURRENCE)


def _names(recurrence: tuple[Any, ...], slot: Millis) -> bool:
    """Whether the recurrence has that slot; cron's are found a day at a time, since many are asked for, of few days."""
    if recurrence[_RECURRENCE.index("cron")] is not None:
        return slot in _slots_of_day(recurrence, slot // _DAY_MILLIS)
    return slot in due_slots(dict(zip(_RECURRENCE, recurrence, strict=True)), slot / 1000 - 0.001, slot / 1000)


@lru_cache(maxsize=16384)
def _slots_of_day(recurrence: tuple[Any, ...], day: int) -> frozenset[Millis]:
    """The slots of the UTC day with that number."""
    start = day * _DAY_MILLIS / 1000
    definition = dict(zip(_RECURRENCE, recurrence, strict=True))
    return frozenset(due_slots(definition, start - 0.001, start + _DAY_MILLIS / 1000))


@lru_cache(maxsize=65536)
def _micros(instant: str) -> int:
    return (datetime.fromisoformat(instant) - _EPOCH) // timedelta(microseconds=1)
