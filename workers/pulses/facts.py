"""What the evidence proves: its cells, and the few things that follow from cells that belong together; pure.

Levels are cells, the total and the mean of a whole column, a period's total over its segments. Moves are differences,
percentages and multiples between two periods or two names: the newest against the one before, the first, the same of the
cycle before, the mean, and whatever the sentence itself names. Shares are of a total. The less is looked at, the less
often a wrong number is right by accident.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import combinations
from typing import Literal, NamedTuple

from workers.formats.numbers import fraction
from workers.formats.report import figure
from workers.pulses.evidence import Answer, Evidence
from workers.pulses.units import PER_MILLE, PERCENT, POINTS, unit_key

How = Literal["cell", "total", "mean", "share", "difference", "percentage", "points", "multiple", "count"]
# A week of days, a day of hours, a year of months or quarters.
_CYCLES = {1: 7, 30: 12, 91: 4}
MOST_NAMED = 12


class Cell(NamedTuple):
    """A cell as a record names it; `value` is as people read it."""

    graph: str
    column: str
    row: str
    value: str


class Fact(NamedTuple):
    """A number that is true: percentages as 12 for 12%. `rows` and `columns` are the places that it is about."""

    value: Decimal
    unit: str
    how: How
    answer: int
    columns: tuple[int, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Line:
    """A column of figures, or the total of a period's segments, whose place is -1."""

    answer: int
    place: int
    unit: str
    values: tuple[Decimal | None, ...]


@dataclass
class Facts:
    """All that is true of an evidence, sorted so that a number is found by its size."""

    evidence: Evidence
    lines: list[Line] = field(init=False)
    levels: list[Fact] = field(init=False)
    _sizes: list[Decimal] = field(init=False)

    def __post_init__(self) -> None:
        self.lines = [line for at, answer in enumerate(self.evidence.answers) for line in lines_of(at, answer)]
        found = [fact for line in self.lines for fact in self._levels(line)]
        self.levels = sorted(found, key=lambda fact: abs(fact.value))
        self._sizes = [abs(fact.value) for fact in self.levels]

    def between(self, low: Decimal, high: Decimal) -> Iterator[Fact]:
        """The levels whose size, without its sign, lies in between."""
        for at in range(bisect_left(self._sizes, low), len(self._sizes)):
            if self._sizes[at] > high:
                return
            yield self.levels[at]

    def cells(self, fact: Fact) -> list[Cell]:
        """The cells that prove a fact."""
        answer = self.evidence.answers[fact.answer]
        places = [place for place in fact.columns if place >= 0] or list(answer.numbers)
        rows = fact.rows or range(len(answer.rows))
        return [
            Cell(answer.graph, answer.columns[place].heading, answer.label(row), _told(answer, row, place))
            for row in list(rows)[:4]
            for place in places[:4]
        ]

    def _levels(self, line: Line) -> Iterator[Fact]:
        for row, value in enumerate(line.values):
            if value is not None:
                yield Fact(value, line.unit, "cell" if line.place >= 0 else "total", line.answer, (line.place,), (row,))
        yield from sums(line, range(len(line.values))) if self.evidence.answers[line.answer].is_whole else ()


def lines_of(at: int, answer: Answer) -> list[Line]:
    """Return an answer's columns of figures, percentages as 12 for 12%, and the total of its segments."""
    found = []
    for place in answer.numbers:
        column = answer.columns[place]
        values = tuple(
            fraction(value, is_percent=column.format == "percent") if isinstance(value := row[place], Decimal) else None
            for row in answer.rows
        )
        found.append(Line(at, place, PERCENT if column.format == "percent" else unit_key(column.unit), values))
    if answer.is_split and found and found[0].unit not in (PERCENT, PER_MILLE) and answer.is_whole:
        totals = tuple(_sum(line.values[row] for line in found) for row in range(len(answer.rows)))
        found.append(Line(at, -1, found[0].unit, totals))
    return found


def sums(line: Line, rows: Sequence[int]) -> Iterator[Fact]:
    """The total and the mean of some rows of a column; a percentage has a mean alone."""
    values = [value for row in rows if (value := line.values[row]) is not None]
    if len(values) < 2:
        return
    total = sum(values, Decimal())
    if line.unit not in (PERCENT, PER_MILLE):
        yield Fact(total, line.unit, "total", line.answer, (line.place,), tuple(rows))
    yield Fact(total / len(values), line.unit, "mean", line.answer, (line.place,), tuple(rows))


