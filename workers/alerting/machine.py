"""An alert's states, of each segment: ok, pending, firing, recovering, and the two that a missing answer leads to."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from pydantic import TypeAdapter

from workers.alerting.judge import Finding
from workers.alerting.policy import Guards, WithoutAnswer

Alarm = Literal["ok", "pending", "firing", "recovering"]
Trouble = Literal["no_data", "error"]
State = Literal["ok", "pending", "firing", "recovering", "no_data", "error"]
ALARMING = ("firing", "recovering")
# A named segment that is ok and had no figure for so long is not asked for any more, until it has one.
FORGOTTEN_AFTER = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class StateRow:
    """What is known of one segment after a check. All instants are slots.

    `alarm` is the state that lasts beneath `no_data` and `error`, and `state` itself otherwise. `is_told`: the recipients
    know that it fires; `told_trouble`: they know that there is no answer. `held_since`: a notice waits since then;
    `missed`: a firing that began and ended while it waited. `silent_since`: there is no figure since then. The rest is
    what guards and notices remember.
    """

    state: State
    since: datetime
    slot: datetime | None = None
    alarm: Alarm = "ok"
    value: Decimal | None = None
    pending_since: datetime | None = None
    firing_since: datetime | None = None
    recovering_since: datetime | None = None
    ring: tuple[bool, ...] = ()
    is_told: bool = False
    told_trouble: Trouble | None = None
    last_notified_at: datetime | None = None
    last_notified_value: Decimal | None = None
    last_notified_excess: Decimal | None = None
    notified_level: int = 0
    held_since: datetime | None = None
    missed: tuple[datetime, datetime] | None = None
    silent_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """One move of one segment, for `alert_events`."""

    segment: str
    before: State
    after: State
    at: datetime
    value: Decimal | None
    sentence: str


_ROWS = TypeAdapter(StateRow)


def as_json(row: StateRow) -> dict[str, Any]:
    """Return a row as JSON keeps it."""
    kept: dict[str, Any] = _ROWS.dump_python(row, mode="json")
    return kept


def from_json(kept: dict[str, Any]) -> StateRow:
    """Return the row that was kept. Raises pydantic's ValidationError for one that is none."""
    return _ROWS.validate_python(kept)


def first(slot: datetime) -> StateRow:
    """Return the row of a segment that no check has seen."""
    return StateRow("ok", slot)


def is_settled(row: StateRow) -> bool:
    """Return whether a row is ok and nobody waits to be told of it."""
    is_known = not (row.is_told or row.told_trouble or row.held_since or row.missed)
    return row.state == row.alarm == "ok" and is_known


def is_forgotten(row: StateRow) -> bool:
    """Return whether a named segment's row is settled and had no figure for so long that it is over."""
    silent, slot = row.silent_since, row.slot
    return is_settled(row) and silent is not None and slot is not None and slot - silent >= FORGOTTEN_AFTER


def step(row: StateRow | None, finding: Finding, guards: Guards, slot: datetime) -> tuple[StateRow, Transition | None]:
    """Return the row after a check and the move it made. A slot that was judged already changes nothing."""
    before = row or first(slot)
    if before.slot is not None and slot <= before.slot:
        return before, None
    answer = signal(finding, guards)
    if finding.answer != "could_not_check":
        before = replace(before, silent_since=(before.silent_since or slot) if finding.answer == "no_data" else None)
    if answer in ("keep", "message"):
        after = replace(before, slot=slot)
        if answer == "message":
            trouble: Trouble = "no_data" if finding.answer == "no_data" else "error"
            after = replace(after, state=trouble)
    else:
        crosses = answer == "holds"
        after = _alarm(before, guards, slot, crosses=crosses, stays=crosses or finding.stays)
        after = replace(after, state=after.alarm, slot=slot, value=finding.value)
    if after.state == before.state:
        return after, None
    after = replace(after, since=slot)
    return after, Transition(finding.segment, before.state, after.state, slot, finding.value, finding.sentence)


def signal(finding: Finding, guards: Guards) -> str:
    """Return holds or does_not, or keep or message where there is no answer, by the policy for that."""
    if finding.answer in ("holds", "does_not"):
        return finding.answer
    policy: WithoutAnswer = guards.no_data if finding.answer == "no_data" else guards.on_error
    return {"alert": "holds", "ok": "does_not"}.get(policy, policy)


def _alarm(row: StateRow, guards: Guards, slot: datetime, *, crosses: bool, stays: bool) -> StateRow:
    if row.alarm == "firing":
        return row if stays else _recovering(row, guards, slot)
    if row.alarm == "recovering":
        if crosses:
            return replace(row, alarm="firing", recovering_since=None)
        return _recovering(row, guards, slot)
    return _rising(row, guards, slot, crosses=crosses)


def _rising(row: StateRow, guards: Guards, slot: datetime, *, crosses: bool) -> StateRow:
    ring: tuple[bool, ...] = ()
    if guards.matches:
        ring = (*row.ring, crosses)[-guards.matches.of :]
    if not crosses and not any(ring):
        return (
            row if row.alarm == "ok" and row.ring == ring else replace(row, alarm="ok", pending_since=None, ring=ring)
        )
    since = row.pending_since or slot
    lasts = slot - since >= timedelta(seconds=guards.for_seconds)
    if (sum(ring) >= guards.matches.n) if guards.matches else lasts:
        return replace(row, alarm="firing", pending_since=None, firing_since=slot, ring=())
    return replace(row, alarm="pending", pending_since=since, ring=ring)


def _recovering(row: StateRow, guards: Guards, slot: datetime) -> StateRow:
    since = row.recovering_since or slot
    if slot - since >= timedelta(seconds=guards.keep_firing_for_seconds):
        return replace(row, alarm="ok", firing_since=None, recovering_since=None)
    return replace(row, alarm="recovering", recovering_since=since)
