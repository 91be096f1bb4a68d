"""A graph's answer as the model is shown it: few rows, short cells, and walls that no text in them can climb; pure."""

import hashlib
import json
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from db.jsonb import dumps
from workers.alerting import series
from workers.graphs import Graph
from workers.sources import Column, Table

LONGEST_CELL = 200
LARGEST_RESULT = 24_000
LONGEST_ERROR = 300
# Control characters, marks that no one sees or that turn text round, private ones and halves of others.
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs"})


def wrapped(value: Any) -> str:
    """Return a value as JSON between two marks that it can't hold: they are made from it, and `<` is written otherwise."""
    body = json.dumps(json.loads(dumps(value)), ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e")
    mark = hashlib.sha256(body.encode(errors="replace")).hexdigest()[:12]
    return f"<data {mark}>\n{body}\n</data {mark}>"


def failed(why: str) -> str:
    """Return what the model is told of a tool that failed."""
    return wrapped({"error": plain(why)[:LONGEST_ERROR]})


def plain(text: str) -> str:
    """Return a text without what nobody sees, so that it shows to a person all that it says to a model."""
    return "".join(" " if each in "\n\r\t" else each for each in text if each in "\n\r\t" or not _is_unseen(each))


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in _UNSEEN


def of_segment(graph: Graph, table: Table, segment: str) -> Table | str:
    """Return the rows of one segment, or why there are none."""
    places = {column.name: place for place, column in enumerate(table.columns)}
    if not graph.segment_by:
        return "this graph has no segments"
    if any(name not in places for name in graph.segment_by):
        return "this graph's answer lacks its own segments"
    named = [(series.name_of([row[places[name]] for name in graph.segment_by]), row) for row in table.rows]
    rows = [row for name, row in named if plain(name).casefold() == segment.casefold()]
    if not rows:
        some = list(dict.fromkeys(plain(name) for name, _ in named))[:20]
        return f"there is no such segment; there are: {', '.join(some) or 'none'}"
    return Table(table.columns, rows, table.data_as_of, table.cost_ms, table.is_stale, table.notes)


def bounded(graph: Graph, table: Table, most_rows: int) -> Table:
    """Return as many rows as are shown, the last ones of a graph with times, the first ones of another; cells cut short."""
    rows = [tuple(_cell(value) for value in row) for row in table.rows]
    if len(rows) > most_rows:
        rows = rows[-most_rows:] if graph.time_dimension else rows[:most_rows]
    sizes = [len(dumps(list(row)).encode()) for row in rows]
    while rows and sum(sizes) > LARGEST_RESULT:
        place = 0 if graph.time_dimension else len(rows) - 1
        del rows[place], sizes[place]
    columns = tuple(Column(plain(column.name)[:LONGEST_CELL], column.type, column.holds) for column in table.columns)
    return Table(columns, rows, table.data_as_of, table.cost_ms, table.is_stale)


def shown(graph: Graph, table: Table, total: int, window: tuple[datetime, datetime] | None, timezone: str) -> str:
    """Return a bounded table as the model reads it."""
    return wrapped(
        {
            "graph": plain(graph.name),
            "unit": graph.unit,
            "format": graph.format,
            "grain": graph.grain,
            "timezone": timezone,
            "from": window and window[0],
            "to": window and window[1],
            "dataAsOf": table.data_as_of,
            "isStale": table.is_stale,
            "columns": [column.name for column in table.columns],
            "rows": [list(row) for row in table.rows],
            "rowsLeftOut": total - len(table.rows),
        }
    )


def listed(graphs: Sequence[Graph]) -> str:
    """Return the graphs as the model reads them."""
    return wrapped(
        {
            "graphs": [
                {
                    "name": plain(graph.name),
                    "id": graph.id,
                    "unit": graph.unit,
                    "grain": graph.grain,
                    "hasTimes": graph.time_dimension is not None,
                    "segments": graph.segment_by,
                }
                for graph in graphs
            ]
        }
    )


def _cell(value: Any) -> Any:
    """A cell that is short, and JSON: a text without what nobody sees, a number as it is, anything else as its text."""
    if isinstance(value, float):
        value = series.number_of(value) if value == value else None
    if value is None or isinstance(value, bool) or not isinstance(value, (str, bytes, list, dict)):
        return value if not isinstance(value, (memoryview, bytearray)) else None
    text = plain(value if isinstance(value, str) else str(value))
    return text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1] + "…"
