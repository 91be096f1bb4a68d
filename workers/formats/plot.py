"""A chart as numbers: where its lines, bars and ticks are, as fractions of its width and height from the lower left.

Every format that draws takes its chart from here, so a PDF, a page and a picture show the same.
"""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from statistics import median
from typing import Any, Literal, NamedTuple

from workers.formats.axis import EPOCH, seconds, time_ticks, wall
from workers.formats.numbers import axis_labels, nice_ticks
from workers.formats.report import Column, Report, Section, figure, plain, spoken_date, unit_of

# A line has no more points than a page can show: of each stretch its lowest and its highest are kept.
STRETCHES = 450
MOST_BARS = 120
MOST_NAMED_BARS = 20
MOST_SERIES = 4
LONGEST_LABEL = 44

FIRST_DAY = EPOCH.toordinal()

Point = tuple[float, float]


class Tick(NamedTuple):
    """A tick of an axis."""

    at: float
    label: str


class Bar(NamedTuple):
    """A bar from `low` to `high` across its axis, between `start` and `end` along the other."""

    start: float
    end: float
    low: float
    high: float


class NamedBar(NamedTuple):
    """A bar that lies beside its name; `figure` is its number."""

    name: str
    figure: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Series:
    """A line in pieces, broken where the data have a gap; a piece of one point is a dot."""

    name: str
    pieces: list[list[Point]] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plot:
    """A whole chart. `zero` is where nought lies, if it can be seen; `caption` the unit; `summary` says it in words."""

    kind: Literal["line", "columns", "names", "empty"]
    summary: str
    caption: str = ""
    x_ticks: list[Tick] = field(default_factory=list)
    y_ticks: list[Tick] = field(default_factory=list)
    zero: float | None = None
    series: list[Series] = field(default_factory=list)
    names: list[NamedBar] = field(default_factory=list)
    more: str = ""


class Points:
    """The points of a section's chart, taken from its rows as they stream by: 8 bytes a number."""

    def __init__(self, section: Section, report: Report) -> None:
        chart = section.chart
        self._report = report
        self._x = section.place(chart.x) if chart else 0
        self._ys = [section.place(name) for name in chart.y[:MOST_SERIES]] if chart else []
        self.kind = chart.kind if chart and self._ys else None
        self.columns = [section.columns[place] for place in self._ys]
        self._times = [100.0 if column.format == "percent" else 1.0 for column in self.columns]
        self.x_column = section.columns[self._x] if chart else Column("")
        self.x = array("d")
        self.ys = [array("d") for _ in self._ys]
        self.names: list[str] = []
        self.unnamed = 0

    def take(self, row: Sequence[Any]) -> None:
        """Adds a row; one without an x has no place and is left out."""
        if self.kind is None:
            return
        at = self._place(row[self._x])
        if at is None:
            return
        self.x.append(at)
        for numbers, place, times in zip(self.ys, self._ys, self._times, strict=True):
            numbers.append(_number(row[place]) * times)

    def _place(self, value: Any) -> float | None:
        if isinstance(value, datetime):
            return seconds(self._report.local(value))
        if isinstance(value, date):
            return (value.toordinal() - FIRST_DAY) * 86_400.0
        if self.x_column.type == "number":
            found = _number(value)
            return None if math.isnan(found) else found
        if value is None:
            return None
        if len(self.names) >= MOST_NAMED_BARS:
            self.unnamed += 1
            return None
        self.names.append(_short(plain(str(value)), LONGEST_LABEL))
        return float(len(self.names) - 1)

    @property
    def has_time(self) -> bool:
        """Whether x is a time."""
        return self.x_column.type in ("date", "instant")


def plot(points: Points) -> Plot | None:
    """Return the chart of the points; None where the section asks for none, an empty one without any number."""
    if points.kind is None:
        return None
    if all(math.isnan(number) for numbers in points.ys for number in numbers):
        return Plot("empty", "No figures to draw.")
    if points.names:
        return _named(points)
    if all(before <= after for before, after in pairwise(points.x)):
        return _upright(points, points.x, points.ys)
    order = sorted(range(len(points.x)), key=points.x.__getitem__)
    xs = array("d", (points.x[at] for at in order))
    return _upright(points, xs, [array("d", (numbers[at] for at in order)) for numbers in points.ys])


def _upright(points: Points, xs: Sequence[float], ys: Sequence[Sequence[float]]) -> Plot:
    is_bars = points.kind == "bars" and len(xs) <= MOST_BARS
    found = [number for numbers in ys for number in numbers if not math.isnan(number)]
    low, high = min(found), max(found)
    # A line may begin above nought where that would take most of the height; a bar's length is its number.
    if is_bars or 0 < low <= 0.6 * high:
        low = min(low, 0.0)
    if is_bars or 0.6 * low <= high < 0:
        high = max(high, 0.0)
    ticks = nice_ticks(low, high)
    bottom, top = float(ticks[0]), float(ticks[-1])

    steps = [after - before for before, after in pairwise(xs) if after > before]
    # Half a bar stands beyond the first and the last.
    room = (min(steps) if steps else 1.0) / 2 if is_bars else 0.0
    left, right = xs[0] - room, xs[-1] + room

    def across(x: float) -> float:
        return _share(x, left, right)

    def up(y: float) -> float:
        return _share(y, bottom, top)

    series: list[Series] = []
    for column, numbers in zip(points.columns, ys, strict=True):
        if is_bars:
            bars = _bars(xs, numbers, room, across, up, (len(series), len(ys)))
            series.append(Series(plain(column.heading), bars=bars))
        else:
            pieces = [[(across(x), up(y)) for x, y in piece] for piece in _pieces(xs, numbers, _gap(steps))]
            series.append(Series(plain(column.heading), pieces))
    labels = axis_labels(ticks, unit_of(points.columns[0]))
    return Plot(
        kind="columns" if is_bars else "line",
        summary=_summary(points, xs, ys),
        caption=_caption(points),
        x_ticks=_x_ticks(points, xs, across),
        y_ticks=[Tick(up(float(tick)), label) for tick, label in zip(ticks, labels, strict=True)],
        zero=up(0.0) if bottom <= 0 <= top else None,
        series=series,
    )


