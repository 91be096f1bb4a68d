"""`python -m bench.boards PROMETHEUS FOLDER`: the dashboards as pictures, out of what Prometheus answers to their own queries.

No Grafana draws them: no program of it can be had from a package registry. `make boards` draws the docs' own, of a Tocsin
at work (bench/board_gallery.py). The queries, the places and the titles are those
of deploy/grafana; the strokes are ours. Tables ask the database that DATABASE_URL names, where it is set.
"""

import argparse
import json
import math
import os
import re
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any, Final, NamedTuple

import psycopg

BOARDS: Final = Path(__file__).resolve().parent.parent / "deploy" / "grafana" / "dashboards"
_COLUMN: Final = 45
_ROW: Final = 24
_GAP: Final = 4
_COLORS: Final = (
    "#1668c7",
    "#d0662f",
    "#2e9e5b",
    "#8e44ad",
    "#b8860b",
    "#c2378a",
    "#17968f",
    "#7a7f87",
    "#a0522d",
    "#6a5acd",
)
_MOST_SERIES: Final = 8
# How wide a letter is at most, near enough, in a font of 11 pixels.
_LETTER: Final = 6.3
# Where an axis ends along which nothing happened.
_NOTHING: Final = {"percentunit": 0.1, "s": 1.0, "ops": 1.0}
_STYLE: Final = """
    svg { background: #f4f5f6; font: 11px system-ui, sans-serif; color: #222 } text { fill: currentColor }
    .panel { fill: #fff } .title { font-weight: 600 } .quiet { opacity: .6 } .axis { stroke: currentColor; opacity: .15 }
    .value { font-size: 26px; font-weight: 600 } .curve { fill: none; stroke-width: 1.5 }
    @media (prefers-color-scheme: dark) { svg { background: #0f1113; color: #dfe3e7 } .panel { fill: #181b1f } }
"""


class Box(NamedTuple):
    """Where a panel lies, in pixels."""

    x: float
    y: float
    width: float
    height: float


class Series(NamedTuple):
    """A name, and values at times in Unix seconds."""

    name: str
    points: list[tuple[float, float]]


class Span(NamedTuple):
    """What is looked at."""

    start: float
    end: float
    step: float


class Source(NamedTuple):
    """A Prometheus, and a span of its time."""

    url: str
    span: Span

    def series(self, target: dict[str, Any]) -> list[Series]:
        """What the panel's target shows over the span."""
        query = target["expr"].replace("$__rate_interval", f"{max(60, int(self.span.step * 4))}s")
        query = query.replace("$namespace", ".*").replace("$job", ".*")
        asked = {"query": query, "start": self.span.start, "end": self.span.end, "step": self.span.step}
        found = _asked(self.url, "query_range", asked)
        return [
            Series(
                _name(target["legendFormat"], each["metric"]),
                [(float(at), float(value)) for at, value in each["values"] if value not in ("NaN", "+Inf")],
            )
            for each in found
        ]


def picture(board: dict[str, Any], source: Source, database: str | None) -> str:
    """The dashboard as SVG."""
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"]) * _ROW + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {24 * _COLUMN} {height}" width="{24 * _COLUMN}">',
        f"<style>{_STYLE}</style>",
        f'<text x="8" y="24" style="font-size: 16px; font-weight: 600">{escape(board["title"])}</text>',
    ]
    for panel in board["panels"]:
        at = panel["gridPos"]
        box = Box(
            at["x"] * _COLUMN + _GAP, at["y"] * _ROW + 40, at["w"] * _COLUMN - 2 * _GAP, at["h"] * _ROW - 2 * _GAP
        )
        parts += _panel(panel, box, source, database)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(panel: dict[str, Any], box: Box, source: Source, database: str | None) -> Iterator[str]:
    yield f'<rect class="panel" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="3"/>'
    yield f'<text class="title" x="{box.x + 8}" y="{box.y + 16}">{escape(panel["title"])}</text>'
    if panel["type"] == "table":
        yield from _table(panel, box, database)
        return
    found = [series for target in panel["targets"] for series in source.series(target) if series.points]
    unit = panel["fieldConfig"]["defaults"].get("unit", "short")
    if not found:
        yield f'<text class="quiet" x="{box.x + 8}" y="{box.y + 36}">nothing in this span</text>'
    elif panel["type"] == "stat":
        yield from _stat(found, box, unit)
    else:
        is_stacked = panel["fieldConfig"]["defaults"]["custom"]["stacking"]["mode"] == "normal"
        yield from _curves(sorted(found, key=lambda each: -each.points[-1][1]), box, unit, source.span, is_stacked)


def _stat(found: Sequence[Series], box: Box, unit: str) -> Iterator[str]:
    for place, series in enumerate(found[:3]):
        x = box.x + 8 + place * (box.width / 3)
        yield f'<text class="value" x="{x}" y="{box.y + 56}">{_value(series.points[-1][1], unit)}</text>'
        if series.name:
            yield f'<text class="quiet" x="{x}" y="{box.y + 76}">{escape(series.name)}</text>'


