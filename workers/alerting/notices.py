"""Who is told: a notice compares what the recipients know with how it stands, so nothing is told twice or forgotten."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from workers.alerting.judge import Finding
from workers.alerting.machine import ALARMING, StateRow, signal
from workers.alerting.notify import Facts, end_of_quiet
from workers.alerting.policy import Policy
from workers.alerting.words import rfc3339, span

Code = Literal[
    "fired", "resolved", "escalated", "repeated", "held", "pending", "quiet", "silenced", "gated", "acknowledged",
    "no_data", "could_not_check",
]  # fmt: skip
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Notice:
    """What came of a check for one segment. `next_chance` is when it may come to a notice at the earliest, if that is known."""

    segment: str
    at: datetime
    code: Code
    is_told: bool
    finding: Finding = field(repr=False)
    said: str = ""
    also: str = ""
    next_chance: datetime | None = None

    @property
    def sentence(self) -> str:
        """Why somebody is told, or nobody, and on which figures."""
        return f"{self.said}{': ' if self.said else ''}{self.finding.sentence}{self.also}"


@dataclass(frozen=True, slots=True)
class _Wish:
    """A notice that would be due if nothing held it back, and what the recipients know once it is told."""

    code: Code
    said: str
    row: StateRow
    also: str = ""


def decide(row: StateRow, finding: Finding, policy: Policy, facts: Facts, slot: datetime) -> tuple[StateRow, Notice]:
    """Return the row, with what the recipients know now, and what came of the check for this segment."""
    row = _settled(row, policy)
    wish = None
    if row.state != row.alarm or signal(finding, policy.guards) != "keep":
        wish = _change(row, policy, slot) or _reminder(row, finding, policy, slot)
    if wish is None:
        return row, _passive(row, finding, policy, slot)
    code, until, why = _held_back(wish, row, finding, policy, facts, slot)
    if code is not None:
        if code in ("held", "gated") and wish.code == "fired":
            row = replace(row, held_since=row.held_since or slot)
        said = f"not told, {why}{': ' if wish.said else ''}{wish.said}"
        return row, Notice(finding.segment, slot, code, False, finding, said, wish.also, until)  # noqa: FBT003 - by place
    told = replace(
        wish.row,
        held_since=None,
        missed=None,
        last_notified_at=slot,
        last_notified_value=finding.number,
        last_notified_excess=finding.excess,
        notified_level=finding.level,
    )
    repeat = _next_repeat(told, policy)
    return told, Notice(finding.segment, slot, wish.code, True, finding, wish.said, wish.also, repeat)  # noqa: FBT003 - by place


def _settled(row: StateRow, policy: Policy) -> StateRow:
    """Return the row with what no notice will tell any more: the end of a firing, where resolved notices are off.

    A firing that ended while its notice was held is remembered, for the one sentence that tells it.
    """
    is_over = row.alarm not in ALARMING
    if not policy.notify.resolved and (row.is_told or row.told_trouble or row.held_since):
        is_told = row.is_told and not is_over
        trouble = None if row.state == row.alarm else row.told_trouble
        row = replace(row, is_told=is_told, told_trouble=trouble, held_since=None if is_over else row.held_since)
    if not is_over or row.is_told or row.held_since is None or row.slot is None:
        return row
    began = row.missed[0] if row.missed else row.held_since
    return replace(row, held_since=None, missed=(began, row.slot))


def _change(row: StateRow, policy: Policy, slot: datetime) -> _Wish | None:
    """Return the notice that closes the gap between how it stands and what is known."""
    if row.state in ("no_data", "error"):
        if row.told_trouble == row.state or slot - row.since < timedelta(seconds=policy.guards.for_seconds):
            return None
        code: Code = "no_data" if row.state == "no_data" else "could_not_check"
        return _Wish(code, "", replace(row, told_trouble=row.state))
    if row.alarm in ALARMING and not row.is_told:
        also = f"; before, it fired from {_span(row.missed)} and nobody was told" if row.missed else ""
        since = row.firing_since or slot
        lasting = f"{row.alarm}, fired at {rfc3339(since)}" if since < slot else ""
        return _Wish("fired", lasting, replace(row, is_told=True, told_trouble=None), also)
    if row.alarm not in ALARMING and row.is_told:
        return _Wish("resolved", "back to normal", replace(row, is_told=False, told_trouble=None))
    if row.told_trouble:
        return _Wish("resolved", "checked again", replace(row, told_trouble=None))
    if row.alarm not in ALARMING and row.missed:
        return _Wish("resolved", f"fired from {_span(row.missed)}, nobody was told, and is back to normal", row)
    return None


def _reminder(row: StateRow, finding: Finding, policy: Policy, slot: datetime) -> _Wish | None:
    """Return the notice about a firing that is known and has become worse, or lasts."""
    if row.state != "firing" or not row.is_told or row.last_notified_at is None or row.last_notified_at >= slot:
        return None
    if finding.level > row.notified_level:
        return _Wish("escalated", f"worse, beyond step {finding.level}", row)
    if _is_worse(row, finding, policy):
        return _Wish("escalated", "worse than when last told", row)
    repeat = _next_repeat(row, policy)
    if repeat is not None and slot >= repeat:
        return _Wish("repeated", f"still firing, for {span(slot - (row.firing_since or row.since))}", row)
    return None


def _is_worse(row: StateRow, finding: Finding, policy: Policy) -> bool:
    percent, last = policy.notify.escalate_by_percent, row.last_notified_excess
    if percent is None or last is None or finding.excess is None or finding.answer != "holds":
        return False
    worse = finding.excess - last
    return worse > 0 and worse * HUNDRED >= percent * abs(row.last_notified_value or Decimal())


def _held_back(
    wish: _Wish, row: StateRow, finding: Finding, policy: Policy, facts: Facts, slot: datetime
) -> tuple[Code | None, datetime | None, str]:
    """Return what holds a notice back, until when if that is known, and why; None first where nothing does."""
    silent = facts.silenced_until(finding.segment, slot)
    if silent is not None:
        return "silenced", silent, f"silenced until {rfc3339(silent)}"
    if wish.code in ("escalated", "repeated") and facts.is_acknowledged(finding.segment, row.firing_since or row.since):
        return "acknowledged", None, "somebody acknowledged it"
    if facts.gated:
        return "gated", None, facts.gated
    notify = policy.notify
    waits = slot
    if row.last_notified_at is not None:
        waits = max(waits, row.last_notified_at + timedelta(seconds=notify.min_seconds_between_notices))
    if notify.quiet_hours is not None:
        waits = end_of_quiet(notify.quiet_hours, waits) or waits
    return ("held", waits, f"held until {rfc3339(waits)}") if waits > slot else (None, None, "")


def _passive(row: StateRow, finding: Finding, policy: Policy, slot: datetime) -> Notice:
    """Return what is recorded where there is nothing to tell."""
    code: Code = "quiet"
    lasting = timedelta(seconds=policy.guards.for_seconds)
    chance = _next_repeat(row, policy)
    if row.state == "pending":
        code = "pending"
        chance = row.pending_since + lasting if row.pending_since is not None and lasting else None
    elif row.state in ("no_data", "error") and row.told_trouble != row.state:
        chance = row.since + lasting
    if chance is not None and chance <= slot:
        chance = None  # what is overdue waits for an answer, which nobody can foretell
    if finding.answer in ("no_data", "could_not_check"):
        code = finding.answer
    said = "nothing new" if code == "quiet" else code.replace("_", " ")
    said = f"{said}, {row.state} since {rfc3339(row.since)}"
    return Notice(finding.segment, slot, code, False, finding, said, "", chance)  # noqa: FBT003 - by place


def _next_repeat(row: StateRow, policy: Policy) -> datetime | None:
    every = policy.notify.repeat_seconds
    if every is None or row.last_notified_at is None or row.alarm != "firing":
        return None
    return row.last_notified_at + timedelta(seconds=every)


def _span(missed: tuple[datetime, datetime]) -> str:
    return f"{rfc3339(missed[0])} to {rfc3339(missed[1])}"
