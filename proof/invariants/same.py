"""I17: Redis is a doorbell only, so two histories of one plan, with and without its faults, tell the same."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from proof.invariants.case import OPEN, Case, Decision
from proof.records import Millis, Violation


class Outcome(NamedTuple):
    """A slot by its schedule's name and its distance from the schedule's first slot; how it ended, with what effects."""

    schedule: str
    since_first: Millis
    state: str
    effects: int


def same_outcomes(one: Case, other: Case) -> Iterator[Violation]:
    """Every slot that both histories had time for ended alike, and with as many effects."""
    ours, theirs = _schedules(one), _schedules(other)
    for name in sorted(ours.keys() | theirs.keys()):
        if name not in ours or name not in theirs:
            missing = "second" if name in ours else "first"
            yield Violation("I17", f"schedule {name} is not in the {missing} history", name)
            continue
        ends = [case.history.until - case.history.grace_seconds for case in (one, other)]
        room = min(end * 1000 - rows[0].first for end, rows in zip(ends, (ours[name], theirs[name]), strict=True))
        left = Counter(_outcomes(one, name, ours[name], room))
        right = Counter(_outcomes(other, name, theirs[name], room))
        for which, odd in (("first", left - right), ("second", right - left)):
            for outcome in sorted(odd):
                text = (
                    f"slot {name} + {outcome.since_first / 1000:g} s ended {outcome.state} with {outcome.effects} effects "
                    f"in the {which} history only"
                )
                yield Violation("I17", text, f"{name} + {outcome.since_first / 1000:g} s")


def _schedules(case: Case) -> dict[str, list[Decision]]:
    """What was decided, by the name of the schedule: ids differ between databases."""
    names = {
        version.schedule: str(version.definition.get("name", version.schedule)) for version in case.history.versions
    }
    found: dict[str, list[Decision]] = defaultdict(list)
    for schedule, decisions in case.decisions.items():
        found[names.get(schedule, schedule)] += decisions
    return dict(found)


def _outcomes(case: Case, name: str, decisions: list[Decision], room: float) -> Iterator[Outcome]:
    first = decisions[0].first
    for each in decisions:
        if each.first - first <= room and each.run.state not in OPEN:
            mails = sum(bool(case.kept(delivery)) for delivery in case.deliveries_of.get(each.run.run, ()))
            calls = sum(any(e.phase == "kept" for e in case.calls[key]) for key in case.calls_of.get(each.run.run, ()))
            yield Outcome(name, each.first - first, each.run.state, mails + calls)