def _x_ticks(points: Points, xs: Sequence[float], across: Any) -> list[Tick]:
    if points.has_time:
        return [Tick(across(at), label) for at, label in time_ticks(xs[0], xs[-1]) if 0 <= across(at) <= 1]
    ticks = [tick for tick in nice_ticks(xs[0], xs[-1]) if xs[0] <= float(tick) <= xs[-1]]
    return [
        Tick(across(float(tick)), label)
        for tick, label in zip(ticks, axis_labels(ticks, points.x_column.unit), strict=True)
    ]


def _bars(
    xs: Sequence[float], ys: Sequence[float], room: float, across: Any, up: Any, turn: tuple[int, int]
) -> list[Bar]:
    """Return one bar for each number; of several series they stand side by side."""
    mine, of = turn
    width = room * 1.5 / of
    return [
        Bar(
            across(x - room * 0.75 + mine * width),
            across(x - room * 0.75 + (mine + 1) * width),
            *sorted((up(0), up(y))),
        )
        for x, y in zip(xs, ys, strict=True)
        if not math.isnan(y)
    ]


def _pieces(xs: Sequence[float], ys: Sequence[float], gap: float) -> list[list[Point]]:
    """Return the line's pieces: it breaks at a missing number, and where rows are missing."""
    pieces: list[list[Point]] = [[]]
    before = -math.inf
    for x, y in zip(xs, ys, strict=True):
        if (math.isnan(y) or x - before > gap) and pieces[-1]:
            pieces.append([])
        if not math.isnan(y):
            pieces[-1].append((x, y))
            before = x
    stretch = max(1, len(xs) // STRETCHES)
    return [_thinned(piece, stretch) for piece in pieces if piece]


def _thinned(piece: list[Point], stretch: int) -> list[Point]:
    if stretch < 3:
        return piece
    kept = []
    for at in range(0, len(piece), stretch):
        part = piece[at : at + stretch]
        ends = {min(part, key=lambda point: point[1]), max(part, key=lambda point: point[1])}
        kept += sorted(ends)
    return [piece[0], *(point for point in kept if point not in (piece[0], piece[-1])), piece[-1]]


def _gap(steps: list[float]) -> float:
    """Return the longest step that a line goes over: weekends that come each week are no gap, a lost month is."""
    if len(steps) < 3:
        return math.inf
    ordered = sorted(steps)
    return max(1.9 * median(ordered), 1.5 * ordered[int(len(ordered) * 0.9)])


def _named(points: Points) -> Plot:
    """Return bars that lie beside their names, of the first series alone."""
    found = [0.0 if math.isnan(number) else number for number in points.ys[0]]
    left, right = min(0.0, *found), max(0.0, *found)
    right = right if right > left else left + 1
    zero, column = _share(0.0, left, right), points.columns[0]
    bars = [
        NamedBar(name, "" if math.isnan(given) else _told(given, column), *sorted((zero, _share(y, left, right))))
        for name, y, given in zip(points.names, found, points.ys[0], strict=True)
    ]
    best = max(range(len(found)), key=found.__getitem__)
    return Plot(
        kind="names",
        summary=f"{len(found)} bars of {plain(column.heading)}; the highest is {bars[best].name}, {bars[best].figure}.",
        caption=_caption(points),
        zero=zero,
        series=[Series(plain(column.heading))],
        names=bars,
        more=f"and {points.unnamed:,} more" if points.unnamed else "",
    )


def _summary(points: Points, xs: Sequence[float], ys: Sequence[Sequence[float]]) -> str:
    """Return the chart in words, for whoever does not see it."""
    column = points.columns[0]
    numbers = [number for number in ys[0] if not math.isnan(number)]
    if not numbers:
        return f"{plain(column.heading)}, without a figure."
    span = f" from {spoken_date(wall(xs[0]))} to {spoken_date(wall(xs[-1]))}" if points.has_time else ""
    return (
        f"{plain(column.heading)}{span}: lowest {_told(min(numbers), column)}, highest {_told(max(numbers), column)}, "
        f"last {_told(numbers[-1], column)}."
    )


def _caption(points: Points) -> str:
    """Return the unit that the axis does not bear, when all series have the same."""
    units = {unit_of(column) for column in points.columns}
    unit = units.pop()
    return plain(unit) if not units and unit not in ("", "%", "‰", "€", "$", "£", "¥") else ""


def _told(number: float, column: Column) -> str:
    exact = Decimal(repr(number))
    return figure(exact / 100 if column.format == "percent" else exact, column)


def _share(value: float, low: float, high: float) -> float:
    """Return where a value lies between two others; in the middle where they are the same."""
    return (value - low) / (high - low) if high > low else 0.5


def _number(value: Any) -> float:
    """Return a number as the chart takes it: nan for what is none, or is beyond what can be drawn."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return math.nan
    try:
        found = float(value)
    except (OverflowError, ValueError):
        return math.nan
    return found if abs(found) <= 1e200 else math.nan


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"
