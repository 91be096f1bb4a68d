"""The overview's timeline: a day of slots before now and a day ahead, a column each half hour.

What rang stands on the line, on time below late below what no slot of its time made; what did not hangs under it; what is to come is pale.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import urlencode

from markupsafe import Markup

from db.jsonb import rfc3339

WIDE: Final = 960
# Of a phone's: what is written in it stays as large as it is elsewhere.
NARROW: Final = 420
_TOP: Final = 16
_UP: Final = 120
_DOWN: Final = 44
_FOOT: Final = 20
_LINE: Final = _TOP + _UP
_HEIGHT: Final = _LINE + _DOWN + _FOOT
_LEFT: Final = 34
_LEAST: Final = 2.5
# What a column is made of, from the line outwards: its word, and the class that colours it.
ABOVE: Final = (("on_time", "good"), ("late", "warn"), ("asked", "made"), ("waiting", "run"), ("ahead", "wait"))
BELOW: Final = (("dead", "bad"), ("skipped", "pale"), ("cancelled", "gone"))
WORDS: Final = {
    "on_time": "on time",
    "late": "late",
    "asked": "made up or asked for",
    "waiting": "waiting",
    "ahead": "to come",
    "dead": "dead",
    "skipped": "skipped",
    "cancelled": "cancelled",
}


class Column(NamedTuple):
    """What became of the slots from `low` up to `high`, by word; `is_least`: there are more than were counted."""

    low: datetime
    high: datetime
    parts: dict[str, int]
    is_least: bool = False

    @property
    def above(self) -> int:
        """How many slots stand on the line."""
        return sum(self.parts.get(word, 0) for word, _ in ABOVE)

    @property
    def below(self) -> int:
        """How many hang under it."""
        return sum(self.parts.get(word, 0) for word, _ in BELOW)


def draw(columns: Sequence[Column], now: datetime, width: int = WIDE) -> Markup:
    """The timeline as SVG. Heights go by the highest column; what is there is always seen."""
    low, high = columns[0].low, columns[-1].high
    step = (width - _LEFT) / len(columns)
    most = max([column.above for column in columns] + [1])
    # Skips may be many thousands in one column: below the line what is too deep is cut.
    deepest = max([column.below for column in columns] + [1])
    place = Markup("").join(
        _column(column, _LEFT + number * step, step, most, max(deepest, most * _DOWN // _UP), now)
        for number, column in enumerate(columns)
        if column.above or column.below
    )
    at = _LEFT + (width - _LEFT) * ((now - low) / (high - low))
    return Markup(
        '<svg class="plot timeline{narrow}" viewBox="0 0 {w} {h}" role="group" aria-labelledby="timeline-{w}">'
        '<title id="timeline-{w}">{title}</title>{grid}{columns}'
        '<line class="now" x1="{at}" x2="{at}" y1="4" y2="{foot}"></line><text x="{beside}" y="12">now</text></svg>'
    ).format(
        w=width,
        narrow=" narrow" if width < WIDE else "",
        h=_HEIGHT,
        title=_title(columns, now),
        grid=_grid(low, high, most, width),
        columns=place,
        at=_round(at),
        foot=_LINE + _DOWN,
        beside=_round(at + 4),
    )


def told(column: Column) -> str:
    """A column in words."""
    more = " or more" if column.is_least else ""
    parts = ", ".join(
        f"{column.parts[word]:,}{more} {WORDS[word]}" for word, _ in (*ABOVE, *BELOW) if column.parts.get(word)
    )
    return f"{column.low:%H:%M} to {column.high:%H:%M} UTC: {parts or 'nothing'}"


def _column(column: Column, x: float, step: float, most: int, deepest: int, now: datetime) -> Markup:
    bars = Markup("").join(
        [
            *_stack(column, ABOVE, x, step, most, (_LINE, -_UP)),
            *_stack(column, BELOW, x, step, deepest, (_LINE + 1, _DOWN)),
        ]
    )
    is_past = column.low <= now
    span = {"from": rfc3339(column.low), "to": rfc3339(column.high - timedelta(milliseconds=1))}
    path = f"/runs?{urlencode(span)}" if is_past else "/schedules"
    # A picture for the mouse, whose title says it to others: a keyboard need not pass through a hundred columns, and
    # what an image holds may be no link.
    return Markup(
        '<a href="{path}" tabindex="-1" aria-hidden="true"><rect class="touch" x="{x}" y="{top}" width="{width}" '
        'height="{height}"></rect>{bars}<title>{told}</title></a>'
    ).format(
        path=path,
        x=_round(x),
        top=_TOP,
        width=_round(step),
        height=_UP + _DOWN,
        bars=bars,
        told=told(column),
    )


def _stack(
    column: Column, words: Sequence[tuple[str, str]], x: float, step: float, most: int, span: tuple[float, float]
) -> Iterator[Markup]:
    """The bars of one side from the line outwards; none thinner than what can be seen, together no longer than the side."""
    line, length = span
    counts = [(name, column.parts.get(word, 0)) for word, name in words if column.parts.get(word)]
    heights = [max(_LEAST, abs(length) * min(1.0, count / most)) for _, count in counts]
    room = min(1.0, abs(length) / sum(heights)) if heights else 1.0
    at = line
    for (name, _), height in zip(counts, heights, strict=True):
        tall = height * room
        top = at - tall if length < 0 else at
        at = at - tall if length < 0 else at + tall
        yield Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"></rect>').format(
            name, _round(x + 0.75), _round(top), _round(step - 1.5), _round(tall)
        )


def _grid(low: datetime, high: datetime, most: int, width: int) -> Markup:
    """The line, the highest column's count, and the hours."""
    hours = []
    at = low.replace(minute=0, second=0, microsecond=0)
    while at < high:
        at += timedelta(hours=1)
        if at.hour % 6 == 0 and low <= at <= high:
            x = _round(_LEFT + (width - _LEFT) * ((at - low) / (high - low)))
            label = f"{at.day} {at:%b}" if at.hour == 0 else f"{at:%H:%M}"
            hours.append(
                Markup(
                    '<line class="grid" x1="{x}" x2="{x}" y1="{top}" y2="{foot}"></line>'
                    '<text x="{x}" y="{text}" text-anchor="middle">{label}</text>'
                ).format(x=x, top=_TOP, foot=_LINE + _DOWN, text=_HEIGHT - 5, label=label)
            )
    scale = Markup(
        '<line class="grid" x1="{left}" x2="{right}" y1="{line}" y2="{line}"></line>'
        '<text x="{edge}" y="{high}" text-anchor="end">{most}</text>'
        '<text x="{edge}" y="{zero}" text-anchor="end">0</text>'
    ).format(
        left=_LEFT, right=width, line=_LINE + 0.5, edge=_LEFT - 5, high=_TOP + 8, zero=_LINE + 4, most=_short(most)
    )
    return Markup("").join([*hours, scale])


def _title(columns: Sequence[Column], now: datetime) -> str:
    """What the picture shows, for who does not see it."""
    past = [column for column in columns if column.low <= now]
    parts = [
        f"{sum(column.parts.get(word, 0) for column in past):,} {WORDS[word]}" for word in WORDS if word != "ahead"
    ]
    to_come = sum(column.parts.get("ahead", 0) for column in columns)
    return f"Slots of the last 24 hours: {', '.join(parts)}. In the next 24 hours {to_come:,} are to come."


def _short(count: int) -> str:
    return f"{count / 1000:.3g}k" if count >= 10_000 else f"{count:,}"


def _round(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
