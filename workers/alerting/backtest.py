"""A whole policy on history: what it would have told whom and when, and which threshold would tell a wanted number."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from workers.alerting.check import Decision, check
from workers.alerting.conditions import DIRECTED, DOWNWARD
from workers.alerting.machine import ALARMING, StateRow, Transition
from workers.alerting.measures import judged, measure
from workers.alerting.notices import Notice
from workers.alerting.notify import Facts
from workers.alerting.policy import Policy
from workers.alerting.series import Reading
from workers.alerting.words import rfc3339, span

# How strict the thresholds are that a suggestion tries first: the share of the measured numbers on their good side.
SHARES = (1.0, 0.999, 0.995, 0.99, 0.98, 0.95, 0.9, 0.8, 0.7, 0.5)
HALVINGS = 5
MAX_K = 40


class Point(NamedTuple):
    """One check in a picture: the number that was compared, and the limits."""

    at: datetime
    number: Decimal | None
    low: Decimal | None
    high: Decimal | None


class Firing(NamedTuple):
    """From the first slot at which a segment fired to the one at which it was ok again, the last slot if it never was."""

    segment: str
    began: datetime
    ended: datetime
    is_over: bool


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a policy would have done. `notices` were told; a message groups those of one slot."""

    slots: tuple[datetime, ...]
    transitions: list[Transition]
    notices: list[Notice]
    codes: Counter[str]
    firings: list[Firing]
    points: dict[str, list[Point]]
    rows: dict[str, StateRow]
    notes: tuple[str, ...]

    @property
    def messages(self) -> int:
        """How many messages each recipient would have had."""
        return len({notice.at for notice in self.notices})


class Suggestion(NamedTuple):
    """The least strict threshold that tells no more than wanted, the messages it makes, and all that were tried."""

    threshold: Decimal
    messages: int
    tried: dict[Decimal, int]


class NoSuggestion(Exception):
    """No threshold can be suggested; the sentence says for what kinds of rule it can."""


def backtest(policy: Policy, reading: Reading, slots: Iterable[datetime], facts: Facts | None = None) -> Backtest:
    """Return what the policy would have done at each slot, oldest first, had each been checked when it was due."""
    rows: dict[str, StateRow] = {}
    done = Backtest((), [], [], Counter(), [], {}, rows, _notes(policy, reading))
    judged_at: list[datetime] = []
    history = reading._replace(data_as_of=None)
    for slot in slots:
        judged_at.append(slot)
        for segment, decision in check(policy, history, rows, facts or Facts(), slot).items():
            rows[segment] = decision.row
            _keep(done, segment, decision, slot)
    ongoing = [
        Firing(segment, row.firing_since, judged_at[-1], is_over=False)
        for segment, row in rows.items()
        if row.alarm in ALARMING and row.firing_since is not None
    ]
    return replace(
        done, slots=tuple(judged_at), firings=sorted(done.firings + ongoing, key=lambda firing: firing.began)
    )


def summary(done: Backtest) -> dict[str, Any]:
    """Return a backtest as JSON: its figures, its notices and its firings."""
    longest = max((firing.ended - firing.began for firing in done.firings), default=timedelta())
    told = Counter(notice.code for notice in done.notices)
    return {
        "from": rfc3339(done.slots[0]) if done.slots else None,
        "to": rfc3339(done.slots[-1]) if done.slots else None,
        "checks": len(done.slots),
        "notifications": len(done.notices),
        "messages": done.messages,
        "fired": told["fired"],
        "resolved": told["resolved"],
        "outcomes": dict(done.codes),
        "longestFiringSeconds": int(longest.total_seconds()),
        "longestFiring": span(longest),
        "firings": [
            {
                "segment": each.segment,
                "began": rfc3339(each.began),
                "ended": rfc3339(each.ended),
                "isOver": each.is_over,
            }
            for each in done.firings
        ],
        "notices": [
            {"segment": each.segment, "at": rfc3339(each.at), "outcome": each.code, "sentence": each.sentence}
            for each in done.notices
        ],
        "notes": list(done.notes),
    }


