"""The one fact that proves a number, or why there is none; pure."""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from workers.pulses.counts import stretch
from workers.pulses.dates import Moment
from workers.pulses.facts import Fact, Facts, Line, across, moves, shares, sums
from workers.pulses.figures import Written
from workers.pulses.names import Names, Spoken
from workers.pulses.phrase import Phrase
from workers.pulses.units import PER_MILLE, PERCENT, POINTS, is_measure

# Whoever is meant is told otherwise than by name.
_ONE_OF = re.compile(
    r"\b(?:largest|biggest|smallest|highest|lowest|best|worst|most|least|top|leading|strongest|weakest|leader|peak|one|"
    r"first|second|third|next|other|others|rest|each|every|both|followed|ranges?|between)\b",
    re.IGNORECASE,
)
# A figure of one time is no sum of many.
_SUMMED = re.compile(r"\b(?:summed|summing|sums?|adds?|added|adding) (?:up )?to\b", re.IGNORECASE)
_TIMES = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
_HOWS = ("cell", "total", "mean", "percentage", "difference", "points", "share", "multiple")


class Asked(NamedTuple):
    """A number, how it is put, what its clause and its sentence name, and the number before it with the words between."""

    number: Written
    phrase: Phrase
    spoken: Spoken
    whole: Spoken
    before: Written | None
    between: str
    sentence: str
    moment: Moment | None = None


def prove(asked: Asked, facts: Facts, names: Names) -> Fact | str:
    """Return the fact that proves a number, or why none does."""
    if asked.phrase.is_denied and asked.phrase.is_move and not asked.phrase.is_level:
        return "a move that is denied can't be proved"
    if not _is_in_order(asked):
        return "the two figures do not stand to each other as the words say"
    near: str = "no cell, and nothing that follows from cells that belong together"
    found: list[Fact] = []
    for fact in _candidates(asked, facts):
        reason = _objection(fact, asked, facts, names)
        if reason is None:
            found.append(fact)
        else:
            near = reason
    return min(found, key=lambda fact: (_HOWS.index(fact.how), fact.rows and -max(fact.rows))) if found else near


def _candidates(asked: Asked, facts: Facts) -> Iterator[Fact]:
    yield from _of_size(asked, facts, 1)
    if asked.number.scale != 1:
        # Twelve thousand is 12 of a figure that is told in thousands.
        for unit, times in _TIMES.items():
            yield from (fact for fact in _of_size(asked, facts, times) if fact.unit == unit)


def _of_size(asked: Asked, facts: Facts, times: int) -> Iterator[Fact]:
    number, phrase = asked.number, asked.phrase
    low, high = max(number.low, Decimal()) / times, number.high / times
    if phrase.is_level and number.sort != "times":
        yield from facts.between(low, high)
        for fact in _named_levels(asked, facts):
            if low <= abs(fact.value) <= high:
                yield fact
    if phrase.is_move:
        for fact in _moves(asked, facts):
            if low <= abs(fact.value) <= high:
                yield fact


def _named_levels(asked: Asked, facts: Facts) -> Iterator[Fact]:
    """Shares, and the sums of what the sentence names."""
    for line in facts.lines:
        answer = facts.evidence.answers[line.answer]
        rows = asked.whole.rows(line.answer)
        last = len(answer.rows) - 1
        if asked.number.unit == PERCENT:
            ends = _ends(line) if answer.time is None else [last]
            yield from shares(
                facts, line, [*(rows or ends), *([last] if answer.time is not None and last >= 0 else [])]
            )
        elif count := stretch(asked.sentence, answer):
            yield from sums(line, range(len(line.values) - count, len(line.values)))
        elif 1 < len(rows) <= len(line.values):
            named = range(rows[0], rows[-1] + 1) if answer.time is not None else rows
            yield from sums(line, list(named))
            if answer.time is not None:
                yield from sums(line, range(rows[0], last + 1))
        elif rows and answer.time is not None and asked.phrase.is_since:
            yield from sums(line, range(rows[0], last + 1))


def _moves(asked: Asked, facts: Facts) -> Iterator[Fact]:
    for line in facts.lines:
        answer = facts.evidence.answers[line.answer]
        yield from moves(line, answer, asked.whole.rows(line.answer), stretch(asked.sentence, answer))
    for at, answer in enumerate(facts.evidence.answers):
        rows = asked.whole.rows(at) or (
            [len(answer.rows) - 1] if answer.time is not None or len(answer.rows) == 1 else []
        )
        if len(answer.numbers) > 1:
            yield from across(facts, at, [row for row in rows if row >= 0], asked.whole.columns(at))


def _ends(line: Line) -> list[int]:
    """The rows of a column's largest and smallest figures."""
    rows = [row for row, value in enumerate(line.values) if value is not None]
    if not rows:
        return []
    order = sorted(rows, key=lambda row: line.values[row] or Decimal())
    return list(dict.fromkeys([order[-1], order[0]]))


