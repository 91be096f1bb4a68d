"""A picture of a judged history: what became of each slot, over the faults, and how late runs began."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Final, NamedTuple

from proof.oracle import Expected, expected
from proof.records import Fault, History, Seconds
from proof.verdict import Verdict

_WIDTH: Final = 960
_LEFT: Final = 110
_COLUMNS: Final = 240
_MOST_ROWS: Final = 100
_GRID: Final = 300
_LAG: Final = 120
_LANE: Final = 14
_GAP: Final = 26
# The worst of what happened in a cell is what it shows.
_BADNESS: Final = ("none", "ok", "skipped", "retried", "dead", "open", "lost")
_WORDS: Final = {
    "ok": "ran at the first attempt",
    "retried": "ran, and not at the first attempt",
    "skipped": "skipped or cancelled, with its reason",
    "dead": "dead letter",
    "open": "not over",
    "lost": "lost or doubled",
}
_STYLE: Final = """
    svg { background: #fff; font: 12px system-ui, sans-serif; color: #222 }
    text { fill: currentColor } .axis { stroke: currentColor; opacity: .3 } .quiet { opacity: .65 }
    .ok { fill: #2e9e5b } .retried { fill: #b5c334 } .skipped { fill: #a9b1bb } .dead { fill: #8e44ad }
    .open { fill: #e08a1e } .lost { fill: #d62f2f } .fault { fill: #3b6fb6; opacity: .75 } .lag { fill: #3b6fb6 }
    @media (prefers-color-scheme: dark) { svg { background: #14171a; color: #dfe3e7 } }
"""


class _Span(NamedTuple):
    """The time that the picture shows."""

    first: Seconds
    last: Seconds

    def x(self, at: Seconds) -> float:
        """Where an instant lies, from the picture's left side."""
        share = (at - self.first) / max(self.last - self.first, 1e-9)
        return _LEFT + min(1.0, max(0.0, share)) * (_WIDTH - _LEFT - 10)

    def column(self, at: Seconds) -> int:
        """The column that an instant falls into."""
        share = (at - self.first) / max(self.last - self.first, 1e-9)
        return min(_COLUMNS - 1, max(0, int(share * _COLUMNS)))


def draw(history: History, verdict: Verdict) -> str:
    """The picture as SVG: a lane for each kind of fault, a row for each schedule or group of them, and the lags."""
    should = expected(history)
    instants = [slot / 1000 for slots in should.must.values() for slot in slots] or [history.until]
    span = _Span(min(instants), max(*instants, *(fault.ended for fault in history.faults), min(instants) + 1))
    lanes = _by_name(history.faults)
    top = 62
    grid_at = top + len(lanes) * _LANE + _GAP
    lag_at = grid_at + _GRID + _GAP
    height = lag_at + _LAG + 58
    title = f"{escape(verdict.word)}: {escape(verdict.why)}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{title}">',
        f"<style>{_STYLE}</style>",
        f'<text x="10" y="22" font-size="16" font-weight="600">{escape(verdict.word.upper())}</text>',
        f'<text x="10" y="42" class="quiet">{escape(verdict.why)}. Seed {history.seed}.</text>',
        *_faults(lanes, span, top),
        *_grid(history, should, span, grid_at),
        *_lags(history, span, lag_at),
        *_legend(height - 14),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _by_name(faults: Sequence[Fault]) -> Mapping[str, list[Fault]]:
    found: dict[str, list[Fault]] = defaultdict(list)
    for fault in faults:
        found[fault.name].append(fault)
    return dict(sorted(found.items()))


def _faults(lanes: Mapping[str, Sequence[Fault]], span: _Span, top: int) -> Iterator[str]:
    for number, (name, faults) in enumerate(lanes.items()):
        y = top + number * _LANE
        yield f'<text x="10" y="{y + 9}" font-size="9">{escape(name)}</text>'
        for fault in faults:
            x = span.x(fault.began)
            width = max(2.0, span.x(fault.ended) - x)
            yield (
                f'<rect class="fault" x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_LANE - 4}">'
                f"<title>{escape(fault.name)}: {escape(fault.target)}</title></rect>"
            )


def _grid(history: History, should: Expected, span: _Span, top: int) -> Iterator[str]:
    ordered = sorted(should.must)
    rows = min(_MOST_ROWS, len(ordered)) or 1
    row_of = {schedule: number * rows // max(len(ordered), 1) for number, schedule in enumerate(ordered)}
    cells: dict[tuple[int, int], int] = defaultdict(int)
    for schedule, at, word in _slots(history, should):
        if schedule in row_of:
            cell = row_of[schedule], span.column(at)
            cells[cell] = max(cells[cell], _BADNESS.index(word))
    width, height = (_WIDTH - _LEFT - 10) / _COLUMNS, _GRID / rows
    yield f'<text x="10" y="{top + 10}">{len(ordered)} schedules</text>'
    for (row, column), badness in sorted(cells.items()):
        x, y = _LEFT + column * width, top + row * height
        yield (
            f'<rect class="{_BADNESS[badness]}" x="{x:.1f}" y="{y:.1f}" width="{width:.2f}" '
            f'height="{max(1.0, height - 0.5):.2f}"/>'
        )


def _slots(history: History, should: Expected) -> Iterator[tuple[str, Seconds, str]]:
    """Schedule, instant and word of every slot that has to have been decided or was."""
    runs: dict[tuple[str, int], list[str]] = defaultdict(list)
    ranges: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for run in history.runs:
        if run.schedule is None or run.origin not in ("schedule", "backfill"):
            continue
        runs[run.schedule, run.slot].append(_word(run.state, run.attempt))
        if run.skipped_until is not None:
            ranges[run.schedule].append((run.slot, run.skipped_until))
    for schedule, slots in should.must.items():
        for slot in slots:
            found = runs.pop((schedule, slot), [])
            is_skipped = any(first <= slot <= last for first, last in ranges.get(schedule, ()))
            word = found[0] if len(found) == 1 else "skipped" if is_skipped and not found else "lost"
            yield schedule, slot / 1000, word
    for (schedule, slot), found in runs.items():
        yield schedule, slot / 1000, found[0] if len(found) == 1 else "lost"


def _word(state: str, attempt: int) -> str:
    if state == "succeeded":
        return "ok" if attempt <= 1 else "retried"
    return {"dead": "dead", "skipped": "skipped", "cancelled": "skipped"}.get(state, "open")


def _lags(history: History, span: _Span, top: int) -> Iterator[str]:
    late: dict[int, list[Seconds]] = defaultdict(list)
    for run in history.runs:
        if run.started_at is not None and run.origin == "schedule":
            late[span.column(run.slot / 1000)].append(max(0.0, run.started_at - run.slot / 1000))
    worst = max((max(each) for each in late.values()), default=0.0) or 1.0
    yield f'<text x="10" y="{top + 10}">start lag</text>'
    yield f'<text x="10" y="{top + 26}" class="quiet">up to {worst:.3g} s</text>'
    yield f'<line class="axis" x1="{_LEFT}" y1="{top + _LAG}" x2="{_WIDTH - 10}" y2="{top + _LAG}"/>'
    width = (_WIDTH - _LEFT - 10) / _COLUMNS
    for column, each in sorted(late.items()):
        for share, opacity in ((1.0, 0.3), (0.5, 1.0)):
            lag = sorted(each)[round(share * (len(each) - 1))]
            height = max(1.0, lag / worst * _LAG)
            yield (
                f'<rect class="lag" opacity="{opacity}" x="{_LEFT + column * width:.1f}" '
                f'y="{top + _LAG - height:.1f}" width="{width:.2f}" height="{height:.1f}"/>'
            )
    yield f'<text x="{_LEFT}" y="{top + _LAG + 16}" class="quiet">0 s: dark the median, light the latest</text>'
    seconds = f"{span.last - span.first:.0f} s"
    yield f'<text x="{_WIDTH - 10}" y="{top + _LAG + 16}" text-anchor="end" class="quiet">{seconds}</text>'


def _legend(y: int) -> Iterator[str]:
    x = 10
    for word, text in _WORDS.items():
        yield f'<rect class="{word}" x="{x}" y="{y - 9}" width="10" height="10"/>'
        yield f'<text x="{x + 14}" y="{y}" font-size="11">{text}</text>'
        x += 24 + round(6.1 * len(text))
