"""A backtest as a picture: the numbers, the limits, when it fired and when somebody would have been told."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from html import escape
from math import ceil, floor, log10
from typing import NamedTuple

from workers.alerting.backtest import Backtest, Point
from workers.formats.numbers import PLAIN, Style, with_unit

WIDTH, HEIGHT = 960, 340
LEFT, RIGHT, TOP, BOTTOM = 76, 20, 54, 52
COLUMNS = 600  # a line of more points than this is drawn by the lowest and the highest of each column
TICKS = 6

_STYLE = """
  svg { background: #fff; color: #1f2328; font: 12px system-ui, sans-serif }
  text { fill: currentColor } .quiet { opacity: .65 } .grid { stroke: currentColor; opacity: .12 }
  .line { fill: none; stroke: #1668c7; stroke-width: 1.5; stroke-linejoin: round }
  .limit { fill: none; stroke: #b35900; stroke-width: 1.3; stroke-dasharray: 6 4 }
  .firing { fill: #d1242f; opacity: .16 }
  .fired { fill: #d1242f } .resolved { fill: #1a7f37 } .other { fill: #b35900 }
  @media (prefers-color-scheme: dark) {
    svg { background: #14171a; color: #dfe3e7 } .line { stroke: #58a6ff } .limit { stroke: #e3a04f }
    .firing { fill: #ff6b6b; opacity: .22 } .fired { fill: #ff6b6b }
    .resolved { fill: #4ac26b } .other { fill: #e3a04f }
  }
"""


class _Scale(NamedTuple):
    begin: datetime
    seconds: float
    low: float
    high: float

    def x(self, at: datetime) -> float:
        return LEFT + (at - self.begin).total_seconds() / self.seconds * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        clipped = min(max(value, self.low), self.high)
        return TOP + (self.high - clipped) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)


def plot(done: Backtest, zone: tzinfo, segment: str = "", title: str = "", style: Style = PLAIN) -> str:
    """Return an SVG of one segment of a backtest, for light and dark pages; times are those of the zone."""
    points = done.points.get(segment, [])
    told = [notice for notice in done.notices if notice.segment == segment]
    firings = [firing for firing in done.firings if firing.segment == segment]
    about = f"{len(told)} notices, {len(firings)} firings in {len(points)} checks"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title or about)}">',
        f"<title>{escape(title or about)}</title><desc>{escape(about)}</desc><style>{_STYLE}</style>",
        f'<text x="{LEFT}" y="22" font-size="15" font-weight="600">{escape(title)}</text>',
        f'<text x="{LEFT}" y="40" class="quiet">{escape(about)}</text>',
    ]
    scale = _scale(points)
    if scale is None:
        return "\n".join(
            [*parts, f'<text x="{LEFT}" y="{HEIGHT / 2}" class="quiet">no check gave a number</text></svg>\n']
        )
    parts += _grid(scale, points, zone, style)
    for firing in firings:
        x, end = scale.x(firing.began), scale.x(firing.ended)
        parts.append(
            f'<rect class="firing" x="{x:.1f}" y="{TOP}" width="{max(end - x, 1.5):.1f}" height="{HEIGHT - TOP - BOTTOM}">'
            f"<title>firing from {_time(firing.began, zone)} to {_time(firing.ended, zone)}</title></rect>"
        )
    for bound in ("low", "high"):
        numbers = [(point.at, getattr(point, bound)) for point in points]
        if bound == "low" or any(point.low != point.high for point in points):
            parts += _lines(scale, numbers, "limit")
    parts += _lines(scale, [(point.at, point.number) for point in points], "line")
    for notice in told:
        x = scale.x(notice.at)
        name = notice.code if notice.code in ("fired", "resolved") else "other"
        # What ends a firing has a row of its own below, so that a short one shows both.
        y = HEIGHT - BOTTOM + (11 if name == "resolved" else 1)
        shape = f"M{x:.1f} {y} l-5 9 h10 z"
        said = f"{notice.code} at {_time(notice.at, zone)}: {notice.sentence}"
        parts.append(f'<path class="{name}" d="{shape}"><title>{escape(said)}</title></path>')
    return "\n".join([*parts, "</svg>\n"])


def _scale(points: Sequence[Point]) -> _Scale | None:
    numbers = [float(point.number) for point in points if point.number is not None]
    if not numbers:
        return None
    limits = [float(each) for point in points for each in (point.low, point.high) if each is not None]
    low, high = min(numbers), max(numbers)
    # A limit far away from every number would press the line flat, so it is drawn at the edge.
    reach = (high - low) or abs(high) or 1.0
    low = min([low, *(each for each in limits if each > low - reach)])
    high = max([high, *(each for each in limits if each < high + reach)])
    room = ((high - low) or abs(high) or 1.0) * 0.05
    seconds = (points[-1].at - points[0].at).total_seconds() or 1.0
    return _Scale(points[0].at, seconds, low - room, high + room)


def _lines(scale: _Scale, numbers: Sequence[tuple[datetime, Decimal | None]], name: str) -> list[str]:
    """Return a line for each stretch of numbers without a gap."""
    stretches: list[list[tuple[float, float]]] = [[]]
    for at, value in numbers:
        if value is None:
            if stretches[-1]:
                stretches.append([])
            continue
        stretches[-1].append((scale.x(at), scale.y(float(value))))
    made = []
    for stretch in stretches:
        if len(stretch) == 1:
            stretch.append((stretch[0][0] + 1, stretch[0][1]))
        if stretch:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in _thinned(stretch))
            made.append(f'<polyline class="{name}" points="{path}"/>')
    return made


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    size = ceil(len(points) / COLUMNS)
    if size <= 2:
        return points
    kept: list[tuple[float, float]] = []
    for start in range(0, len(points), size):
        column = points[start : start + size]
        kept += sorted({min(column, key=lambda each: each[1]), max(column, key=lambda each: each[1])})
    return kept


def _grid(scale: _Scale, points: Sequence[Point], zone: tzinfo, style: Style) -> list[str]:
    made = []
    for value in _round_values(scale):
        y = scale.y(float(value))
        made.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        label = escape(with_unit(value, style))
        made.append(f'<text class="quiet" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    for tick in range(TICKS):
        at = points[0].at + (points[-1].at - points[0].at) * tick / (TICKS - 1)
        anchor = "start" if tick == 0 else "end" if tick == TICKS - 1 else "middle"
        x, shown = scale.x(at), _day(at, scale.seconds, zone)
        made.append(f'<text class="quiet" x="{x:.1f}" y="{HEIGHT - 10}" text-anchor="{anchor}">{shown}</text>')
    return made


def _round_values(scale: _Scale) -> list[Decimal]:
    """Return the multiples of 1, 2 or 5 times a power of ten that lie in the picture, about five of them."""
    rough_step = (scale.high - scale.low) / (TICKS - 1)
    power = Decimal(1).scaleb(floor(log10(rough_step)))
    step = next(power * times for times in (1, 2, 5, 10) if float(power * times) >= rough_step)
    first, last = ceil(scale.low / float(step)), floor(scale.high / float(step))
    return [step * count for count in range(first, last + 1)]


def _day(at: datetime, seconds: float, zone: tzinfo) -> str:
    local = at.astimezone(zone)
    if seconds > 500 * 86400:
        return f"{local:%b %Y}"
    return f"{local.day} {local:%b %Y}" if seconds > 5 * 86400 else f"{local.day} {local:%b, %H:%M}"


def _time(at: datetime, zone: tzinfo) -> str:
    local = at.astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M}"
