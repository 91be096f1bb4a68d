"""The picture in an alert's mail: the figures of the last windows with their limits, and in which state each of them left it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from html import escape
from typing import NamedTuple

from workers.alerting.judge import Finding
from workers.alerting.policy import Policy
from workers.alerting.series import Series
from workers.formats.numbers import Style, nice_ticks, with_unit

MOST_POINTS = 30
WIDTH, HEIGHT = 560.0, 224.0
RIGHT, TOP, BOTTOM, STRIP, LETTER = 14.0, 14.0, 54.0, 7.0, 5.6
INK, QUIET, RULE, LINE, LIMIT = "#101828", "#667085", "#e4e7ec", "#1668c7", "#b35900"
# Of each state its colour and its name; by both, for whoever sees no red.
STATES = {
    "ok": ("#7cc5a1", "ok"),
    "pending": ("#f0b545", "pending"),
    "firing": ("#d1242f", "firing"),
    "recovering": ("#8a63d2", "recovering"),
    "no_data": ("#98a2b3", "no data"),
    "error": ("#475467", "could not check"),
}


class Point(NamedTuple):
    """What was measured for one window, which begins `at`; its limits and the state that it left, where it was judged."""

    at: datetime
    number: Decimal | None
    low: Decimal | None = None
    high: Decimal | None = None
    state: str = ""


class Picture(NamedTuple):
    """What is drawn: the points oldest first, how figures are written, in which zone, and which side of the limits alarms."""

    points: Sequence[Point]
    style: Style
    zone: tzinfo
    condition: str
    is_by_day: bool = False


class _Scale(NamedTuple):
    left: float
    windows: int
    low: float
    high: float

    def x(self, place: int) -> float:
        return self.left + (place + 0.5) / self.windows * (WIDTH - self.left - RIGHT)

    def y(self, value: float) -> float:
        shown = min(max(value, self.low), self.high)
        return TOP + (self.high - shown) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)

    @property
    def step(self) -> float:
        return (WIDTH - self.left - RIGHT) / self.windows


def points_of(
    policy: Policy, finding: Finding, state: str, slot: datetime, earlier: Sequence[Point], series: Series | None
) -> list[Point]:
    """Return the newest points: what checks found, and before them what the figures were that this one looked at.

    Of several checks of one window the newest counts. Figures are points where the figure itself is what is compared.
    """
    found: dict[datetime, Point] = {}
    newest = finding.start or slot
    if series is not None and series.graph.time is not None and policy.measure in ("value", "anomaly"):
        found = {at: Point(at, value) for at, value in zip(series.starts, series.values, strict=True) if at < newest}
    found |= {point.at: point for point in earlier if point.at < newest}
    found[newest] = Point(newest, finding.number, finding.low, finding.high, state)
    return [found[at] for at in sorted(found)][-MOST_POINTS:]


def is_worth_it(points: Sequence[Point]) -> bool:
    """Return whether there is a course of time to be seen."""
    return sum(point.number is not None for point in points) > 1


def told(picture: Picture) -> str:
    """Return what the picture shows, in words, for whoever does not see it."""
    newest = picture.points[-1]
    value = "no figure" if newest.number is None else with_unit(newest.number, picture.style)
    fired = sum(point.state == "firing" for point in picture.points)
    return f"The last {len(picture.points)} windows, {fired} of them firing; the newest: {value}"


def draw(picture: Picture) -> str:
    """Return the picture as an SVG on white, so that it can be read in a light mail and in a dark one."""
    points = picture.points
    numbers = [float(point.number) for point in points if point.number is not None]
    limits = _limits(points)
    near = [float(each) for pair in limits for each in pair if each is not None]
    ticks = _ticks(numbers, near)
    labels = [with_unit(tick, picture.style._replace(decimals=None)) for tick in ticks]
    left = max(len(label) for label in labels) * LETTER + 20
    scale = _Scale(left, len(points), float(ticks[0]), float(ticks[-1]))
    drawn = [
        *_alarming(scale, limits, picture.condition),
        *(_rule(scale, tick, label) for tick, label in zip(ticks, labels, strict=True)),
        *_curve(scale, [low for low, _ in limits], LIMIT, 'stroke-width="1.4" stroke-dasharray="5 4"'),
    ]
    if any(low != high for low, high in limits):
        drawn += _curve(scale, [high for _, high in limits], LIMIT, 'stroke-width="1.4" stroke-dasharray="5 4"')
    drawn += _curve(scale, [point.number for point in points], LINE, 'stroke-width="2" stroke-linejoin="round"')
    drawn += [*_dots(scale, points), *_strip(scale, points), *_times(scale, picture), *_legend(scale, points)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" font-family="Inter" font-size="10">'
        f'<rect width="{WIDTH:g}" height="{HEIGHT:g}" fill="#ffffff"/>{"".join(drawn)}</svg>'
    )


def _limits(points: Sequence[Point]) -> list[tuple[Decimal | None, Decimal | None]]:
    """The limits of each point; where it was not judged, those that all the others have."""
    known = {(point.low, point.high) for point in points if point.low is not None}
    alone = next(iter(known)) if len(known) == 1 else (None, None)
    return [(point.low, point.high) if point.low is not None else alone for point in points]


def _ticks(numbers: Sequence[float], limits: Sequence[float]) -> list[Decimal]:
    low, high = min(numbers), max(numbers)
    # A limit far away from every number would press the line flat: it is drawn at the edge.
    reach = 2 * ((high - low) or abs(high) or 1.0)
    low = min([low, *(each for each in limits if each > low - reach)])
    high = max([high, *(each for each in limits if each < high + reach)])
    room = (high - low) * 0.08
    return nice_ticks(0.0 if low >= 0 > low - room else low - room, high + room, 4)


def _alarming(scale: _Scale, limits: Sequence[tuple[Decimal | None, Decimal | None]], condition: str) -> list[str]:
    """The side of the limits on which it alarms, tinted; none where a single value does."""
    made = []
    for place, (low, high) in enumerate(limits):
        if low is None or high is None:
            continue
        bands = {
            "GREATER": [(float(low), scale.high)],
            "LESS": [(scale.low, float(low))],
            "BETWEEN": [(float(low), float(high))],
            "OUTSIDE": [(scale.low, float(low)), (float(high), scale.high)],
        }.get(condition.partition("_")[0], [])
        x = scale.x(place) - scale.step / 2
        for bottom, top in bands:
            height = scale.y(bottom) - scale.y(top)
            made.append(
                f'<rect x="{x:.2f}" y="{scale.y(top):.2f}" width="{scale.step + 0.05:.2f}" height="{max(height, 0):.2f}" '
                'fill="#fdecec"/>'
            )
    return made


def _rule(scale: _Scale, tick: Decimal, label: str) -> str:
    y = scale.y(float(tick))
    return (
        f'<line x1="{scale.left:.1f}" x2="{WIDTH - RIGHT:g}" y1="{y:.1f}" y2="{y:.1f}" stroke="{RULE}"/>'
        f'<text x="{scale.left - 8:.1f}" y="{y + 3.5:.1f}" text-anchor="end" fill="{QUIET}">{escape(label)}</text>'
    )


def _curve(scale: _Scale, numbers: Sequence[Decimal | None], color: str, look: str) -> list[str]:
    """A line for each stretch without a gap; a limit that stands for one window alone is as wide as that."""
    stretches: list[list[str]] = [[]]
    for place, number in enumerate(numbers):
        if number is None:
            stretches.append([])
        else:
            stretches[-1].append(f"{scale.x(place):.1f},{scale.y(float(number)):.1f}")
    return [
        f'<polyline points="{" ".join(each)}" fill="none" stroke="{color}" {look}/>'
        for each in stretches
        if len(each) > 1
    ]


def _dots(scale: _Scale, points: Sequence[Point]) -> list[str]:
    made = []
    for place, point in enumerate(points):
        if point.number is None:
            continue
        is_newest = place == len(points) - 1
        color = STATES[point.state][0] if point.state in ("firing", "pending", "recovering") else LINE
        made.append(
            f'<circle cx="{scale.x(place):.1f}" cy="{scale.y(float(point.number)):.1f}" r="{5 if is_newest else 2.6}" '
            f'fill="{color}" stroke="#ffffff" stroke-width="{1.6 if is_newest else 0.8}"/>'
        )
    return made


def _strip(scale: _Scale, points: Sequence[Point]) -> list[str]:
    """Below the figures the state that each check left, and nothing where there was none."""
    y = HEIGHT - BOTTOM + 5
    return [
        f'<rect x="{scale.x(place) - scale.step / 2 + 0.5:.2f}" y="{y:g}" width="{max(scale.step - 1, 0.5):.2f}" '
        f'height="{STRIP:g}" rx="1.5" fill="{STATES[point.state][0]}"/>'
        for place, point in enumerate(points)
        if point.state in STATES
    ]


def _times(scale: _Scale, picture: Picture) -> list[str]:
    """When the first, the middle and the last window begin."""
    last = len(picture.points) - 1
    places: Mapping[int, str] = (
        {0: "start", last // 2: "middle", last: "end"} if last > 3 else {0: "start", last: "end"}
    )
    made = []
    for place, anchor in places.items():
        local = picture.points[place].at.astimezone(picture.zone)
        said = f"{local.day} {local:%b %Y}" if picture.is_by_day else f"{local.day} {local:%b}, {local:%H:%M}"
        x = {"start": scale.left, "end": WIDTH - RIGHT}.get(anchor, scale.x(place))
        made.append(f'<text x="{x:.1f}" y="{HEIGHT - 27:g}" text-anchor="{anchor}" fill="{QUIET}">{said}</text>')
    return made


def _legend(scale: _Scale, points: Sequence[Point]) -> list[str]:
    x, y, made = scale.left, HEIGHT - 10, []
    for state, (color, name) in STATES.items():
        if any(point.state == state for point in points):
            made.append(f'<rect x="{x:.1f}" y="{y - 7.5:g}" width="8" height="8" rx="2" fill="{color}"/>')
            made.append(f'<text x="{x + 12:.1f}" y="{y:g}" fill="{INK}">{name}</text>')
            x += 26 + len(name) * LETTER
    if any(point.low is not None for point in points):
        made.append(
            f'<line x1="{x:.1f}" x2="{x + 16:.1f}" y1="{y - 3.5:g}" y2="{y - 3.5:g}" stroke="{LIMIT}" stroke-width="1.4" '
            'stroke-dasharray="5 4"/>'
        )
        made.append(f'<text x="{x + 20:.1f}" y="{y:g}" fill="{INK}">limit</text>')
    return made
