"""What a threshold would have told: the figures, when it would have fired and told, and the threshold as a handle to be dragged."""

from collections.abc import Mapping
from datetime import timedelta, tzinfo
from decimal import Decimal

from markupsafe import Markup

from api.charts.frame import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Frame, framed, reach_of
from workers.alerting.backtest import Backtest
from workers.formats.numbers import PLAIN, Style

_TONES = {"fired": "bad", "resolved": "good"}


def draw(done: Backtest, segment: str, zone: tzinfo, handles: Mapping[str, Decimal], style: Style = PLAIN) -> Markup:
    """One segment of a backtest; `handles` are the thresholds that can be dragged, by the names of their fields."""
    points = done.points.get(segment, [])
    numbers = [point.number for point in points if point.number is not None]
    if not numbers:
        return Markup('<p class="soft">No check gave a number.</p>')
    told = [each for each in done.notices if each.segment == segment]
    firings = [each for each in done.firings if each.segment == segment]
    limits = [each for point in points for each in (point.low, point.high) if each is not None]
    # Of a single check the picture shows the day before it.
    first = points[0].at if len(points) > 1 else points[0].at - timedelta(days=1)
    frame = Frame(first, points[-1].at, *reach_of(numbers, [*limits, *handles.values()]), zone, style)
    parts = [frame.grid()]
    for each in firings:
        x, end = frame.x(each.began), frame.x(each.ended)
        parts.append(
            Markup(
                '<rect class="of-firing" x="{:.1f}" y="{}" width="{:.1f}" height="{}"><title>{}</title></rect>'
            ).format(
                x, TOP, max(end - x, 1.5), HEIGHT - TOP - BOTTOM,
                f"firing from {frame.when(each.began)} to {frame.when(each.ended)}",
            )
        )  # fmt: skip
    parts.append(frame.line(((point.at, point.number) for point in points), "line thin"))
    if not handles:
        parts += [
            frame.steps(((point.at, getattr(point, side)) for point in points), "limit") for side in ("low", "high")
        ]
    for notice in told:
        x, lower = frame.x(notice.at), notice.code == "resolved"
        parts.append(
            Markup('<path class="{}" d="M{:.1f} {} l-5 8 h10 z"><title>{}</title></path>').format(
                _TONES.get(notice.code, "warn"), x, HEIGHT - BOTTOM + (12 if lower else 2),
                f"{notice.code} at {frame.when(notice.at)}: {notice.sentence}",
            )
        )  # fmt: skip
    parts += [_handle(frame, name, value) for name, value in handles.items()]
    parts.append(frame.beyond(handles.values()))
    says = f"{segment or 'The figure'}: {len(told)} notifications, {len(firings)} firings in {len(points)} checks"
    scale = Markup(' data-low="{}" data-high="{}" data-top="{}" data-bottom="{}" data-step="{}"').format(
        frame.low, frame.high, TOP, HEIGHT - BOTTOM, step_of(frame.high - frame.low)
    )
    return framed(parts, says, scale if handles else "")


def step_of(reach: float) -> Decimal:
    """A round step of which there are some hundreds in a reach."""
    rough = Decimal(repr(reach)) / 400
    power = Decimal(1).scaleb(rough.adjusted())
    return next(step for step in (power, 2 * power, 5 * power, 10 * power) if step >= rough).normalize()


def _handle(frame: Frame, name: str, value: Decimal) -> Markup:
    y = frame.y(value)
    return Markup(
        '<g class="handle" data-field="{0}" data-y="{1:.2f}"><title>Drag it: {5}</title>'
        '<line class="grip" x1="{2}" x2="{3}" y1="{1:.2f}" y2="{1:.2f}"/>'
        '<line class="limit" x1="{2}" x2="{3}" y1="{1:.2f}" y2="{1:.2f}"/>'
        '<circle cx="{4}" cy="{1:.2f}" r="7"/></g>'
    ).format(name, y, LEFT, WIDTH - RIGHT, WIDTH - RIGHT - 8, frame.says(value))