def _objection(fact: Fact, asked: Asked, facts: Facts, names: Names) -> str | None:
    """Why a fact of the right size proves nothing; None where it does."""
    is_move = fact.how in ("difference", "percentage", "points", "multiple")
    if not _has_unit(fact, asked.number, names):
        return "the right size in another unit"
    if is_move:
        way = asked.phrase.way
        sign = (fact.value > 1) - (fact.value < 1) if fact.how == "multiple" else (fact.value > 0) - (fact.value < 0)
        if way and sign != way:
            return "the right size in the other direction"
    elif not _has_sign(fact, asked):
        return "the right size with the other sign"
    elif asked.phrase.is_arrival and asked.phrase.way and not _arrived(fact, asked, facts):
        return "the right figure, which did not come about that way"
    if not asked.spoken.fits(fact, len(facts.evidence.answers[fact.answer].rows)):
        return "the right size of something else"
    if _is_a_part(fact, asked, facts):
        return "the right figure of a part, told as the whole's"
    return None if _is_of_its_time(fact, asked, facts) else "the right figure of another time"


def _is_a_part(fact: Fact, asked: Asked, facts: Facts) -> bool:
    """Whether a single figure is one of several names', of which the sentence names none."""
    answer = facts.evidence.answers[fact.answer]
    # What the cells of a table's line are of stands above them.
    if fact.how != "cell" or asked.sentence.startswith("|") or _ONE_OF.search(asked.sentence):
        return False
    has_names = any(column.type == "text" for column in answer.columns)
    has_names = has_names and (len(answer.rows) > 1 or not answer.is_whole)
    if not (has_names or (answer.is_split and fact.columns[0] >= 0)):
        return False
    return not any(place.answer == fact.answer and place.dimension == "name" for place in asked.whole.places)


def _is_of_its_time(fact: Fact, asked: Asked, facts: Facts) -> bool:
    """Whether a single figure is of the time that it is told of, and no sum of several."""
    answer = facts.evidence.answers[fact.answer]
    if fact.how != "cell" or answer.time is None or len(fact.rows) != 1:
        return True
    if len(answer.rows) > 1 and _SUMMED.search(asked.sentence) and len(asked.whole.rows(fact.answer)) != 1:
        return False
    told = answer.rows[fact.rows[0]][answer.time]
    return asked.moment is None or not isinstance(told, date) or asked.moment.holds(told)


def _has_unit(fact: Fact, number: Written, names: Names) -> bool:
    if number.sort == "times":
        return fact.how == "multiple"
    if fact.how == "multiple":
        return False
    if number.unit in (PERCENT, POINTS, PER_MILLE) or number.unit_sort == "money":
        return fact.unit == number.unit
    if fact.unit in (PERCENT, POINTS, PER_MILLE):
        return False
    noun = number.unit
    if not noun:
        return True
    own = names.nouns_of(fact)
    if noun in own or noun == fact.unit:
        return True
    if noun in names.nouns or is_measure(noun):
        return False
    return not (number.is_of_many and is_measure(fact.unit))


def _has_sign(fact: Fact, asked: Asked) -> bool:
    if asked.number.sign:
        return (fact.value < 0) == (asked.number.sign < 0) or not fact.value
    return fact.value >= 0 or asked.phrase.may_be_negative or asked.number.is_bracketed


def _arrived(fact: Fact, asked: Asked, facts: Facts) -> bool:
    """Whether a level came about by a move of the way that is told: beside the row before, or what the sentence names."""
    answer = facts.evidence.answers[fact.answer]
    if len(fact.rows) != 1 or answer.time is None:
        return False
    (row,) = fact.rows
    line = next(each for each in facts.lines if each.answer == fact.answer and each.place == fact.columns[0])
    named = [other for other in asked.whole.rows(fact.answer) if other < row]
    then = named or [row - 1]
    if asked.phrase.is_since and not named:
        then.append(0)
    for earlier in then:
        value = line.values[earlier] if 0 <= earlier < row else None
        if value is not None and (fact.value > value) - (fact.value < value) == asked.phrase.way:
            return True
    return False


def _is_in_order(asked: Asked) -> bool:
    """Whether two levels that are told one after the other, as `from A to B` or `B, up from A`, go the way that is told."""
    before, number, phrase = asked.before, asked.number, asked.phrase
    if before is None or before.unit_sort != number.unit_sort or not phrase.way:
        return True
    first, second = _signed(before), _signed(number)
    words = asked.between.lower()
    if phrase.is_arrival and words.strip() == "to":
        return (second > first) - (second < first) == phrase.way
    if phrase.is_departure and words.lstrip(" ,(").startswith(("up", "down", "higher", "lower")):
        return (first > second) - (first < second) == phrase.way
    return True


def _signed(number: Written) -> Decimal:
    return -number.value if number.sign < 0 else number.value
