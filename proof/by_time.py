"""Whether work began once in each slot's window, by the clock alone: the second opinion, which trusts no ids.

What Jepsen asked of Chronos: targets [slot, slot + epsilon] against the times at which a witness outside saw work begin.
A scheduler that labels its work wrongly, or makes its keys wrongly, deceives a check by keys and not this one.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from heapq import heappop, heappush
from itertools import accumulate
from typing import Final, NamedTuple

from proof.oracle import Expected
from proof.outages import Outages
from proof.records import History, Millis, Run, Seconds, Start, Violation

# What the instants of two clocks on one machine may differ by.
_BLUR: Final = 0.01
_MICRO: Final = 1e-6
# These policies let a run wait for an earlier one, however long that takes.
_WAITING: Final = frozenset({"queue", "cancel_running"})


class Window(NamedTuple):
    """From `opens` to `closes`, both included, one piece of work may begin; `slot` where it is one's, in seconds."""

    opens: Seconds
    closes: Seconds
    slot: Seconds | None = None


def check(
    history: History,
    expected: Expected,
    epsilon: Seconds = 5.0,
    recovery: Seconds = 20.0,
    kinds: Collection[str] | None = None,
) -> list[Violation]:
    """A T1 for each slot in whose window no work began, and a T2 for each beginning of work that no window explains.

    A unit of work is a Start line of attempt 1, known by its schedule (id, or a name that no other schedule has) and its
    time. A retry is no unit, since it goes on with one. Faults blur this in two ways, and by no more than this:
    an attempt whose process died before its first line leaves none, so a later attempt soon after a fault may stand for
    it (T1); and an attempt that a fault cut short begins again, under the same number where the fault is not held
    against it, so each line that a fault followed within epsilon explains one more (T2).

    A window closes after the schedule's jitter and `epsilon` seconds without faults; where one overlaps, `recovery`
    seconds later (a lease runs out, a process boots). Where runs wait for each other it stays open to the end. Slots
    that were skipped or cancelled need no work, and those skipped explain none; what somebody asked for (manual runs,
    backfills) explains work from then on.

    Windows are disjoint where slots lie farther apart than epsilon. Where they overlap, each line is given to the open
    window that closes first, which leaves as few as possible of either without the other: how many is exact, which of
    the overlapping is a guess. The two counts do not compete: of the matchings that cover the most windows, one covers
    the most lines.

    Judged are the schedules of `kinds`, by default those of which any line was seen.
    """
    schedules = _Schedules(history, kinds)
    outages = Outages(history.faults)
    starts, work = schedules.starts(history), _work(history)
    found: list[Violation] = []
    for schedule in sorted(expected.must):
        if not schedules.is_witnessed(schedule):
            continue
        lines = starts[schedule]
        targets = _Targets(schedules.jitter[schedule], schedules.is_waiting[schedule], epsilon, recovery, outages)
        must, may = targets.windows(schedule, history, expected, work[schedule])
        late = [
            line.at
            for line in lines
            if line.attempt > 1 and outages.touch(outages.before(line.at, epsilon + recovery), line.at)
        ]
        first = [line.at for line in lines if line.attempt == 1]
        missing, _ = match(must, sorted(first + late))
        _, extra = match([*must, *may, *targets.repeats(lines)], first)
        found += [_missing(schedule, window) for window in missing]
        found += [_extra(schedule, at, [*must, *may]) for at in extra]
    strange = starts.keys() - expected.must.keys() - expected.unjudged.keys()
    found += [_extra(schedule, line.at, ()) for schedule in sorted(strange) for line in starts[schedule]]
    return found


def match(windows: Sequence[Window], times: Sequence[Seconds]) -> tuple[list[Window], list[Seconds]]:
    """The windows and the times that are left when as many as possible are paired, each once.

    Source: F. Glover, Maximum matching in a convex bipartite graph, 1967: the open window that closes first.
    """
    waiting = sorted(windows, key=lambda window: window.opens, reverse=True)
    opened: list[tuple[Seconds, Seconds, int, Window]] = []
    missing: list[Window] = []
    extra: list[Seconds] = []
    for at in sorted(times):
        while waiting and waiting[-1].opens <= at:
            window = waiting.pop()
            heappush(opened, (window.closes, window.opens, len(waiting), window))
        while opened and opened[0][0] < at:
            missing.append(heappop(opened)[-1])
        if opened:
            heappop(opened)
        else:
            extra.append(at)
    return sorted([*missing, *waiting, *(one[-1] for one in opened)], key=lambda window: window.opens), extra


