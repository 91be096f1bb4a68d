"""The verdict on a history: every invariant asked, every counter-example counted, and the figures that people want."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Literal

from proof import by_time, oracle
from proof.invariants import INVARIANTS
from proof.invariants.case import Case, Limits
from proof.invariants.lag import PHASES, Percentiles, lags, percentiles
from proof.records import History, Violation

EXAMPLES = 50
# Zero errors among n: with 95 % confidence the true rate is below 3/n.
RULE_OF_THREE = 3.0

Word = Literal["sound", "broken", "nothing to judge", "not all judged"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one invariant found: how many counter-examples, and the first of them."""

    invariant: str
    claim: str
    count: int
    examples: Sequence[Violation]


@dataclass(frozen=True, slots=True)
class Figures:
    """What was lost and doubled, how large the history was, and how late runs began, in milliseconds.

    `insideWindow` counts second copies of mails that arrived because nobody could know that the first had.
    """

    slots: int
    runs: int
    starts: int
    deliveries: int
    effects: int
    stillOpen: int  # noqa: N815  the name in the report
    lost: int
    doubled: int
    deliveriesLost: int  # noqa: N815
    deliveriesDoubled: int  # noqa: N815
    insideWindow: int  # noqa: N815
    lagMs: Mapping[str, Percentiles]  # noqa: N815


@dataclass(frozen=True, slots=True)
class Verdict:
    """The word, why, and all that it rests on. Only the word `sound` is a success."""

    word: Word
    why: str
    findings: Sequence[Finding]
    figures: Figures
    states: Mapping[str, int]
    faults: Mapping[str, int]
    unjudged: Sequence[str]
    bounds: Mapping[str, float | None]
    seed: int

    @property
    def is_sound(self) -> bool:
        """Whether something was judged, all of it, and nothing is wrong with it."""
        return self.word == "sound"

    def as_json(self) -> dict[str, Any]:
        """The verdict in plain values."""
        told = asdict(self)
        told["figures"]["lagMs"] = {phase: lag._asdict() for phase, lag in self.figures.lagMs.items()}
        told["findings"] = [
            asdict(finding) | {"examples": [example._asdict() for example in finding.examples]}
            for finding in self.findings
        ]
        return {"isSound": self.is_sound} | told

    def as_text(self) -> str:
        """The verdict as people read it: the word first."""
        return "\n".join(_lines(self))


def judge(history: History, limits: Limits | None = None) -> Verdict:
    """The verdict on the history by all invariants and by the second opinion, which trusts no ids."""
    expected = oracle.expected(history)
    limits = limits or Limits()
    case = Case(history, expected, limits)
    findings = [_finding(name, _claim(check), check(case)) for name, check in INVARIANTS.items()]
    findings += _second_opinion(by_time.check(history, expected, limits.lag_seconds, limits.recover_seconds))
    figures = _figures(case, {finding.invariant: finding.count for finding in findings})
    word, why = _word(case, figures, findings)
    return Verdict(
        word=word,
        why=why,
        findings=findings,
        figures=figures,
        states=dict(sorted(Counter(run.state for run in history.runs).items())),
        faults=dict(sorted(Counter(fault.name for fault in history.faults).items())),
        unjudged=sorted(case.expected.unjudged),
        bounds={
            "slots": _bound(figures.slots, figures.lost + figures.doubled),
            "deliveries": _bound(figures.deliveries, figures.deliveriesLost + figures.deliveriesDoubled),
        },
        seed=history.seed,
    )


def _word(case: Case, figures: Figures, findings: Sequence[Finding]) -> tuple[Word, str]:
    """What the findings come to. What was not looked at is never sound, and what is broken is so in any case."""
    broken = [finding.invariant for finding in findings if finding.count]
    if broken:
        return (
            "broken",
            f"{', '.join(broken)} do not hold, counter-examples: {sum(finding.count for finding in findings)}",
        )
    history = case.history
    for is_missing, why in (
        (not history.versions or not history.runs, "the history has no schedule or no run"),
        (not history.run_moves or not history.schedule_moves, "no move was written"),
        (not figures.slots, "no slot had to be decided"),
        (not history.starts and not history.sink, "no handler and no sink outside the database told of anything"),
    ):
        if is_missing:
            return "nothing to judge", why
    if case.expected.unjudged:
        return "not all judged", f"the oracle can't read {len(case.expected.unjudged)} schedules"
    return "sound", f"{figures.slots} slots were due, each was decided once, and every effect is accounted for"


