"""The course of an alert: its figures with their limits, in which state they left it, who was told when, and what held it back."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import NamedTuple

from markupsafe import Markup

from api.charts.frame import BOTTOM, HEIGHT, TOP, Frame, framed, reach_of
from workers.formats.numbers import PLAIN, Style

_HATCH = Markup(
    '<pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<line class="hatch" x1="0" x2="0" y1="0" y2="7"/></pattern>'
)
_IN = HEIGHT - TOP - BOTTOM
_TONES = {"fired": "bad", "escalated": "bad", "repeated": "warn", "resolved": "good"}


class Place(NamedTuple):
    """What a check found: the figure that was compared, and its limits."""

    at: datetime
    number: Decimal | None
    low: Decimal | None
    high: Decimal | None


class Span(NamedTuple):
    """A span in which it was so: a state, or a silence's name."""

    first: datetime
    last: datetime
    what: str


class Mark(NamedTuple):
    """A check that told somebody: what of, and whom."""

    at: datetime
    what: str
    says: str


class Course(NamedTuple):
    """What is drawn, oldest first. `is_band`: the limits enclose what the condition asks for, or what it lets pass."""

    first: datetime
    last: datetime
    places: Sequence[Place]
    states: Sequence[Span]
    silences: Sequence[Span]
    marks: Sequence[Mark]
    is_band: bool = False


def draw(course: Course, zone: tzinfo, style: Style = PLAIN) -> Markup:
    """The course as a picture."""
    numbers = [each.number for each in course.places if each.number is not None]
    limits = [each for place in course.places for each in (place.low, place.high) if each is not None]
    reach = reach_of(numbers, limits) if numbers else (0.0, 1.0)
    frame = Frame(_first_of(course), course.last, *reach, zone, style)
    parts = [_HATCH] if course.silences else []
    for span in course.states:
        look = "of-" + span.what.replace("_", "-")
        parts.append(_rect(frame, span, f'class="{look}"', f"{span.what.replace('_', ' ')} "))
    parts += [_rect(frame, span, 'fill="url(#hatch)"', f"silenced, {span.what}: ") for span in course.silences]
    if numbers:
        parts.append(frame.grid())
    if course.is_band:
        parts.append(_band(frame, course.places))
    parts += [
        frame.steps(((each.at, getattr(each, side)) for each in course.places), "limit") for side in ("low", "high")
    ]
    parts.append(frame.line(((each.at, each.number) for each in course.places), "line"))
    if numbers:
        parts.append(frame.beyond(_newest_limits(course.places)))
    parts += [
        Markup('<path class="{}" d="M{:.1f} {} l-5 9 h10 z"><title>{}</title></path>').format(
            _TONES.get(mark.what, "warn"), frame.x(mark.at), HEIGHT - BOTTOM + 3, f"{frame.when(mark.at)}: {mark.says}"
        )
        for mark in course.marks
    ]
    if not numbers:
        parts.append(
            Markup('<text x="500" y="{}" text-anchor="middle">No check of this span gave a number</text>').format(
                HEIGHT // 2
            )
        )
    firing = sum(span.what == "firing" for span in course.states)
    newest = f"; the newest: {frame.says(numbers[-1])}" if numbers else ""
    says = f"{len(course.places)} checks, {firing} times firing, {len(course.marks)} times somebody was told{newest}"
    return framed(parts, says)


def _first_of(course: Course) -> datetime:
    """Where the picture begins: before a check that is the only one, which a phone, on the newest part, shows too."""
    if len(course.places) != 1:
        return course.first
    return min(course.first, course.last - 4 * (course.last - course.places[0].at))


def _newest_limits(places: Sequence[Place]) -> list[Decimal]:
    """The limits of the newest check that had any."""
    newest = next((each for each in reversed(places) if each.low is not None or each.high is not None), None)
    return [] if newest is None else [each for each in (newest.low, newest.high) if each is not None]


def _rect(frame: Frame, span: Span, look: str, says: str) -> Markup:
    x, end = frame.x(span.first), frame.x(span.last)
    return Markup('<rect {} x="{:.1f}" y="{}" width="{:.1f}" height="{}"><title>{}</title></rect>').format(
        Markup(look),  # noqa: S704  our own words
        x, TOP, max(end - x, 1.0), _IN, f"{says}from {frame.when(span.first)} to {frame.when(span.last)}",
    )  # fmt: skip


def _band(frame: Frame, places: Sequence[Place]) -> Markup:
    """Between the limits, each from its check to the next."""
    both = [(each.at, each.low, each.high) for each in places if each.low is not None and each.high is not None]
    step = max(len(both) // 300, 1)
    kept = both[::step]
    ends = [*(at for at, *_ in kept[1:]), frame.last]
    spans = [(frame.x(at), frame.x(end), low, high) for (at, low, high), end in zip(kept, ends, strict=True)]
    there = [f"{x:.1f},{frame.y(high):.1f}" for begin, end, _, high in spans for x in (begin, end)]
    back = [f"{x:.1f},{frame.y(low):.1f}" for begin, end, low, _ in spans for x in (begin, end)]
    return Markup('<polygon class="band" points="{}"/>').format(" ".join([*there, *back[::-1]]))
