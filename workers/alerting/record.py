"""The decision record of a check, as JSON: what was found, how it was judged, and why somebody or nobody was told."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from workers.alerting.check import Decision
from workers.alerting.machine import ALARMING
from workers.alerting.notices import Code
from workers.alerting.policy import Policy
from workers.alerting.words import rfc3339

MAX_SEGMENTS = 200
# The outcome of a check of several segments is the first of these that one of them has.
BY_WEIGHT: tuple[Code, ...] = (
    "fired", "escalated", "resolved", "repeated", "could_not_check", "no_data", "held", "silenced", "gated",
    "acknowledged", "pending", "quiet",
)  # fmt: skip


def record(
    policy: Policy, version: int, decisions: Mapping[str, Decision], slot: datetime, notes: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return the record of one check. At most 200 segments are told one by one, those with the most to say first."""
    ordered = sorted(decisions.values(), key=lambda each: BY_WEIGHT.index(each.notice.code))
    first = ordered[0] if ordered else None
    counts = Counter(each.notice.code for each in ordered)
    chances = [each.notice.next_chance for each in ordered if each.notice.next_chance is not None]
    return {
        "slot": rfc3339(slot),
        "ruleVersion": version,
        "rule": policy.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        "dataAsOf": _time(first.finding.data_as_of) if first else None,
        "outcome": first.notice.code if first else "no_data",
        "notified": any(each.notice.is_told for each in ordered),
        "sentence": _sentence(ordered),
        "nextChance": _time(min(chances, default=None)),
        "outcomes": dict(counts),
        "members": members(decisions),
        "segments": [segment_record(each) for each in ordered[:MAX_SEGMENTS]],
        "segmentsLeftOut": max(len(ordered) - MAX_SEGMENTS, 0),
        "notes": list(notes),
    }


def segment_record(decision: Decision) -> dict[str, Any]:
    """Return what was decided of one segment."""
    finding, row, notice = decision.finding, decision.row, decision.notice
    return {
        "segment": finding.segment,
        "value": _number(finding.value),
        "measured": _number(finding.number),
        "baseline": _number(finding.baseline),
        "thresholdLow": _number(finding.low),
        "thresholdHigh": _number(finding.high),
        "windowStart": _time(finding.start),
        "windowEnd": _time(finding.end),
        "previousState": decision.before.state if decision.before else None,
        "state": row.state,
        "since": rfc3339(row.since),
        "outcome": notice.code,
        "notified": notice.is_told,
        "sentence": notice.sentence,
        "nextChance": _time(notice.next_chance),
    }


def members(decisions: Mapping[str, Decision]) -> dict[str, list[str]]:
    """Return the segments that a grouped message lists: those that fire newly, still, and those that recovered."""
    listed: dict[str, list[str]] = {"new": [], "still": [], "recovered": []}
    for segment, each in decisions.items():
        was_known = each.before is not None and each.before.is_told
        if each.row.alarm in ALARMING:
            listed["still" if was_known else "new"].append(segment)
        elif was_known or (each.notice.is_told and each.notice.code == "resolved"):
            listed["recovered"].append(segment)
    return listed


def _sentence(ordered: list[Decision]) -> str:
    if not ordered:
        return "the table has no segment"
    first = ordered[0]
    name = f"{first.finding.segment}: " if first.finding.segment else ""
    others = f" ({len(ordered) - 1} further segments)" if len(ordered) > 1 else ""
    return f"{name}{first.notice.sentence}{others}"


def _number(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _time(instant: datetime | None) -> str | None:
    return None if instant is None else rfc3339(instant)
