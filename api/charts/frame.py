"""The frame of a chart over time: its scales, its grid, and lines that are no longer than the eye can tell apart."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from itertools import pairwise
from math import ceil, inf
from typing import NamedTuple

from markupsafe import Markup

from workers.formats.axis import seconds, time_ticks
from workers.formats.numbers import PLAIN, Style, nice_ticks, with_unit

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 1000, 300, 82, 14, 12, 40
_COLUMNS = 500
_LEAST = timedelta(minutes=1)
Place = tuple[datetime, Decimal | None]


class Frame(NamedTuple):
    """From when to when, from which value to which, in whose zone, and how values are written."""

    first: datetime
    last: datetime
    low: float
    high: float
    zone: tzinfo
    style: Style = PLAIN

    def x(self, at: datetime) -> float:
        """Where an instant is; one beyond the frame is at its edge."""
        share = (at - self.first) / max(self.last - self.first, _LEAST)
        return LEFT + min(max(share, 0.0), 1.0) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float | Decimal) -> float:
        """Where a value is; one beyond the frame is at its edge."""
        clipped = min(max(float(value), self.low), self.high)
        return TOP + (self.high - clipped) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)

    def when(self, at: datetime) -> str:
        """An instant as the chart tells it."""
        local = at.astimezone(self.zone)
        return f"{local.day} {local:%b %Y, %H:%M}"

    def says(self, value: Decimal) -> str:
        """A value as the chart tells it."""
        return with_unit(value, self.style)

    def grid(self) -> Markup:
        """Lines at round values, and when it was."""
        parts = []
        for tick in nice_ticks(self.low, self.high, 4):
            if self.low <= tick <= self.high:
                y = self.y(tick)
                label = with_unit(tick, self.style._replace(decimals=None))
                parts.append(
                    Markup('<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(
                        LEFT, WIDTH - RIGHT, y, y
                    )
                    + Markup('<text x="{}" y="{:.1f}" text-anchor="end">{}</text>').format(LEFT - 8, y + 4, label)
                )
        begin, end = seconds(self.first.astimezone(self.zone)), seconds(self.last.astimezone(self.zone))
        for time in time_ticks(begin, max(end, begin + 1)):
            x = LEFT + (time.at - begin) / max(end - begin, 1.0) * (WIDTH - LEFT - RIGHT)
            parts.append(
                Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
                    min(max(x, LEFT + 30), WIDTH - RIGHT - 30), HEIGHT - 6, time.label
                )
            )
        return Markup("").join(parts)

    def line(self, places: Iterable[Place], look: str) -> Markup:
        """A line for each stretch without a gap; a value that stands alone is a dot."""
        parts = []
        for stretch in _stretches(places):
            points = [(self.x(at), self.y(value)) for at, value in stretch]
            if len(points) == 1:
                dot = Markup('<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="4"><title>{}</title></circle>')
                parts.append(dot.format(*points[0], f"{self.when(stretch[0][0])}: {self.says(stretch[0][1])}"))
                continue
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in _thinned(points))
            parts.append(Markup('<polyline class="{}" points="{}"/>').format(look, path))
        return Markup("").join(parts)

    def steps(self, places: Iterable[Place], look: str) -> Markup:
        """A line of what holds from its instant to the next, and at last to the frame's end."""
        held: list[Place] = []
        for (at, value), (until, _) in pairwise([*places, (self.last, None)]):
            held += [(at, value)] if value is None else [(at, value), (until, value)]
        return self.line(held, look)

    def beyond(self, limits: Iterable[Decimal]) -> Markup:
        """The thresholds that are not in the frame, named at the edge behind which they are."""
        away = sorted({each for each in limits if not self.low <= each <= self.high})
        parts = []
        for arrow, y, there in (
            ("↑", TOP + 22, [each for each in away if each > self.high]),
            ("↓", HEIGHT - BOTTOM - 14, [each for each in away if each < self.low]),
        ):
            if there:
                told = " and ".join(self.says(each) for each in there)
                parts.append(
                    Markup('<text class="edge" x="{}" y="{}" text-anchor="end">{} {} {}</text>').format(
                        WIDTH - RIGHT - 6, y, "threshold" if len(there) == 1 else "thresholds", told, arrow
                    )
                )
        return Markup("").join(parts)


def reach_of(numbers: Sequence[Decimal], limits: Iterable[Decimal]) -> tuple[float, float]:
    """The lowest and the highest value of a frame.

    A limit far beyond every number stays outside, or it would press them flat; numbers that are all one are flat anyway.
    """
    low, high = float(min(numbers)), float(max(numbers))
    reach = max(high - low, abs(low), abs(high)) if high > low else inf
    near = [float(each) for each in limits if low - reach <= each <= high + reach]
    low, high = min([low, *near]), max([high, *near])
    room = ((high - low) or abs(high) or 1.0) * 0.12
    return low - room, high + room


def framed(parts: Iterable[Markup], says: str, more: str = "") -> Markup:
    """The chart, with what it shows in words."""
    return Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}"{}>{}</svg>').format(
        WIDTH, HEIGHT, says, more, Markup("").join(parts)
    )


def _stretches(places: Iterable[Place]) -> Iterator[list[tuple[datetime, Decimal]]]:
    stretch: list[tuple[datetime, Decimal]] = []
    for at, value in places:
        if value is not None:
            stretch.append((at, value))
        elif stretch:
            yield stretch
            stretch = []
    if stretch:
        yield stretch


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The lowest and the highest of each column of points."""
    size = ceil(len(points) / _COLUMNS)
    if size <= 2:
        return points
    kept: list[tuple[float, float]] = []
    for start in range(0, len(points), size):
        column = points[start : start + size]
        kept += sorted({min(column, key=lambda each: each[1]), max(column, key=lambda each: each[1])})
    return kept