def moves(line: Line, answer: Answer, named: Sequence[int], periods: int | None = None) -> Iterator[Fact]:
    """How a figure moved or differs, signed: the later against the earlier, the one name against the other."""
    values = line.values
    for now, then in pairs(line, answer, named):
        yield from moved(line, values[now], values[then], (now, then))
    newest = len(values) - 1
    if answer.time is not None and newest > 0:
        mean = next((fact.value for fact in sums(line, range(len(values))) if fact.how == "mean"), None)
        for row in {newest, *named}:
            yield from moved(line, values[row], mean, (row,))
    if periods and answer.time is not None and 0 < 2 * periods <= len(values):
        late, early = range(len(values) - periods, len(values)), range(len(values) - 2 * periods, len(values) - periods)
        for one, other in zip(sums(line, late), sums(line, early), strict=False):
            yield from moved(line, one.value, other.value, (late[0], late[-1], early[0], early[-1]))


def pairs(line: Line, answer: Answer, named: Sequence[int]) -> list[tuple[int, int]]:
    """Return the rows that are compared: (now, then), or (one, other)."""
    last = len(line.values) - 1
    if last < 1:
        return []
    if answer.time is not None:
        found = [(last, last - 1), (last, 0)]
        cycle = _cycle(answer)
        if cycle and last >= cycle:
            found.append((last, last - cycle))
        rows = sorted(set(named))[:MOST_NAMED]
        found += [(row, row - 1) for row in rows if row] + [(last, row) for row in rows if row != last]
        found += [(late, early) for early, late in combinations(rows, 2)]
        return list(dict.fromkeys(found))
    order = sorted((row for row in range(last + 1) if line.values[row] is not None), key=lambda row: -line.values[row])  # type: ignore[operator]
    rows = list(dict.fromkeys([*named[:MOST_NAMED], *(order[:2] if not named else [])]))
    if len(rows) == 1 and order:
        rows += [row for row in (order[0], order[1] if len(order) > 1 else order[0], order[-1]) if row not in rows]
    return [pair for one, other in combinations(rows, 2) for pair in ((one, other), (other, one))]


def moved(line: Line, now: Decimal | None, then: Decimal | None, rows: tuple[int, ...]) -> Iterator[Fact]:
    """The difference between two figures, in percent and as a multiple too where the earlier is no nought."""
    if now is None or then is None:
        return
    is_percent = line.unit in (PERCENT, PER_MILLE)
    columns = (line.place,)
    difference = now - then
    yield Fact(
        difference,
        POINTS if is_percent else line.unit,
        "points" if is_percent else "difference",
        line.answer,
        columns,
        rows,
    )
    if then:
        yield Fact(difference / abs(then) * 100, PERCENT, "percentage", line.answer, columns, rows)
        if now * then > 0:
            yield Fact(now / then, "", "multiple", line.answer, columns, rows)


def across(facts: Facts, at: int, rows: Iterable[int], named: Sequence[int]) -> Iterator[Fact]:
    """How the columns of a row compare: those that the sentence names, or all of a few that have one unit."""
    answer = facts.evidence.answers[at]
    lines = {line.place: line for line in facts.lines if line.answer == at and line.place >= 0}
    places = [place for place in lines if place in named] or (list(lines) if len(lines) <= 3 else [])
    for row in rows:
        for one, other in combinations(places, 2):
            if lines[one].unit == lines[other].unit:
                for now, then in ((one, other), (other, one)):
                    found = moved(lines[now], lines[now].values[row], lines[then].values[row], (row,))
                    yield from (fact._replace(columns=(now, then)) for fact in found)
    del answer


def shares(facts: Facts, line: Line, rows: Sequence[int]) -> Iterator[Fact]:
    """What part of a total a row is of its column, or a segment of its period."""
    answer = facts.evidence.answers[line.answer]
    if line.unit in (PERCENT, PER_MILLE) or not answer.is_whole or line.place < 0:
        return
    total = _sum(line.values)
    whole = next((each for each in facts.lines if each.answer == line.answer and each.place < 0), None)
    for row in rows:
        value = line.values[row]
        if value is None:
            continue
        if total and answer.time is None:
            yield Fact(value / total * 100, PERCENT, "share", line.answer, (line.place,), (row,))
        of = whole.values[row] if whole else None
        if of:
            yield Fact(value / of * 100, PERCENT, "share", line.answer, (line.place,), (row,))


def _cycle(answer: Answer) -> int | None:
    if answer.time is None or len(answer.rows) < 3:
        return None
    (one, two) = (row[answer.time] for row in answer.rows[-2:])
    if isinstance(one, datetime) and isinstance(two, datetime):
        seconds = (two - one).total_seconds()
        return 24 if seconds == 3600 else _CYCLES.get(round(seconds / 86_400)) if seconds >= 86_400 else None
    days = (two - one).days if isinstance(one, date) and isinstance(two, date) else 0
    return next((cycle for step, cycle in _CYCLES.items() if abs(days - step) <= step // 15), None)


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    found = [value for value in values if value is not None]
    return sum(found, Decimal()) if found else None


def _told(answer: Answer, row: int, place: int) -> str:
    value = answer.rows[row][place]
    return figure(value, answer.columns[place]) if isinstance(value, Decimal) else "no figure"