class _Targets(NamedTuple):
    """What makes a schedule's windows as long as they are."""

    jitter: Seconds
    is_waiting: bool
    epsilon: Seconds
    recovery: Seconds
    outages: Outages

    def windows(
        self, schedule: str, history: History, expected: Expected, work: Sequence[Run]
    ) -> tuple[list[Window], list[Window]]:
        """The windows in which work must begin by the end of the history, and those in which it may."""
        skipped = [(run.slot, run.skipped_until or run.slot) for run in work if run.state == "skipped"]
        waived = {run.slot for run in work if run.state == "cancelled" or run.origin == "backfill"}
        must: list[Window] = []
        may = [Window(run.created_at - _BLUR, float("inf")) for run in work if run.origin != "schedule"]
        passed = _Ranges(skipped)
        for slots, is_claim in ((expected.must[schedule], True), (expected.may[schedule], False)):
            for slot in slots:
                if passed.hold(slot):
                    continue
                due = expected.late.get((schedule, slot), slot / 1000)
                closes = self._closes(due)
                is_needed = is_claim and slot not in waived and closes <= history.until
                closes = float("inf") if self.is_waiting else closes
                (must if is_needed else may).append(Window(due - _BLUR, closes, slot / 1000))
        return must, may

    def repeats(self, lines: Sequence[Start]) -> Iterator[Window]:
        """A window for each line that a fault followed soon: its work may begin once more after that."""
        for line in lines:
            ended = self.outages.last(line.at - _BLUR, line.at + self.epsilon)
            if ended is not None:
                yield Window(line.at + _MICRO, self.outages.after(max(ended, line.at), self.epsilon + self.recovery))

    def _closes(self, due: Seconds) -> Seconds:
        closes = self.outages.after(due, self.jitter + self.epsilon)
        if self.outages.touch(due, closes):
            closes = self.outages.after(due, self.jitter + self.epsilon + self.recovery)
        return closes


class _Ranges:
    """Ranges of slots, both ends included."""

    def __init__(self, ranges: Sequence[tuple[Millis, Millis]]) -> None:
        ordered = sorted(ranges)
        self._lows = [low for low, _ in ordered]
        self._highs = list(accumulate((high for _, high in ordered), max))

    def hold(self, slot: Millis) -> bool:
        """Whether the slot lies in a range."""
        before = bisect_right(self._lows, slot)
        return before > 0 and slot <= self._highs[before - 1]


class _Schedules:
    """What is known of schedules by id: who wrote lines, how jittered they are and whether their runs wait."""

    def __init__(self, history: History, kinds: Collection[str] | None) -> None:
        self.jitter: dict[str, Seconds] = defaultdict(float)
        self.is_waiting: dict[str, bool] = defaultdict(bool)
        self._kinds: dict[str, set[str]] = defaultdict(set)
        self._named: dict[str, set[str]] = defaultdict(set)
        for version in history.versions:
            one, said = version.schedule, version.definition
            self.jitter[one] = max(self.jitter[one], float(said.get("jitter_seconds") or 0))
            self.is_waiting[one] |= said.get("overlap_policy") in _WAITING
            self._kinds[one].add(str(said.get("kind")))
            self._named[str(said.get("name"))].add(one)
        self._witnessed = set(kinds) if kinds is not None else self._kinds_of(history.starts)

    def is_witnessed(self, schedule: str) -> bool:
        """Whether the schedule's work leaves lines."""
        return not self._witnessed.isdisjoint(self._kinds[schedule])

    def starts(self, history: History) -> dict[str, list[Start]]:
        """The lines of each schedule by their time; those of no known schedule are under their own word for it."""
        found: dict[str, list[Start]] = defaultdict(list)
        for line in sorted(history.starts, key=lambda line: line.at):
            found[self._schedule_of(line)].append(line)
        return found

    def _schedule_of(self, line: Start) -> str:
        named = self._named.get(line.schedule, set())
        return next(iter(named)) if line.schedule not in self._kinds and len(named) == 1 else line.schedule

    def _kinds_of(self, lines: Sequence[Start]) -> set[str]:
        schedules = {self._schedule_of(line) for line in lines}
        return {kind for schedule in schedules if schedule in self._kinds for kind in self._kinds[schedule]}


def _work(history: History) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = defaultdict(list)
    for run in history.runs:
        if run.schedule is not None:
            found[run.schedule].append(run)
    return found


def _missing(schedule: str, window: Window) -> Violation:
    told = f"by {window.closes}" if window.closes < float("inf") else "by the end"
    return Violation("T1", f"no work began for the slot {window.slot} {told}", schedule)


def _extra(schedule: str, at: Seconds, windows: Sequence[Window]) -> Violation:
    slots = [window.slot for window in windows if window.slot is not None and window.opens <= at <= window.closes]
    told = f"once more than the slot {slots[-1]} explains" if slots else "in no slot's window"
    return Violation("T2", f"work began at {at}, {told}", schedule)