def _curves(found: Sequence[Series], box: Box, unit: str, span: Span, is_stacked: bool) -> Iterator[str]:  # noqa: FBT001
    shown = found[:_MOST_SERIES]
    more = [f"and {len(found) - len(shown)} more"] if len(found) > len(shown) else []
    legend = list(_legend([*(series.name for series in shown), *more], box))
    plot = Box(box.x + 56, box.y + 28, box.width - 66, box.height - 56 - 14 * (legend[-1][1] + 1))
    lines = _stacked(shown) if is_stacked else [series.points for series in shown]
    top = _top(max(value for line in lines for _, value in line), unit)
    for share in (0.0, 0.5, 1.0):
        y = plot.y + plot.height * (1 - share)
        yield f'<line class="axis" x1="{plot.x}" x2="{plot.x + plot.width}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="quiet" x="{plot.x - 5}" y="{y + 4:.1f}" text-anchor="end">{_value(top * share, unit)}</text>'
    below = plot.y + plot.height + 14
    yield f'<text class="quiet" x="{plot.x}" y="{below}">{(span.end - span.start) / 60:.3g} min ago</text>'
    yield f'<text class="quiet" x="{plot.x + plot.width}" y="{below}" text-anchor="end">now</text>'
    for number, line in enumerate(lines):
        points = " ".join(
            f"{plot.x + (at - span.start) / (span.end - span.start) * plot.width:.1f},"
            f"{plot.y + plot.height * (1 - value / top):.1f}"
            for at, value in line
        )
        yield f'<polyline class="curve" stroke="{_COLORS[number]}" points="{points}"/>'
    for number, (x, row, name) in enumerate(legend):
        y = below + 16 + row * 14
        if number < len(shown):
            yield f'<rect x="{x:.0f}" y="{y - 7}" width="8" height="3" fill="{_COLORS[number]}"/>'
        yield f'<text x="{x + 12:.0f}" y="{y}">{escape(name)}</text>'


def _legend(names: Sequence[str], box: Box) -> Iterator[tuple[float, int, str]]:
    """Where each name lies, from the left and in which row, so that none runs into the next."""
    x, row = box.x + 12, 0
    for name in names:
        width = 24 + _LETTER * len(name)
        if x > box.x + 12 and x + width > box.x + box.width:
            x, row = box.x + 12, row + 1
        yield x, row, name
        x += width


def _top(most: float, unit: str) -> float:
    """Where the axis ends: at a round number; of what counts whole things at two or more."""
    most = max(most, 2.0) if unit == "short" else most or _NOTHING[unit]
    size: float = 10.0 ** math.floor(math.log10(most))
    return next(size * step for step in (1.0, 2.0, 4.0, 5.0, 10.0) if size * step >= most * 0.999)


def _stacked(found: Sequence[Series]) -> list[list[tuple[float, float]]]:
    total: dict[float, float] = {}
    lines = []
    for series in found:
        for at, value in series.points:
            total[at] = total.get(at, 0.0) + value
        lines.append([(at, total[at]) for at, _ in series.points])
    return lines


def _table(panel: dict[str, Any], box: Box, database: str | None) -> Iterator[str]:
    if database is None:
        yield f'<text class="quiet" x="{box.x + 8}" y="{box.y + 36}">DATABASE_URL is not set</text>'
        return
    statement = re.sub(
        r"\$__timeFilter\(([\w.]+)\)",
        r"\1 between now() - interval '3 hours' and now()",
        panel["targets"][0]["rawSql"],
    )
    with psycopg.connect(database) as conn:
        cursor = conn.execute(statement)
        names = [column.name for column in cursor.description or ()]
        rows = cursor.fetchmany(int((box.height - 44) / 15))
    for line, row in enumerate([names, *rows]):
        for place, cell in enumerate(row):
            x, y = box.x + 8 + place * (box.width / len(names)), box.y + 36 + line * 15
            sort = "" if line else ' class="quiet"'
            yield f'<text{sort} x="{x:.1f}" y="{y}">{escape(_cell(cell))}</text>'
    if not rows:
        yield f'<text class="quiet" x="{box.x + 8}" y="{box.y + 51}">none</text>'


def _cell(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)[:26]


def _value(value: float, unit: str) -> str:
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    if unit == "s":
        for size, name in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
            if value >= size * (2 if size > 1 else 1):
                return f"{value / size:.3g} {name}"
        return f"{value * 1000:.3g} ms" if value else "0 s"
    if unit == "ops":
        return f"{value:.3g}/s"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def _name(legend: str, labels: dict[str, str]) -> str:
    if legend == "__auto":
        return ""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), legend).strip()


def _asked(url: str, what: str, params: dict[str, object]) -> Any:
    address = f"{url}/api/v1/{what}?{urllib.parse.urlencode(params)}"
    with urllib.request.urlopen(address) as answer:  # noqa: S310  an address that a person gave
        return json.load(answer)["data"]["result"]


def main() -> None:
    """Draws what that Prometheus knows."""
    parser = argparse.ArgumentParser(prog="python -m bench.boards")
    parser.add_argument("prometheus", help="such as http://127.0.0.1:9090")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=15, help="how far to look back")
    args = parser.parse_args()
    draw(args.prometheus, args.folder, args.minutes)


def draw(prometheus: str, folder: Path, minutes: float) -> None:
    """Draws each dashboard into the folder, as the last minutes were."""
    [now] = [float(each["value"][0]) for each in _asked(prometheus, "query", {"query": "vector(0)"})]
    span = Span(now - minutes * 60, now, max(5.0, minutes * 60 / 200))
    for file in sorted(BOARDS.glob("*.json")):
        drawn = picture(json.loads(file.read_text()), Source(prometheus, span), os.environ.get("DATABASE_URL"))
        (folder / f"{file.stem}.svg").write_text(drawn)


if __name__ == "__main__":
    main()
