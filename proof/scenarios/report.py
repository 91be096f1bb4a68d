"""What a scenario says: its goals with what was measured, the figures behind them, and whether all goals are met."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

from proof.verdict import Verdict


class Goal(NamedTuple):
    """What was measured beside its limit; None was not measured, and is never met."""

    what: str
    measured: float | None
    sign: Literal["<=", ">=", "="]
    limit: float

    @property
    def is_met(self) -> bool:
        """Whether it was measured and lies within its limit."""
        if self.measured is None:
            return False
        return {
            "<=": self.measured <= self.limit,
            ">=": self.measured >= self.limit,
            "=": self.measured == self.limit,
        }[self.sign]

    def as_text(self) -> str:
        """The goal as people read it."""
        told = "not measured" if self.measured is None else f"{self.measured:g}"
        return f"{'ok  ' if self.is_met else 'FAIL'} {self.what}: {told} (goal {self.sign} {self.limit:g})"


@dataclass(frozen=True, slots=True)
class Part:
    """One measurement of a scenario."""

    name: str
    goals: Sequence[Goal]
    figures: Mapping[str, Any]

    @property
    def is_met(self) -> bool:
        """Whether there are goals and all of them are met."""
        return bool(self.goals) and all(goal.is_met for goal in self.goals)

    def as_json(self) -> dict[str, Any]:
        """The part in plain values."""
        goals = [goal._asdict() | {"isMet": goal.is_met} for goal in self.goals]
        return {"name": self.name, "isMet": self.is_met, "goals": goals, "figures": dict(self.figures)}

    def as_text(self) -> str:
        """The part as people read it."""
        figures = (f"     {name}: {told}" for name, told in self.figures.items() if name != "findings")
        return "\n".join([self.name, *(f"  {goal.as_text()}" for goal in self.goals), *figures])


def document(scenario: str, options: Mapping[str, Any], parts: Sequence[Part]) -> dict[str, Any]:
    """All that a scenario says, as one document."""
    is_met = bool(parts) and all(part.is_met for part in parts)
    return {
        "scenario": scenario,
        "isMet": is_met,
        "options": dict(options),
        "parts": [part.as_json() for part in parts],
    }


def soundness(verdict: Verdict, *, is_over: bool) -> list[Goal]:
    """The goals of every scenario: by the judge nothing is lost or doubled, no invariant is broken, and all is over."""
    figures = verdict.figures
    return [
        Goal("slots lost", figures.lost, "=", 0),
        Goal("starts doubled", figures.doubled, "=", 0),
        Goal("deliveries lost or doubled", figures.deliveriesLost + figures.deliveriesDoubled, "=", 0),
        Goal("counter-examples to any invariant", sum(finding.count for finding in verdict.findings), "=", 0),
        Goal("sound by the judge, with nothing open at the end", float(verdict.is_sound and is_over), "=", 1),
    ]


def judged(verdict: Verdict) -> dict[str, Any]:
    """The figures of the judge, with the counter-examples where there are any."""
    told: dict[str, Any] = {
        "verdict": verdict.word,
        "slots": verdict.figures.slots,
        "starts": verdict.figures.starts,
        "effects": verdict.figures.effects,
        "insideWindow": verdict.figures.insideWindow,
        "states": dict(verdict.states),
        "faults": dict(verdict.faults),
    }
    broken = [asdict(finding) for finding in verdict.findings if finding.count]
    if broken:
        told["findings"] = [
            {"invariant": each["invariant"], "count": each["count"], "examples": [e.text for e in each["examples"][:5]]}
            for each in broken
        ]
        told["broken"] = "; ".join(
            f"{each['invariant']} x{each['count']}: {each['examples'][:1]}" for each in told["findings"]
        )
    return told
