"""When runs began after their slots, and whether the time of faults explains it."""

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Literal, NamedTuple, get_args

from proof.invariants.case import Case, at
from proof.outages import Outages
from proof.records import Run, Seconds, Violation

_WAITS_AT_GATE = frozenset({"queue", "cancel_running"})


Phase = Literal["outsideFaults", "afterFaults", "insideFaults"]
PHASES = get_args(Phase)


class Lag(NamedTuple):
    """A run's first start: how long after it was due, how much of that lay in faults and recoveries, and in which."""

    run: Run
    seconds: Seconds
    excused: Seconds
    phase: Phase


class Percentiles(NamedTuple):
    """Of so many lags, in milliseconds: the median, the 99th percentile and the largest."""

    runs: int
    p50: float
    p99: float
    max: float


def in_time(case: Case) -> Iterator[Violation]:
    """I13: nothing began before its slot, nor later than the limit after it, the time of faults not counted."""
    for run, starts in case.starts.items():
        early = starts[0].slot / 1000 - starts[0].at
        if early > case.limits.early_seconds:
            text = f"run {run} began {early * 1000:.0f} ms before its slot {at(starts[0].slot)}"
            yield Violation("I13", text, run, *case.span(run))
    for lag in lags(case):
        if lag.seconds - lag.excused > case.limits.lag_seconds:
            text = (
                f"run {lag.run.run} began {lag.seconds:.1f} s after its slot {at(lag.run.slot)}, "
                f"{lag.excused:.1f} s of it in faults"
            )
            yield Violation("I13", text, lag.run.run, *case.span(lag.run.run))


def lags(case: Case) -> Iterator[Lag]:
    """The lag of every planned run that began and waited for nobody.

    Runs that queue at their schedule's gate wait for each other and are left out, and so are those that jitter moves.
    """
    faults, outages = (Outages(case.history.faults, seconds) for seconds in (0.0, case.limits.recover_seconds))
    for run in case.history.runs:
        if run.origin != "schedule" or (leases := case.leases.get(run.run)) is None:
            continue
        version = case.versions.get((run.schedule, run.version)) if run.schedule and run.version else None
        definition = version.definition if version else {}
        if definition.get("overlap_policy") in _WAITS_AT_GATE or definition.get("jitter_seconds"):
            continue
        due = case.expected.late.get((run.schedule or "", run.slot), run.slot / 1000)
        starts = case.starts.get(run.run)
        # A run leased a moment ahead of its instant begins at its instant.
        began = max(due, starts[0].at if starts else leases[0].begun.at)
        phase: Phase = "afterFaults" if outages.touch(due, began) else "outsideFaults"
        yield Lag(run, began - due, outages.within(due, began), "insideFaults" if faults.touch(due, began) else phase)


def percentiles(seconds: Sequence[Seconds]) -> Percentiles:
    """The percentiles of the lags, by nearest rank; zeros where there are none."""
    ordered = sorted(seconds)
    if not ordered:
        return Percentiles(0, 0.0, 0.0, 0.0)
    p50, p99 = (ordered[ceil(share * len(ordered)) - 1] for share in (0.5, 0.99))
    return Percentiles(len(ordered), *(round(lag * 1000, 3) for lag in (p50, p99, ordered[-1])))
