"""The way of a run: how long it waited, each attempt, and each message, along one line of time from its slot."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from markupsafe import Markup

from api.pages.look import span

WIDTH, LEFT, RIGHT, ROW = 1000, 84, 12, 26
_TONES = {"done": "good", "later": "warn", "rejected": "bad", "raised": "bad", "expired": "bad"}
_SETTLED = {"sent": "good", "failed": "bad", "bounced": "bad", "unknown": "warn"}
_ROWS = ("waited", "attempts", "messages")
_TICKS = 4
_SHORTEST = timedelta(milliseconds=1)


class _Bar(NamedTuple):
    """A span of the run's life, in the row of its sort."""

    row: int
    begin: datetime
    end: datetime
    tone: str
    says: str


def draw(run: Mapping[str, Any], now: datetime) -> Markup:
    """The run as the API shows it; every span says in words what it was."""
    bars = list(_bars(run, now))
    first, last = min(bar.begin for bar in bars), max(bar.end for bar in bars)
    length = max(last - first, _SHORTEST)
    height = ROW * len(_ROWS) + 18

    def at(instant: datetime) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * ((instant - first) / length)

    drawn = [_label(row, name) for row, name in enumerate(_ROWS)]
    drawn += [
        _tick(at(first + length * part / _TICKS), height, part, length * part / _TICKS) for part in range(_TICKS + 1)
    ]
    drawn += [_rect(bar, at(bar.begin), at(bar.end)) for bar in bars]
    told = f"{span(length)} from its slot on: {'; '.join(bar.says for bar in bars[:12])}"
    return Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, height, told, Markup("").join(drawn)
    )


def _label(row: int, name: str) -> Markup:
    return Markup('<text x="{}" y="{}" text-anchor="end">{}</text>').format(LEFT - 8, ROW * row + 16, name)


def _tick(x: float, height: int, part: int, after: timedelta) -> Markup:
    anchor = "start" if part == 0 else "end" if part == _TICKS else "middle"
    text = "its slot" if part == 0 else f"+{span(after)}"
    line = Markup('<line class="grid" x1="{0:.1f}" x2="{0:.1f}" y1="0" y2="{1}"/>').format(x, height - 16)
    return line + Markup('<text x="{:.1f}" y="{}" text-anchor="{}">{}</text>').format(x, height - 3, anchor, text)


def _rect(bar: _Bar, begin: float, end: float) -> Markup:
    return Markup(
        '<rect class="{}" x="{:.1f}" y="{}" width="{:.1f}" height="18" rx="3"><title>{}</title></rect>'
    ).format(bar.tone, begin, 3 + ROW * bar.row, max(3.0, end - begin), bar.says)


def _bars(run: Mapping[str, Any], now: datetime) -> Iterator[_Bar]:
    slot = _at(run["slotAt"]) or now
    started, finished = _at(run["startedAt"]), _at(run["finishedAt"])
    begun = [found for each in run["attempts"] if (found := _at(each["startedAt"]))]
    # A run that waits is started at each look: what it has kept of its work tells when it had begun.
    begun += [found for each in run["steps"] if (found := _at(each["createdAt"]))]
    first = min([*begun, *([started] if started else [])], default=finished or max(now, slot))
    late = abs((first - slot).total_seconds())
    yield _Bar(0, min(slot, first), max(slot, first), "wait", f"{span(late)} from its slot to its start")
    for each in run["attempts"]:
        begin, end = _at(each["startedAt"]), _at(each["finishedAt"])
        if begin and end:
            says = f"attempt {each['attempt']}: {each['outcome']} after {span((end - begin).total_seconds())}"
            yield _Bar(1, begin, end, _TONES.get(each["outcome"], "wait"), says)
    if run["state"] == "running" and started:
        yield _Bar(1, started, max(now, started), "run", f"attempt {run['attempt']}: running")
    for each in run["deliveries"]:
        made, sent = _at(each["createdAt"]), _at(each["sentAt"])
        if made and each["state"] in _SETTLED:
            says = f"{each['channel']} to {each['recipientName'] or each['recipient']}: {each['state']}"
            yield _Bar(2, made, max(sent or made, made), _SETTLED[each["state"]], says)


def _at(told: str | None) -> datetime | None:
    return datetime.fromisoformat(told) if told else None
