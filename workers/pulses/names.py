"""What a sentence speaks of: the graphs, columns, rows and periods of the evidence that it names; pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple

from workers.pulses.evidence import Answer, Evidence
from workers.pulses.facts import Fact
from workers.pulses.units import singular, unit_key

_WORD = re.compile(r"\w+")
_LONGEST = 6
_EVERYBODYS = frozenset(
    ("value", "total", "count", "amount", "number", "sum", "all", "day", "week", "month", "year", "date")
)
_WHOLE = re.compile(
    r"\b(?:total|overall|altogether|combined|together|all|sum|whole|across|average|mean)\b", re.IGNORECASE
)

Dimension = Literal["measure", "name", "period"]


class Place(NamedTuple):
    """Where a name stands: a whole answer, one of its columns or one of its rows; -1 is any."""

    dimension: Dimension
    answer: int
    column: int = -1
    row: int = -1


@dataclass(frozen=True)
class Spoken:
    """What a stretch of text names."""

    places: frozenset[Place]
    words: frozenset[str]
    is_whole: bool

    def rows(self, answer: int) -> list[int]:
        """The rows of an answer that are named, by their name or their period."""
        return sorted({place.row for place in self.places if place.answer == answer and place.row >= 0})

    def columns(self, answer: int) -> list[int]:
        """The columns of an answer that are named."""
        return sorted({place.column for place in self.places if place.answer == answer and place.column >= 0})

    def fits(self, fact: Fact, rows: int) -> bool:
        """Whether a fact is about what is named; where nothing is named, it may be about anything. `rows`: its answer's."""
        return all(self._fits(fact, rows, dimension) for dimension in ("measure", "name", "period"))

    def _fits(self, fact: Fact, rows: int, dimension: str) -> bool:
        places = [place for place in self.places if place.dimension == dimension]
        if not places or (dimension == "name" and self.is_whole and fact.how in ("total", "mean", "share")):
            return True
        mine = [place for place in places if place.answer == fact.answer]
        if dimension == "period":
            return len(fact.rows) > 2 or self._is_then(fact, rows, mine)
        return any(
            (place.column in fact.columns if place.column >= 0 else place.row in fact.rows if place.row >= 0 else True)
            for place in mine
        )

    @staticmethod
    def _is_then(fact: Fact, rows: int, places: list[Place]) -> bool:
        """Whether a fact is of a period that is named, of its neighbours, or of the newest, which goes without saying."""
        near = {place.row + step for place in places for step in (-1, 0, 1)} | {rows - 1}
        return any(row in near for row in fact.rows)


@dataclass
class Names:
    """All names of an evidence. `nouns` are the words that its figures are told by, each in the singular."""

    evidence: Evidence
    nouns: frozenset[str] = field(init=False)
    own: list[frozenset[str]] = field(init=False)
    _places: dict[str, set[Place]] = field(init=False)
    _spoken: dict[str, Spoken] = field(init=False)

    def __post_init__(self) -> None:
        self._places, self._spoken = {}, {}
        for at, answer in enumerate(self.evidence.answers):
            for name, place in _named(at, answer):
                told = " ".join(_WORD.findall(name.casefold()))
                if len(told) > 1 and told not in _EVERYBODYS and not told.isdigit():
                    self._places.setdefault(told, set()).add(place)
        self.own = [frozenset(_nouns(answer)) for answer in self.evidence.answers]
        self.nouns = frozenset().union(*self.own) - _EVERYBODYS

    def spoken(self, text: str) -> Spoken:
        """Return what a stretch of text names, the longest names first; a sentence is read once for all of its numbers."""
        if text not in self._spoken:
            self._spoken[text] = self._read(text)
        return self._spoken[text]

    def _read(self, text: str) -> Spoken:
        words = [word.casefold() for word in _WORD.findall(text)]
        found: set[Place] = set()
        told: set[str] = set()
        at = 0
        while at < len(words):
            for length in range(min(_LONGEST, len(words) - at), 0, -1):
                name = " ".join(words[at : at + length])
                places = self._places.get(name) or (self._places.get(singular(name)) if length == 1 else None)
                if places:
                    found |= places
                    told.add(name)
                    at += length - 1
                    break
            at += 1
        return Spoken(frozenset(found), frozenset(told), bool(_WHOLE.search(text)))

    def nouns_of(self, fact: Fact) -> set[str]:
        """The words that a fact's figures are told by."""
        answer = self.evidence.answers[fact.answer]
        found = set(_words(answer.graph))
        for place in fact.columns:
            if place >= 0:
                column = answer.columns[place]
                found |= {*_words(column.heading), unit_key(column.unit)}
        if fact.columns == (-1,):
            found |= {unit_key(answer.columns[place].unit) for place in answer.numbers}
        return found


def _named(at: int, answer: Answer) -> Iterator[tuple[str, Place]]:
    yield answer.graph, Place("measure", at)
    for place, column in enumerate(answer.columns):
        if column.type == "number":
            yield column.heading, Place("name" if answer.is_split else "measure", at, column=place)
        elif column.type == "text":
            for row, cells in enumerate(answer.rows):
                if isinstance(cells[place], str):
                    yield str(cells[place]), Place("name", at, row=row)
    if answer.time is None:
        return
    column = answer.columns[answer.time]
    for row, cells in enumerate(answer.rows):
        day = cells[answer.time]
        if isinstance(day, date):
            for name in _periods(day, column.format):
                yield name, Place("period", at, row=row)
    yield from _weekdays(at, answer)


def _periods(day: date, form: str) -> Iterator[str]:
    if form == "year":
        yield f"in {day.year}"
    elif form == "month":
        quarter = (day.month + 2) // 3
        yield from (
            f"{day:%B}",
            f"{day:%B} {day.year}",
            f"{day:%b} {day.year}",
            f"{day:%Y-%m}",
            f"Q{quarter} {day.year}",
        )
        if day.month != 5:
            yield f"{day:%b}"
    else:
        ending = "th" if 10 <= day.day <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th")
        for month in (f"{day:%B}", f"{day:%b}"):
            for number in (f"{day.day}", f"{day.day}{ending}"):
                yield from (f"{number} {month}", f"{month} {number}", f"{number} of {month}")
        yield f"{day:%Y-%m-%d}"
        if isinstance(day, datetime):
            yield f"{day:%H:%M}"


def _weekdays(at: int, answer: Answer) -> Iterator[tuple[str, Place]]:
    """The names of the last week's days, where each row is a day."""
    days = [row[answer.time] for row in answer.rows[-7:]] if answer.time is not None else []
    if len(days) > 1 and isinstance(days[-1], date) and not isinstance(days[-1], datetime):
        first = len(answer.rows) - len(days)
        is_daily = isinstance(days[-2], date) and days[-1] - days[-2] == timedelta(days=1)
        for number, day in enumerate(days if is_daily else []):
            if isinstance(day, date):
                yield f"{day:%A}", Place("period", at, row=first + number)


def _nouns(answer: Answer) -> Iterator[str]:
    yield from _words(answer.graph)
    for column in answer.columns:
        if column.type == "number" and not answer.is_split:
            yield from _words(column.heading)
        if column.unit and column.type == "number":
            yield unit_key(column.unit)
        if column.type == "text":
            yield from _words(column.heading)


def _words(text: str) -> Iterator[str]:
    return (singular(word) for word in _WORD.findall(text) if len(word) > 2)
