"""One check: judge, step, decide, for each segment. The live check and the backtest both come through here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from workers.alerting.judge import Finding, ended, judge, unread
from workers.alerting.machine import StateRow, Transition, is_forgotten, is_settled, step
from workers.alerting.notices import Notice, decide
from workers.alerting.notify import Facts
from workers.alerting.policy import Guards, Policy
from workers.alerting.series import WHOLE, Reading


@dataclass(frozen=True, slots=True)
class Decision:
    """What one check came to for one segment: the row before and after, the finding, the move and the notice."""

    before: StateRow | None
    row: StateRow
    finding: Finding
    transition: Transition | None
    notice: Notice


def check(
    policy: Policy, reading: Reading | str, rows: Mapping[str, StateRow], facts: Facts, slot: datetime
) -> dict[str, Decision]:
    """Return a decision for each segment that the table has or the rows know, in that order.

    A text instead of a reading says why the source could not be read. A segment that is over is left out until the table
    has it again. A row from before the graph was split, or from when
    it still was, goes back to ok at once, whatever the guards; once nobody needs to be told of it, it is left out.
    """
    decisions = {
        segment: _decided(policy, rows.get(segment), finding, facts, slot)
        for segment, finding in _findings(policy, reading, rows, slot).items()
    }
    if isinstance(reading, str) or reading.problem:
        return decisions
    unguarded = policy.model_copy(update={"guards": Guards()})
    for segment, row in rows.items():
        if segment not in decisions and not is_settled(row):
            decisions[segment] = _decided(unguarded, row, ended(segment, reading.data_as_of), facts, slot)
    return decisions


def _findings(
    policy: Policy, reading: Reading | str, rows: Mapping[str, StateRow], slot: datetime
) -> dict[str, Finding]:
    problem = reading if isinstance(reading, str) else reading.problem
    if isinstance(reading, str) or problem:
        return {segment: unread(segment, problem) for segment in living(rows) or [WHOLE]}
    found = {segment: judge(policy, series, slot, reading.data_as_of) for segment, series in reading.series.items()}
    for segment, row in rows.items():
        if segment not in found and _is_of(reading, segment) and not _is_over(segment, row):
            found[segment] = judge(policy, reading.lacking(segment), slot, reading.data_as_of)
    return found


def living(rows: Mapping[str, StateRow]) -> list[str]:
    """Return the known segments without those that are over: of another split than the newest check's, or long silent."""
    newest = max((row.slot for row in rows.values() if row.slot is not None), default=None)
    kinds = {segment == WHOLE for segment, row in rows.items() if row.slot == newest}
    return [
        segment
        for segment, row in rows.items()
        if not is_settled(row) or ((segment == WHOLE) in kinds and not _is_over(segment, row))
    ]


def _is_over(segment: str, row: StateRow) -> bool:
    return segment != WHOLE and is_forgotten(row)


def _is_of(reading: Reading, segment: str) -> bool:
    """Return whether a segment may be one of the graph's: the whole where it is not split, a named one where it is."""
    return (segment == WHOLE) != bool(reading.graph.segments)


def _decided(policy: Policy, before: StateRow | None, finding: Finding, facts: Facts, slot: datetime) -> Decision:
    if before is not None and before.slot is not None and slot <= before.slot:
        said = "nothing new, this slot was judged before"
        return Decision(before, before, finding, None, Notice(finding.segment, slot, "quiet", False, finding, said))  # noqa: FBT003 - by place
    stepped, transition = step(before, finding, policy.guards, slot)
    row, notice = decide(stepped, finding, policy, facts, slot)
    return Decision(before, row, finding, transition, notice)
