"""What becomes of due slots: late or on time -> Fire | Skip(reason). Pure: `now` is the ticker's, read once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple

from scheduler.days import Closed, Span
from scheduler.slots import Once, Recurrence, count_and_newest, jittered, next_open, next_slot, slots_between

Misfire = Literal["once", "all", "skip"]
Reason = Literal["misfire", "misfire_limit", "holiday"]

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Policy:
    """How a schedule treats its slots. `run_count` counts the slots planned before; bounds are inclusive."""

    misfire: Misfire = "once"
    grace_seconds: int = 60
    limit: int = 1000
    max_runs: int | None = None
    run_count: int = 0
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    jitter_seconds: int = 0
    seed: str = ""


@dataclass(frozen=True, slots=True)
class Fire:
    """The slot becomes a run that begins at `fire_at`, its jittered instant."""

    slot_at: datetime
    fire_at: datetime


@dataclass(frozen=True, slots=True)
class Skip:
    """The `count` consecutive slots from `slot_at` to `until`, both included, become one skipped run."""

    slot_at: datetime
    until: datetime
    count: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Plan:
    """What a tick does with one schedule, oldest slot first.

    `last_slot_at` is the newest slot decided here, None when none was: then the schedule keeps its own. `next_slot_at`
    is the slot that follows and `next_fire_at` its jittered instant, which lies in the past while `has_more` due slots
    wait for the next plan. Both are None once `is_finished`: no slot will ever come.
    """

    decisions: tuple[Fire | Skip, ...]
    last_slot_at: datetime | None
    next_slot_at: datetime | None
    next_fire_at: datetime | None
    is_finished: bool
    has_more: bool


_FINISHED = Plan((), None, None, None, is_finished=True, has_more=False)


def plan(
    recurrence: Recurrence,
    after: datetime,
    now: datetime,
    policy: Policy,
    per_tick: int = 100,
    *,
    until: datetime | None = None,
    closed: Closed | None = None,
) -> Plan:
    """Decides every slot after `after` that is due at `now` or will be by `until`, at most `per_tick` of them as runs.

    A slot is due when its jittered instant has come, and late when `now` is more than the grace after the nominal one.
    Slots between now and `until` fire ahead of their instant; they are nobody's make-up for what was missed.
    A slot on a day of `closed` never fires and is nobody's misfire: it is skipped for the holiday, together with its
    neighbours, when the next slot that fires is decided. With such days nothing may be planned ahead.
    Planning again with `after` = the last `last_slot_at` never decides a slot twice.
    """
    until = until or now
    remaining = None if policy.max_runs is None else policy.max_runs - policy.run_count
    if closed is not None or policy.jitter_seconds > 0:
        return _decide(recurrence, after, now, until, policy, remaining, per_tick, closed)
    low = _low(after, policy)
    if remaining is None and policy.ends_at is None:
        one = _plan_one(recurrence, low)
        if one is not None and one.is_alone(now - grace(policy), until):
            return one.plan
    return _plan_herd(
        recurrence,
        low,
        now,
        until,
        policy.misfire,
        policy.grace_seconds,
        policy.limit,
        remaining,
        policy.ends_at,
        per_tick,
    )


class _One(NamedTuple):
    """The plan in which one slot fires and nothing else happens."""

    plan: Plan
    slot_at: datetime
    following: datetime

    def is_alone(self, since: datetime, until: datetime) -> bool:
        """Whether the slot is on time or made ahead, and the next one still to come."""
        return since <= self.slot_at <= until < self.following


# Once a herd is over nobody asks for its plans again: a larger memory would only be larger (measured: 40 MB when full).
@lru_cache(maxsize=4096)
def _plan_one(recurrence: Recurrence, low: datetime) -> _One | None:
    """Nearly every row of a herd. It asks no clock, so that one search serves the batches of a whole herd."""
    slot = next_slot(recurrence, low)
    following = None if slot is None else next_slot(recurrence, slot)
    if slot is None or following is None:
        return None
    plan = Plan((Fire(slot, slot),), slot, following, following, is_finished=False, has_more=False)
    return _One(plan, slot, following)


@lru_cache(maxsize=8192)
def _plan_herd(
    recurrence: Recurrence,
    low: datetime,
    now: datetime,
    until: datetime,
    misfire: Misfire,
    grace_seconds: int,
    limit: int,
    remaining: int | None,
    ends_at: datetime | None,
    per_tick: int,
) -> Plan:
    policy = Policy(misfire, grace_seconds, limit, ends_at=ends_at)
    return _decide(recurrence, low, now, until, policy, remaining, per_tick, None)


def _decide(
    recurrence: Recurrence,
    after: datetime,
    now: datetime,
    until: datetime,
    policy: Policy,
    remaining: int | None,
    per_tick: int,
    closed: Closed | None,
) -> Plan:
    if remaining is not None and remaining <= 0:
        return _FINISHED
    fire_at = _firing(recurrence, policy)
    low = _low(after, policy)
    first = _within(next_slot(recurrence, low), policy)
    if first is None:
        return _FINISHED
    most = per_tick if remaining is None else min(per_tick, remaining)
    decided: list[Skip | datetime] = []
    if fire_at(first) <= now:
        due = _due_until(recurrence, low, now, policy, fire_at)
        if closed is None:
            decided = _split(recurrence, low, due, now, policy, per_tick)
        else:
            decided = _split_by_days(recurrence, low, due, now, policy, per_tick, closed)
        decided = _first_fires(decided, most)
    last = _last_of(decided)
    upcoming = _within(next_open(recurrence, last or low, closed), policy)
    fires = sum(isinstance(each, datetime) for each in decided)
    while upcoming is not None and fires < most and now < fire_at(upcoming) <= until:
        decided.append(last := upcoming)
        fires += 1
        upcoming = _within(next_open(recurrence, upcoming, closed), policy)
    if remaining is not None and fires == remaining:
        upcoming = None
    decisions = tuple(Fire(each, fire_at(each)) if isinstance(each, datetime) else each for each in decided)
    if upcoming is None:
        return Plan(decisions, last, None, None, is_finished=True, has_more=False)
    return Plan(decisions, last, upcoming, fire_at(upcoming), is_finished=False, has_more=fire_at(upcoming) <= until)


def _split(
    recurrence: Recurrence, low: datetime, due: datetime, now: datetime, policy: Policy, per_tick: int
) -> list[Skip | datetime]:
    """The slots in (low, due], of which there is one at least: those that are skipped, then those that fire."""
    if isinstance(recurrence, Once):
        # A one-time schedule whose instant has passed fires once, whatever the policy.
        return [recurrence.at]
    late = _late_until(low, due, now, policy)
    on_time, _ = slots_between(recurrence, late, due, per_tick)
    return [*_skipped_but(recurrence, low, late, _kept(policy, on_time), _reason(policy)), *on_time]


def _split_by_days(
    recurrence: Recurrence,
    low: datetime,
    due: datetime,
    now: datetime,
    policy: Policy,
    per_tick: int,
    closed: Closed,
) -> list[Skip | datetime]:
    """The same beside days on which nothing fires; those take no part in what is made up for."""
    late = _late_until(low, due, now, policy)
    on_time: list[datetime] = []
    parts: list[list[Skip | datetime]] = []
    for span in closed.spans(late, due):
        if span.is_closed:
            parts.append(_holiday(recurrence, span))
            continue
        found, has_more = slots_between(recurrence, span.after, span.until, per_tick)
        on_time += found
        parts.append([*found])
        if has_more:
            # What comes behind is for the next plan.
            break
    kept = _kept(policy, on_time)
    for span in reversed([*closed.spans(low, late)]):
        if span.is_closed:
            parts.insert(0, _holiday(recurrence, span))
        else:
            part = _skipped_but(recurrence, span.after, span.until, kept, _reason(policy))
            kept -= sum(isinstance(each, datetime) for each in part)
            parts.insert(0, part)
    return _joined([each for part in parts for each in part])


def _late_until(low: datetime, due: datetime, now: datetime, policy: Policy) -> datetime:
    """The instant up to which slots are late, within [low, due]."""
    return max(low, min(due, now - grace(policy) - _TICK))


def _kept(policy: Policy, on_time: Sequence[datetime]) -> int:
    """How many of the slots that are late are made up for: a slot that is on time is the one run for all of them."""
    return {"once": 0 if on_time else 1, "all": policy.limit, "skip": 0}[policy.misfire]


def _reason(policy: Policy) -> Reason:
    return "misfire_limit" if policy.misfire == "all" else "misfire"


def _holiday(recurrence: Recurrence, span: Span) -> list[Skip | datetime]:
    return _skipped_but(recurrence, span.after, span.until, 0, "holiday")


def _skipped_but(
    recurrence: Recurrence, after: datetime, until: datetime, kept: int, reason: Reason
) -> list[Skip | datetime]:
    """The slots in (after, until]: all skipped but the newest `kept`, which fire."""
    count, first, last, newest = count_and_newest(recurrence, after, until, kept)
    return [*newest] if first is None or last is None else [Skip(first, last, count, reason), *newest]


def _joined(decided: Sequence[Skip | datetime]) -> list[Skip | datetime]:
    """The same with neighbouring skips of one reason as one: between them lay days without a slot."""
    found: list[Skip | datetime] = []
    for each in decided:
        before = found[-1] if found else None
        if isinstance(each, Skip) and isinstance(before, Skip) and each.reason == before.reason:
            found[-1] = Skip(before.slot_at, each.until, before.count + each.count, each.reason)
        else:
            found.append(each)
    return found


def _first_fires(decided: Sequence[Skip | datetime], most: int) -> list[Skip | datetime]:
    """As many as come before there would be more than `most` that fire; the rest is for the next plan."""
    found: list[Skip | datetime] = []
    for each in decided:
        if isinstance(each, datetime):
            if most == 0:
                break
            most -= 1
        found.append(each)
    return found


def _last_of(decided: Sequence[Skip | datetime]) -> datetime | None:
    """The newest slot that was decided."""
    if not decided:
        return None
    newest = decided[-1]
    return newest if isinstance(newest, datetime) else newest.until


def _due_until(
    recurrence: Recurrence, low: datetime, now: datetime, policy: Policy, fire_at: Callable[[datetime], datetime]
) -> datetime:
    """The instant up to which slots are due: a jittered slot fires before its next one, so only the newest may wait."""
    until = now if policy.ends_at is None else min(now, policy.ends_at)
    if policy.jitter_seconds > 0:
        *_, newest = count_and_newest(recurrence, low, until, 1)
        if newest and fire_at(newest[0]) > now:
            return newest[0] - _TICK
    return until


def _firing(recurrence: Recurrence, policy: Policy) -> Callable[[datetime], datetime]:
    if policy.jitter_seconds <= 0:
        return lambda slot: slot
    return lambda slot: jittered(slot, next_slot(recurrence, slot), policy.jitter_seconds, policy.seed)


def _low(after: datetime, policy: Policy) -> datetime:
    """The instant after which slots are decided."""
    return after if policy.starts_at is None else max(after, policy.starts_at - _TICK)


def grace(policy: Policy) -> timedelta:
    """How far behind its nominal instant a slot is still on time.

    A jitter as wide as the grace would make slots late before they can fire, so there the grace follows the jitter.
    """
    wait = policy.jitter_seconds if policy.jitter_seconds >= policy.grace_seconds else 0
    return timedelta(seconds=policy.grace_seconds + wait)


def _within(slot: datetime | None, policy: Policy) -> datetime | None:
    return None if slot is None or (policy.ends_at is not None and slot > policy.ends_at) else slot
