"""What has digits and is no figure: dates, times, the numbers of a list, names, addresses; pure."""

import re
from datetime import date
from typing import NamedTuple

from workers.pulses.evidence import Evidence
from workers.pulses.sentences import CHART

# A sign of nobody's, which no text has once it was cleared: it stands where no number is looked for.
BLANK = "\ue000"
_MONTH = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
_YEAR = r"(?:19|20)\d\d"
_DAY = r"(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_NO_AMOUNT = (
    r"(?![\d.,]*\d)(?!\s*(?:%|‰|per\s?cent|pct|k\b|m\b|bn\b|thousand|million|billion|points?\b|[$€£¥]|times\b|x\b))"
)
_TOLD = (
    ("a number of a list", re.compile(r"^[ \t>]*(?:#{1,6}[ \t]+)?(?:[-*+][ \t]+)?(?:[*_]{1,3})?\d{1,3}[.)](?=[ \t])", re.MULTILINE)),
    ("an address", re.compile(r"(?<=\]\()[^()\s]*(?:\([^()\s]*\)[^()\s]*)*|\b[a-z][a-z0-9+.-]*://[^\s)>\]]+|\bmailto:\S+", re.IGNORECASE)),
    ("an address", re.compile(r"^[ \t]*\[[^\]\n]+\]:[ \t]*\S+", re.MULTILINE)),
    ("a date", re.compile(rf"\b{_YEAR}-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?(?:[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)?\b(?!,?\d)")),
    ("a date", re.compile(rf"\b{_YEAR}-W\d\d\b|\b(?:week|wk|cw|W)\s?(?:5[0-3]|[1-4]?\d)\b{_NO_AMOUNT}", re.IGNORECASE)),
    ("a date", re.compile(rf"\b{_DAY}(?:\s?[-–]\s?{_DAY})?\s+(?:of\s+)?{_MONTH}(?!\w)(?:,?\s+{_YEAR}\b)?", re.IGNORECASE)),  # noqa: RUF001
    ("a date", re.compile(rf"\b{_MONTH}\s+{_YEAR}\b{_NO_AMOUNT}", re.IGNORECASE)),
    ("a date", re.compile(rf"\b{_MONTH}\s+{_DAY}(?:\s?[-–]\s?{_DAY}\b)?(?:,?\s+{_YEAR}\b)?{_NO_AMOUNT}(?!\w)", re.IGNORECASE)),  # noqa: RUF001
    ("a date", re.compile(r"\b(?:3[01]|[12]\d|0?[1-9])([./])(?:3[01]|[12]\d|0?[1-9])\1(?:20)?\d\d\b(?![.,]?\d)")),
    ("a date", re.compile(rf"\b(?:Q[1-4]|H[12])(?:[ /-]?'?(?:{_YEAR}|\d\d))?\b|\bFY\s?'?(?:{_YEAR}|\d\d)\b")),
    ("a time", re.compile(r"\b(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d)?(?:\s?[ap]\.?m\b\.?)?(?:\s?(?:UTC|GMT)(?:[+-]\d+)?)?", re.IGNORECASE)),
    ("a time", re.compile(r"\b(?:1[0-2]|[1-9])(?:\s?[-–]\s?(?:1[0-2]|[1-9]))?\s?[ap]\.?m\b\.?", re.IGNORECASE)),  # noqa: RUF001
    ("a name", re.compile(r"\b(?:B2B|B2C|D2C|P2P|O2O|24/7|CO2|COVID-19)\b")),
)  # fmt: skip
# "In May 12 orders" is a number of orders.
_BARE_MONTH_DAY = re.compile(rf"^{_MONTH}\s+\d{{1,2}}$", re.IGNORECASE)
_BARE_YEAR = re.compile(
    rf"(?<![\w.,$€£¥+\-\u2212\u2013/]){_YEAR}(?![\w%‰]|[.,]\d|\s?(?:%|percent|[$€£¥]|million|billion|thousand))"
)


class Exempt(NamedTuple):
    """A place with digits that are no figure, and what they are."""

    start: int
    end: int
    why: str


def masked(text: str, evidence: Evidence, nouns: frozenset[str]) -> tuple[str, list[Exempt]]:
    """Return the text with blanks where no figure stands, of the same length, and what stands there."""
    found: list[Exempt] = []
    for match in CHART.finditer(text):
        text = _blank(text, found, *match.span(), "a chart's own words")
    for name in _names(evidence):
        for match in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE):
            text = _blank(text, found, *match.span(), "a name that the evidence has")
    for why, pattern in _TOLD:
        for match in pattern.finditer(text):
            after = re.match(r"\s+(\w+)", text[match.end() :])
            is_amount = _BARE_MONTH_DAY.match(match[0]) and after and after[1].casefold().rstrip("s") in nouns
            if not is_amount:
                text = _blank(text, found, *match.span(), why)
    years = _years(evidence)
    for match in _BARE_YEAR.finditer(text):
        after = re.match(r"\s+(\w+)", text[match.end() :])
        if int(match[0]) in years and not (after and after[1].casefold().rstrip("s") in nouns):
            text = _blank(text, found, *match.span(), "a year that the evidence has")
    return text, sorted(found)


def _blank(text: str, found: list[Exempt], start: int, end: int, why: str) -> str:
    if any(sign.isdigit() for sign in text[start:end]):
        found.append(Exempt(start, end, why))
    # A line stays a line.
    return text[:start] + re.sub(r"[^\n]", BLANK, text[start:end]) + text[end:]


def _names(evidence: Evidence) -> list[str]:
    """The names with digits and letters that the evidence has, the longest first; a number after its column's name too."""
    found = set()
    for answer in evidence.answers:
        found |= {answer.graph, *(column.heading for column in answer.columns)}
        for place, column in enumerate(answer.columns):
            if column.type == "text":
                values = {str(row[place]) for row in answer.rows if row[place] is not None}
                found |= values | {f"{column.heading} {value}" for value in values if value.isdigit()}
    named = (name for name in found if re.search(r"\d", name) and re.search(r"[^\W\d_]", name))
    return sorted(named, key=len, reverse=True)


def _years(evidence: Evidence) -> set[int]:
    found = {evidence.slot.year}
    for answer in evidence.answers:
        found |= {value.year for row in answer.rows for value in row if isinstance(value, date)}
    return found
