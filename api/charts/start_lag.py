"""How long after its slot each run of a schedule started, over time: a dot a run, coloured by how it ended."""

from collections.abc import Sequence
from datetime import datetime
from math import log10
from typing import Final, NamedTuple

from markupsafe import Markup

from api.pages import look
from config.zones import zone
from workers.formats.axis import seconds, time_ticks

WIDTH: Final = 760
HEIGHT: Final = 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 12, 10, 26
# Lags differ by powers of ten, so equal steps of the axis are equal factors.
_STEPS = (0.001, 0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 43200.0, 864000.0)


class Start(NamedTuple):
    """A run that started: its slot, how many seconds later it started, its state, and the class that colours it."""

    slot_at: datetime
    lag: float
    state: str
    look: str


def start_lag(starts: Sequence[Start], timezone: str) -> Markup:
    """The plot; times are those of the zone. There is at least one start."""
    places = [seconds(each.slot_at.astimezone(zone(timezone))) for each in starts]
    low, high = min(places), max(places)
    steps = _steps([each.lag for each in starts])
    marks = [
        Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="3.5"><title>{}</title></circle>').format(
            each.look, _across(at, low, high), _down(each.lag, steps), _words(each, timezone)
        )
        for at, each in zip(places, starts, strict=True)
    ]
    worst = look.span(max(each.lag for each in starts))
    runs = f"{len(starts)} {'run' if len(starts) == 1 else 'runs'}"
    told = f"Start lag of {runs}, {worst} at most; times of {timezone}"
    return Markup(
        '<svg class="plot" role="img" aria-label="{}" viewBox="0 0 {} {}"><title>{}</title>{}{}{}</svg>'
    ).format(told, WIDTH, HEIGHT, told, _lines(steps), _times(low, high), Markup().join(marks))


def _steps(lags: Sequence[float]) -> list[float]:
    """The steps of the axis that hold all lags, two at least."""
    first = max((number for number, step in enumerate(_STEPS) if step <= min(lags)), default=0)
    last = next((number for number, step in enumerate(_STEPS) if step >= max(lags)), len(_STEPS) - 1)
    first = min(first, len(_STEPS) - 2)
    return list(_STEPS[first : max(last, first + 1) + 1])


def _across(at: float, low: float, high: float) -> float:
    share = (at - low) / (high - low) if high > low else 0.5
    return _LEFT + share * (WIDTH - _LEFT - _RIGHT)


def _down(lag: float, steps: Sequence[float]) -> float:
    within = min(max(lag, steps[0]), steps[-1])
    share = (log10(within) - log10(steps[0])) / (log10(steps[-1]) - log10(steps[0]))
    return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)


def _lines(steps: Sequence[float]) -> Markup:
    return Markup().join(
        Markup(
            '<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/><text x="{}" y="{:.1f}" text-anchor="end">{}</text>'
        ).format(_LEFT, WIDTH - _RIGHT, y, y, _LEFT - 8, y + 4, look.span(step))
        for step in steps
        for y in [_down(step, steps)]
    )


def _times(low: float, high: float) -> Markup:
    return Markup().join(
        Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
            min(max(_across(tick.at, low, high), _LEFT + 20), WIDTH - 44), HEIGHT - 6, tick.label
        )
        for tick in time_ticks(low, high)
    )


def _words(start: Start, timezone: str) -> str:
    local = start.slot_at.astimezone(zone(timezone))
    return f"{local.day} {local:%b %Y, %H:%M:%S}: started {look.span(start.lag)} later, {start.state}"
