"""The way of a run: from its slot over its attempts to its deliveries, along one line of time."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from markupsafe import Markup

from api.pages.look import span
from workers.formats.axis import seconds, time_ticks

WIDTH, HEIGHT, LEFT, RIGHT = 1000, 96, 10, 10
_TONES = {"done": "good", "later": "warn", "rejected": "bad", "raised": "bad", "expired": "bad"}
_SENT = {"sent": "good", "failed": "bad", "bounced": "bad", "unknown": "warn"}
_SHORTEST = timedelta(milliseconds=1)


class _Bar(NamedTuple):
    row: int
    begin: datetime
    end: datetime
    tone: str
    says: str


def draw(run: Mapping[str, Any], now: datetime) -> Markup:
    """The run as the API shows it: waiting, each attempt, and each delivery that was settled, in three rows."""
    bars = list(_bars(run, now))
    first, last = min(bar.begin for bar in bars), max(bar.end for bar in bars)
    length = max(last - first, _SHORTEST)

    def at(instant: datetime) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * ((instant - first) / length)

    parts = [
        Markup(
            '<line class="grid" x1="{0:.1f}" x2="{0:.1f}" y1="0" y2="{1}"/><text x="{0:.1f}" y="{2}">{3}</text>'
        ).format(
            LEFT + (WIDTH - LEFT - RIGHT) * (tick.at - seconds(first)) / length.total_seconds(),
            HEIGHT - 16,
            HEIGHT - 3,
            tick.label,
        )
        for tick in time_ticks(seconds(first), seconds(last))
        if length > timedelta(minutes=2)
    ]
    parts += [
        Markup('<rect class="{}" x="{:.1f}" y="{}" width="{:.1f}" height="18" rx="3"><title>{}</title></rect>').format(
            bar.tone, at(bar.begin), 4 + 26 * bar.row, max(3.0, at(bar.end) - at(bar.begin)), bar.says
        )
        for bar in bars
    ]
    told = f"From its slot to its end {span(length)}: {'; '.join(bar.says for bar in bars[:12])}"
    return Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, HEIGHT, told, Markup("").join(parts)
    )


def _bars(run: Mapping[str, Any], now: datetime) -> Iterator[_Bar]:
    slot = _at(run["slotAt"]) or now
    tries = [each for each in run["attempts"] if each["startedAt"]]
    begun = [found for each in tries if (found := _at(each["startedAt"]))]
    started, finished = _at(run["startedAt"]), _at(run["finishedAt"])
    first = min([*begun, *([started] if started else [])], default=finished or max(now, slot))
    yield _Bar(
        0,
        min(slot, first),
        max(slot, first),
        "wait",
        f"{span(abs((first - slot).total_seconds()))} from its slot to its start",
    )
    for each in tries:
        begin, end = _at(each["startedAt"]) or slot, _at(each["finishedAt"]) or now
        tone = _TONES.get(each["outcome"], "wait")
        yield _Bar(
            1,
            begin,
            end,
            tone,
            f"attempt {each['attempt']}: {each['outcome']} after {span((end - begin).total_seconds())}",
        )
    if run["state"] == "running" and started:
        yield _Bar(1, started, max(now, started), "run", f"attempt {run['attempt']}: running")
    for each in run["deliveries"]:
        made, sent = _at(each["createdAt"]), _at(each["sentAt"])
        if made and (sent or each["state"] in _SENT):
            tone = _SENT.get(each["state"], "wait")
            yield _Bar(
                2, made, max(sent or made, made), tone, f"{each['channel']} {each['recipient']}: {each['state']}"
            )


def _at(told: str | None) -> datetime | None:
    return datetime.fromisoformat(told) if told else None
