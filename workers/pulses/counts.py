"""Numbers that count what the evidence or the text lists: periods, names, ranks; pure."""

import re

from workers.pulses.evidence import Answer, Evidence, place_of
from workers.pulses.figures import Written
from workers.pulses.names import Names
from workers.pulses.number_words import ONES
from workers.pulses.sentences import Span
from workers.pulses.units import PERIODS, singular

MOST_COUNTED = 1_000
_DAYS = {"min": 1 / 1440, "h": 1 / 24, "day": 1, "week": 7, "month": 30.4, "quarter": 91.3, "year": 365.25}
_STRETCH = re.compile(
    r"\b(?:last|past|previous|recent|preceding|prior|trailing|first|over|these|the|full|complete)[\s*_]*$",
    re.IGNORECASE,
)
_LATEST = re.compile(
    rf"\b(?:last|past|previous|trailing|latest|these|this)\s+(\d{{1,3}}|{'|'.join(ONES)})?[\s-]*"
    r"(minutes?|hours?|days?|weeks?|months?|quarters?|years?)\b",
    re.IGNORECASE,
)
_BEST = re.compile(
    r"\b(?:top|bottom|best|worst|largest|biggest|smallest|leading|first|last|all|these|following|other)[\s*_]*$",
    re.IGNORECASE,
)
_BEST_AFTER = re.compile(
    r"[\s*_]*(?:largest|biggest|best|smallest|worst|highest|lowest|leading|strongest|weakest)\b", re.IGNORECASE
)
_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,3}[.)])\s")
_LISTS = re.compile(r"[\s*_]*(?:[\w'\u2019-]+\s*){0,6}:[\s*_]*$")


def counted(
    number: Written, text: str, told: list[Span], sentence: Span, evidence: Evidence, names: Names
) -> tuple[str, str]:
    """Return why a number is no figure, and what it counts rightly; both empty where neither is known."""
    largest = max((len(answer.rows) for answer in evidence.answers), default=0)
    if number.sort == "ordinal":
        return ("a rank" if 0 <= number.value <= max(largest, 31) else ""), ""
    if number.unit_sort not in ("", "word") or number.value != int(number.value) or number.sign:
        return "", ""
    if number.value > MOST_COUNTED or number.scale != 1 or number.sort in ("times", "vague"):
        return "", ""
    count = int(number.value)
    before, after = text[sentence.start : number.start], text[number.end : sentence.end]
    if _is_stretch(count, number.unit, before, evidence):
        return "", "a stretch of the evidence's own periods"
    if count and count in _listed(text, told, sentence, before, after, names):
        return "", "as many as are listed"
    if any(_counts_rows(count, number.unit, answer) for answer in evidence.answers):
        return "", "as many as the evidence has"
    if count and number.sort == "count" and number.unit not in names.nouns:
        return "a turn of speech", ""
    return "", ""


def _is_stretch(count: int, unit: str, before: str, evidence: Evidence) -> bool:
    """Whether it tells a length of time that some answer covers: `the last 7 days`."""
    if unit not in PERIODS.values() or not _STRETCH.search(before[-24:]):
        return False
    return any(0 < count * _DAYS[unit] <= _length(answer) * 1.04 for answer in evidence.answers)


def stretch(text: str, answer: Answer) -> int | None:
    """Return how many of an answer's newest rows a sentence speaks of: `over the last 7 days`, `last week`."""
    match = _LATEST.search(text)
    if match is None or answer.time is None or len(answer.rows) < 2:
        return None
    count = int(match[1]) if match[1] and match[1].isdigit() else ONES.get((match[1] or "one").lower(), 1)
    step = _length(answer) / len(answer.rows)
    rows = count * _DAYS[PERIODS[singular(match[2])]] / step
    return round(rows) if 1 < round(rows) <= len(answer.rows) and abs(rows - round(rows)) < 0.1 * rows else None


def _length(answer: Answer) -> float:
    """How many days an answer's rows cover, the last one too."""
    if answer.time is None or len(answer.rows) < 2:
        return 0
    first, second, last = (place_of(answer.rows[at][answer.time])[1] for at in (0, 1, -1))
    return (last - first + second - first) / 86_400


def _counts_rows(count: int, unit: str, answer: Answer) -> bool:
    """Whether it is the number of an answer's names, told by their heading: `5 regions`."""
    if not unit:
        return False
    for place, column in enumerate(answer.columns):
        words = {singular(word) for word in column.heading.split()}
        if column.type == "text" and unit in words:
            return answer.is_whole and count == len({row[place] for row in answer.rows})
    return unit == "segment" and answer.is_split and count == len(answer.numbers)


def _listed(text: str, told: list[Span], sentence: Span, before: str, after: str, names: Names) -> set[int]:
    """How many names the sentence has, or items the list that it leads to, where the words speak of a list."""
    is_best = bool(_BEST.search(before[-24:]) or _BEST_AFTER.match(after))
    found: set[int] = set()
    if is_best:
        spoken = names.spoken(sentence.of(text))
        found.add(len([word for word in spoken.words if _is_name(word, names)]))
    if is_best or _LISTS.match(after):
        found.add(_items(text, told, sentence))
    return found - {0}


def _is_name(word: str, names: Names) -> bool:
    return any(place.dimension == "name" for place in names.spoken(word).places)


def _items(text: str, told: list[Span], sentence: Span) -> int:
    """How many items the list has that begins right after a sentence."""
    count = 0
    for span in told[told.index(sentence) + 1 :] if sentence in told else []:
        line = text.rfind("\n", 0, span.start) + 1
        if not _ITEM.match(text, line):
            break
        # An item of two sentences is one item.
        count += text[line : span.start].strip() == ""
    return count