def _finding(invariant: str, claim: str, found: Iterable[Violation]) -> Finding:
    each = iter(found)
    examples = list(islice(each, EXAMPLES))
    return Finding(invariant, claim, len(examples) + sum(1 for _ in each), examples)


def _second_opinion(found: Iterable[Violation]) -> list[Finding]:
    grouped: dict[str, list[Violation]] = {"T1": [], "T2": []}
    for violation in found:
        grouped.setdefault(violation.invariant, []).append(violation)
    claims = {"T1": "by time alone, each slot has its start", "T2": "by time alone, no slot has two"}
    return [_finding(name, claims.get(name, "by time alone"), each) for name, each in grouped.items()]


def _claim(check: Callable[..., object]) -> str:
    """The invariant in the words of its function."""
    first = (check.__doc__ or "").partition("\n")[0]
    return first.partition(": ")[2].rstrip(".")


def _figures(case: Case, counts: Mapping[str, int]) -> Figures:
    history = case.history
    every = list(lags(case))
    phases = {"all": [lag.seconds for lag in every]}
    phases |= {phase: [lag.seconds for lag in every if lag.phase == phase] for phase in PHASES}
    kept = [sum(event.phase == "kept" for event in events) for events in case.mails.values()]
    calls = sum(event.sink == "http" and event.phase == "kept" for event in history.sink)
    return Figures(
        slots=sum(len(slots) for slots in case.expected.must.values()),
        runs=len(history.runs),
        starts=len(history.starts),
        deliveries=len(history.deliveries),
        effects=sum(kept) + calls,
        stillOpen=sum(run.finished_at is None for run in history.runs),
        lost=counts["I1"],
        doubled=counts["I2"],
        deliveriesLost=counts["I8"],
        deliveriesDoubled=counts["I9"],
        insideWindow=sum(
            min(max(0, copies - 1), sum(delivery.unknown_count for delivery in case.intents.get(address, ())))
            for address, copies in zip(case.mails, kept, strict=True)
        ),
        lagMs={phase: percentiles(seconds) for phase, seconds in phases.items()},
    )


def _bound(tried: int, errors: int) -> float | None:
    """The 95 % upper bound of the rate of errors; None where none could be seen or some were."""
    return RULE_OF_THREE / tried if tried and not errors else None


def _lines(verdict: Verdict) -> Iterable[str]:
    figures = verdict.figures
    yield f"{verdict.word.upper()}: {verdict.why}."
    yield ""
    yield f"lost {figures.lost}   doubled {figures.doubled}   of {figures.slots} slots{_at_most(verdict, 'slots')}"
    yield (
        f"deliveries lost {figures.deliveriesLost}   doubled {figures.deliveriesDoubled}   "
        f"of {figures.deliveries}{_at_most(verdict, 'deliveries')}"
    )
    yield f"second copies inside the acknowledgement window: {figures.insideWindow}"
    yield f"runs {figures.runs} ({', '.join(f'{count} {state}' for state, count in verdict.states.items())})"
    yield f"witnesses: {figures.starts} starts, {figures.effects} effects kept by sinks"
    for phase, lag in figures.lagMs.items():
        yield f"lag {phase}: p50 {lag.p50:g} ms, p99 {lag.p99:g} ms, max {lag.max:g} ms ({lag.runs} runs)"
    told = ", ".join(f"{name} x{count}" for name, count in verdict.faults.items())
    yield f"faults achieved: {told or 'none'} (seed {verdict.seed})"
    if verdict.unjudged:
        yield f"not judged: {', '.join(verdict.unjudged[:10])}"
    yield ""
    for finding in verdict.findings:
        yield f"{'ok  ' if not finding.count else 'FAIL'} {finding.invariant:<4}{finding.claim}{_times(finding)}"
        for example in finding.examples[:5]:
            where = "" if example.first_seq is None else f" [seq {example.first_seq}-{example.last_seq}]"
            yield f"       {example.text}{where}"


def _at_most(verdict: Verdict, what: str) -> str:
    bound = verdict.bounds[what]
    return "" if bound is None else f" (with 95 % confidence fewer than {bound:.1e} of them)"


def _times(finding: Finding) -> str:
    return f" (counter-examples: {finding.count})" if finding.count else ""
