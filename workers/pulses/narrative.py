"""Whether every number of a text is true of the evidence: each is found, and proved, exempt or unverified; pure.

What is looked at, and in which order, is told in docs/narrative.md.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from workers.pulses.clear import as_read, clear
from workers.pulses.counts import counted
from workers.pulses.dates import moment_of
from workers.pulses.evidence import Evidence
from workers.pulses.exempt import masked
from workers.pulses.facts import Cell, Facts
from workers.pulses.figures import NUMBER, Written, written
from workers.pulses.names import Names, Spoken
from workers.pulses.phrase import phrase_of
from workers.pulses.proof import Asked, prove
from workers.pulses.sentences import Span, clauses, sentences

Verdict = Literal["verified", "exempt", "unverified"]
# A text of more numbers is a table, which the evidence has itself.
MOST_CLAIMS = 400
MOST_KEPT = 1_000


class Claim(NamedTuple):
    """A number of a text and what was found of it; the spans are places in the text that was checked."""

    text: str
    span: Span
    sentence: Span
    verdict: Verdict
    why: str
    value: Decimal | None = None
    cells: tuple[Cell, ...] = ()

    def record(self, text: str) -> dict[str, Any]:
        """The claim as a run's record keeps it."""
        return {
            "text": self.text,
            "sentence": self.sentence.of(text)[:MOST_KEPT],
            "span": list(self.span),
            "verdict": self.verdict,
            "why": self.why,
            "value": None if self.value is None else str(self.value),
            "cells": [cell._asdict() for cell in self.cells],
        }


@dataclass(frozen=True)
class Checked:
    """A text as it was read, cleared of what can't be seen, and its claims in order."""

    markdown: str
    claims: tuple[Claim, ...]
    evidence_hash: str

    @property
    def unverified(self) -> tuple[Claim, ...]:
        """The numbers that nothing proves."""
        return tuple(claim for claim in self.claims if claim.verdict == "unverified")

    @property
    def record(self) -> dict[str, Any]:
        """What the run keeps of the check, as JSON."""
        counts = dict.fromkeys(("verified", "exempt", "unverified"), 0)
        for claim in self.claims:
            counts[claim.verdict] += 1
        return {
            "evidenceHash": self.evidence_hash,
            "counts": counts,
            "claims": [claim.record(self.markdown) for claim in self.claims],
        }


def check(markdown: str, evidence: Evidence) -> Checked:
    """Return each number of a text with its verdict. The text is cleared first; spans are places of the cleared text."""
    return Checker(evidence).check(markdown)


class Checker:
    """Holds texts against one evidence, whose facts are put in order once."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.facts = Facts(evidence)
        self.names = Names(evidence)

    def check(self, markdown: str) -> Checked:
        """Return each number of a text with its verdict."""
        text = clear(markdown)
        blanked, exempt = masked(text, self.evidence, self.names.nouns)
        told = sentences(text)
        numbers = written(text, blanked)
        claims = [
            Claim(
                text[each.start : each.end], Span(each.start, each.end), _around(told, each.start), "exempt", each.why
            )
            for each in exempt
        ]
        for at, number in enumerate(numbers):
            sentence = _around(told, number.start)
            before = numbers[at - 1] if at and numbers[at - 1].start >= sentence.start else None
            claims.append(self._claim(text, blanked, told, sentence, number, before, is_many=at >= MOST_CLAIMS))
        return Checked(text, tuple(sorted(claims, key=lambda claim: claim.span)), self.evidence.hash)

    def _claim(
        self,
        text: str,
        blanked: str,
        told: list[Span],
        sentence: Span,
        number: Written,
        before: Written | None,
        *,
        is_many: bool,
    ) -> Claim:
        span = Span(number.start, number.end)
        said = span.of(text)
        if is_many:
            return Claim(
                said, span, sentence, "unverified", f"only the first {MOST_CLAIMS} numbers of a text are checked"
            )
        if number.sort == "unreadable":
            return Claim(said, span, sentence, "unverified", "digits that nobody knows how to read")
        if _is_in_pieces(sentence.of(text), sentence.of(blanked)):
            return Claim(said, span, sentence, "unverified", "a reader would see other numbers than are written")
        exempt, counts = counted(number, text, told, sentence, self.evidence, self.names)
        if exempt:
            return Claim(said, span, sentence, "exempt", exempt)
        if counts:
            return Claim(said, span, sentence, "verified", counts, number.value)
        found = prove(self._asked(text, sentence, number, before), self.facts, self.names)
        if isinstance(found, str):
            return Claim(said, span, sentence, "unverified", found, number.value)
        return Claim(said, span, sentence, "verified", found.how, number.value, tuple(self.facts.cells(found)[:4]))

    def _asked(self, text: str, sentence: Span, number: Written, before: Written | None) -> Asked:
        clause = next((each for each in clauses(text, sentence) if each.start <= number.start < each.end), sentence)
        phrase = phrase_of(
            number, text[clause.start : number.start], text[number.end : clause.end], clause.of(text), sentence.of(text)
        )
        # The cells of a table's line stand for themselves; what they are about is all of the line.
        scope = sentence if text.startswith("|", sentence.start) else clause
        spoken: Spoken = self.names.spoken(scope.of(text))
        whole = self.names.spoken(sentence.of(text))
        moment = moment_of(text[clause.start : number.start], text[number.end : clause.end])
        between = text[before.end : number.start] if before else ""
        return Asked(number, phrase, spoken, whole, before, between, sentence.of(text), moment)


def _around(told: list[Span], at: int) -> Span:
    return next((span for span in told if span.start <= at < span.end), Span(at, at))


def _is_in_pieces(sentence: str, blanked: str) -> bool:
    """Whether a sentence, once it is a page, has digits together that stand apart in the text."""
    if not any(mark in sentence for mark in "[]`*_\\<"):
        return False
    kept = "".join(sign if hidden == sign else " " for sign, hidden in zip(sentence, blanked, strict=True))
    seen = [match[0].strip(".,") for match in NUMBER.finditer(as_read(kept))]
    there = [match[0].strip(".,") for match in NUMBER.finditer(blanked)]
    return any(seen.count(number) > there.count(number) for number in set(seen))
