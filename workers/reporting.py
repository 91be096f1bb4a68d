"""A graph's table as a section of a report, and as the figures that a gate knows of it; pure."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from workers.alerting import series
from workers.alerting.periods import begin, shifted
from workers.alerting.series import Reading
from workers.formats.report import Chart, Column, Headline, Section
from workers.gating import Figures
from workers.graphs import Graph
from workers.sources import Table

MOST_LINES = 4
_BEFORE = {
    "minute": "the minute before",
    "hour": "the hour before",
    "day": "the day before",
    "week": "the week before",
    "month": "the month before",
    "quarter": "the quarter before",
    "year": "the year before",
}
TYPES: dict[str, Literal["text", "number", "date", "instant", "boolean"]] = {
    "number": "number",
    "text": "text",
    "time": "instant",
    "date": "date",
    "bool": "boolean",
    "json": "text",
}


class Part(NamedTuple):
    """A graph as one of a report's sections; `newest` is up to when its figures reach, by their own times or the source."""

    graph: Graph
    section: Section
    figures: Figures
    newest: datetime | None
    digest: str


def part_of(graph: Graph, table: Table, timezone: str) -> Part | str:
    """Return a graph's table as a part of a report, or why it can't be read as what the graph says."""
    meaning = graph.meaning(timezone)
    reading = series.read([column.name for column in table.columns], table.rows, meaning, table.data_as_of)
    if reading.problem:
        return reading.problem
    whole = _total(reading)
    value = whole[-1][1] if whole else None
    before = _before(whole, meaning)
    newest = table.data_as_of
    if graph.time_dimension is not None:
        newest = _newest(whole, meaning, table.data_as_of)
    return Part(
        graph,
        _section(graph, table, reading, value, before),
        Figures(graph.name, value, before, len(table.rows)),
        newest,
        hashlib.sha256(json.dumps([table.columns, table.rows], default=str).encode()).hexdigest(),
    )


def _before(whole: Sequence[tuple[datetime, Decimal]], meaning: series.Graph) -> Decimal | None:
    """The figure of the period before the newest, or of the reading before it; None where there is none."""
    if len(whole) < 2 or meaning.time is None:
        return None
    (then, value), (newest, _) = whole[-2:]
    if meaning.grain is not None and then != shifted(newest, meaning.grain, meaning.zone, -1):
        return None
    return value


def _newest(
    whole: Sequence[tuple[datetime, Decimal]], meaning: series.Graph, data_as_of: datetime | None
) -> datetime | None:
    """Up to when the figures reach: the end of the newest period, but no later than the source says; None without any."""
    if not whole:
        return None
    newest = whole[-1][0]
    if meaning.grain is not None:
        newest = shifted(begin(newest, meaning.grain, meaning.zone), meaning.grain, meaning.zone, 1)
    return newest if data_as_of is None else min(newest, data_as_of)


def digest_of(parts: Sequence[Part]) -> str:
    """Return what tells whether the figures of a report are others than before."""
    return hashlib.sha256("".join(part.digest for part in parts).encode()).hexdigest()


def _total(reading: Reading) -> list[tuple[datetime, Decimal]]:
    """The sum of all segments by period, oldest first; periods without any figure are left out."""
    sums: dict[datetime, Decimal] = {}
    for each in reading.series.values():
        for start, value in zip(each.starts, each.values, strict=True):
            if value is not None:
                sums[start] = sums.get(start, Decimal()) + value
    return sorted(sums.items())


def _section(graph: Graph, table: Table, reading: Reading, value: Decimal | None, before: Decimal | None) -> Section:
    columns = tuple(_column(graph, table, place) for place in range(len(table.columns)))
    names = [column.name for column in columns]
    shown = _value_column(graph, names)
    headline = None
    if shown is not None and value is not None:
        label = _BEFORE.get(graph.grain or "", "the reading before")
        headline = Headline(value, columns[names.index(shown)], before, f"on {label}" if before is not None else "")
    if graph.time_dimension and graph.segment_by and shown is not None:
        return _by_segment(graph, columns[names.index(shown)], reading, headline)
    chart = None
    if shown is not None and graph.time_dimension in names:
        chart = Chart("line", str(graph.time_dimension), (shown,))
    elif shown is not None and graph.segment_by and graph.segment_by[0] in names:
        chart = Chart("bars", graph.segment_by[0], (shown,))
    return Section(graph.name, columns, table.rows, chart=chart, headline=headline)


def _by_segment(graph: Graph, value: Column, reading: Reading, headline: Headline | None) -> Section:
    """A row for each period and a column for each segment, those with the largest newest figures in the chart."""
    segments = list(reading.series)
    starts = sorted({start for each in reading.series.values() for start in each.starts})
    cells = {name: dict(zip(each.starts, each.values, strict=True)) for name, each in reading.series.items()}
    is_day = graph.grain in ("day", "week", "month", "quarter", "year")
    zone = next(iter(reading.series.values())).graph.zone if reading.series else None
    rows: list[tuple[Any, ...]] = [
        (start.astimezone(zone).date() if is_day else start, *(cells[name].get(start) for name in segments))
        for start in starts
    ]
    name = str(graph.time_dimension)
    time = Column(name, "date" if is_day else "instant", capital(name), format=_time_format(graph))
    columns = tuple(
        Column(name, "number", unit=value.unit, format=value.format, decimals=value.decimals) for name in segments
    )
    largest = sorted(segments, key=lambda name: -abs(reading.series[name].values[-1] or Decimal()))[:MOST_LINES]
    chart = Chart("line", time.name, tuple(largest)) if largest else None
    return Section(graph.name, (time, *columns), rows, chart=chart, headline=headline)


def _column(graph: Graph, table: Table, place: int) -> Column:
    column = table.columns[place]
    if column.name == graph.time_dimension:
        is_day = column.holds == "date" or graph.grain in ("day", "week", "month", "quarter", "year")
        return Column(column.name, "date" if is_day else "instant", capital(column.name), format=_time_format(graph))
    if column.holds == "number" and column.name == _value_column(graph, [each.name for each in table.columns]):
        style: Literal["plain", "percent"] = "percent" if graph.format == "percent" else "plain"
        label = graph.name if column.name == "value" else capital(column.name)
        return Column(column.name, "number", label, graph.unit, style, graph.decimals)
    return Column(column.name, TYPES[column.holds], capital(column.name))


def capital(name: str) -> str:
    """A column's name as a heading."""
    spaced = name.replace("_", " ")
    return spaced[:1].upper() + spaced[1:]


def _value_column(graph: Graph, names: Sequence[str]) -> str | None:
    """The name of the figure's column, by the rule that alerts read it by."""
    if graph.value_column is not None:
        return graph.value_column if graph.value_column in names else None
    if "value" in names:
        return "value"
    others = {graph.time_dimension, *graph.segment_by}
    return next((name for name in names if name not in others), None)


def _time_format(graph: Graph) -> Literal["plain", "month", "year"]:
    if graph.grain in ("month", "quarter"):
        return "month"
    return "year" if graph.grain == "year" else "plain"