def suggest_threshold(policy: Policy, reading: Reading, slots: Sequence[datetime], wanted: int) -> Suggestion:
    """Return the threshold that would have made at most `wanted` messages, and of those the least strict one found.

    It goes from strict to lenient until there are too many, then halves the way between. Raises NoSuggestion.
    """
    if policy.measure == "noData" or (policy.measure != "anomaly" and policy.condition not in DIRECTED):
        raise NoSuggestion("a threshold is suggested for GREATER_THAN… and LESS_THAN…, and the k of an anomaly")
    ladder = _ladder(policy, reading, slots)
    if not ladder:
        raise NoSuggestion("no check of this span gives a number")
    tried: dict[Decimal, int] = {}
    steps = [round((len(ladder) - 1) * (1 - share)) for share in SHARES]
    good, bad = steps[0], None
    for place in dict.fromkeys(steps):
        if _tries(policy, reading, slots, ladder[place], tried) > wanted:
            bad = place
            break
        good = place
    for _ in range(HALVINGS):
        if bad is None or bad - good <= 1:
            break
        middle = (good + bad) // 2
        is_too_many = _tries(policy, reading, slots, ladder[middle], tried) > wanted
        good, bad = (good, middle) if is_too_many else (middle, bad)
    best = ladder[good]
    if tried[best] > wanted:
        raise NoSuggestion(
            f"even {best} makes {tried[best]} messages, more than {wanted}: other conditions of the rule fire"
        )
    return Suggestion(best, tried[best], tried)


def with_threshold(policy: Policy, threshold: Decimal) -> Policy:
    """Return the policy with another main threshold; its recovery limit keeps its distance."""
    guards, old = policy.guards, policy.threshold_value
    if guards.recover_threshold is not None and old is not None:
        moved = threshold + (guards.recover_threshold - old)
        if policy.measure == "anomaly":
            moved = threshold * guards.recover_threshold / old
        guards = guards.model_copy(update={"recover_threshold": moved})
    return policy.model_copy(update={"threshold_value": threshold, "guards": guards})


def _tries(
    policy: Policy, reading: Reading, slots: Sequence[datetime], threshold: Decimal, tried: dict[Decimal, int]
) -> int:
    if threshold not in tried:
        tried[threshold] = backtest(with_threshold(policy, threshold), reading, slots).messages
    return tried[threshold]


def _ladder(policy: Policy, reading: Reading, slots: Sequence[datetime]) -> list[Decimal]:
    """Return the thresholds worth trying, the strictest first: each number that was measured, or the k's by quarters."""
    if policy.measure == "anomaly":
        return [Decimal(quarters) / 4 for quarters in range(4 * MAX_K, 1, -1)]
    found: set[Decimal] = set()
    for series in reading.series.values():
        for slot in slots:
            period = judged(series, slot, None, policy.lag_periods, is_complete=policy.complete_periods_only)
            number = measure(policy, series, period, slot, None).number
            if number is not None:
                found.add(number)
    return sorted(found, reverse=policy.condition not in DOWNWARD)


def _keep(done: Backtest, segment: str, decision: Decision, slot: datetime) -> None:
    finding, notice = decision.finding, decision.notice
    done.points.setdefault(segment, []).append(Point(slot, finding.number, finding.low, finding.high))
    done.codes[notice.code] += 1
    if notice.is_told:
        done.notices.append(notice)
    if decision.transition is not None:
        done.transitions.append(decision.transition)
        before = decision.before
        if before is not None and before.alarm in ALARMING and decision.row.alarm not in ALARMING:
            done.firings.append(Firing(segment, before.firing_since or slot, slot, is_over=True))


def _notes(policy: Policy, reading: Reading) -> tuple[str, ...]:
    grained = any(series.graph.grain is not None for series in reading.series.values())
    if not policy.complete_periods_only and grained:
        return (*reading.notes, "periods under way are judged by what they came to in the end")
    return reading.notes
