"""A table as series: for each segment its periods in order, each with a figure, without one, or with what is the matter.

What each cell comes to: a number or a text that is one (`"12.50"`) is that figure; NULL and NaN are a period without a
figure; any other text, a boolean, an infinity and a number beyond 300 digits can't be judged, and neither can a period
that came twice. A row whose time can't be read is left out, and a note says so.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from workers.alerting.periods import Grain, begin, is_repeated, local_instant
from workers.alerting.words import rfc3339
from workers.formats.numbers import PLAIN, Style

WHOLE = ""  # the segment of an alert that is not split into several
UNTIMED = datetime(1, 1, 2, tzinfo=UTC)  # where a figure without a time stands
UTC_ZONE = ZoneInfo("UTC")
YEARS = (1000, 9000)  # beyond them, a season ago or a zone would leave the calendar
LONGEST_NAME = 200  # of a segment; what is stored must be what is seen the next time
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # what Postgres keeps in no text
MAX_ADJUSTED = 300  # beyond it, arithmetic on decimals would leave their range


@dataclass(frozen=True, slots=True)
class Graph:
    """What a graph says of its table: which column is the figure, its time, its segments; the grain and the zone.

    Without `value` the figure is the column `value`, or the first that is no other. Without `time` the table has one row
    (a segment). Without `grain` a row is a reading at its instant, with it the whole period that holds the instant.
    """

    value: str | None = None
    time: str | None = None
    segments: tuple[str, ...] = ()
    grain: Grain | None = None
    zone: ZoneInfo = UTC_ZONE
    style: Style = PLAIN


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One segment's figures: `starts` in UTC, rising, and `values` beside them. `problems` says what is unreadable."""

    segment: str
    starts: Sequence[datetime]
    values: Sequence[Decimal | None]
    graph: Graph
    problems: dict[datetime, str] = field(default_factory=dict)
    # What was computed from the figures before; they never change, so it holds as long as they do.
    known: dict[Any, Any] = field(default_factory=dict, repr=False)

    def at(self, start: datetime) -> int | None:
        """Return the place of the period that begins there, None where there is no such row."""
        place = bisect_left(self.starts, start)
        return place if place < len(self.starts) and self.starts[place] == start else None

    def last(self, instant: datetime) -> int | None:
        """Return the place of the last period that began by then, None where there is none."""
        return bisect_right(self.starts, instant) - 1 if self.starts and self.starts[0] <= instant else None


class Reading(NamedTuple):
    """The series of a table by segment, when its data was fresh, and notes on rows that were left out.

    `problem` is what makes the table as a whole unreadable: a column that the graph names and the table lacks. `graph`
    is what the table was read by.
    """

    series: dict[str, Series]
    data_as_of: datetime | None = None
    notes: tuple[str, ...] = ()
    problem: str = ""
    graph: Graph = Graph()

    def lacking(self, segment: str) -> Series:
        """Return the series of a segment of which the table has no row."""
        return Series(segment, [], [], self.graph)


class _Columns(NamedTuple):
    value: int
    time: int | None
    segments: tuple[int, ...]


def read(names: Sequence[str], rows: Iterable[Sequence[Any]], graph: Graph, data_as_of: datetime | None) -> Reading:
    """Return the rows as series by segment, in the order in which segments first come.

    A graph without segments always has one series, if need be an empty one.
    """
    found = _columns(names, graph)
    if isinstance(found, str):
        return Reading({}, data_as_of, (), found, graph)
    cells: dict[str, dict[datetime, Any]] = {} if graph.segments else {WHOLE: {}}
    problems: dict[str, dict[datetime, str]] = {}
    left_out = 0
    for row in rows:
        wall = UNTIMED if found.time is None else _time(row[found.time])
        if wall is None:
            left_out += 1
            continue
        segment = name_of([row[place] for place in found.segments])
        known = cells.setdefault(segment, {})
        start = _start(wall, graph, known) if found.time is not None else UNTIMED
        value = number_of(row[found.value])
        if start in known:
            value = (
                f"there are two rows for {rfc3339(start)}" if found.time is not None else "there is more than one row"
            )
        if isinstance(value, str):
            problems.setdefault(segment, {})[start] = value
            value = None
        known[start] = value
    notes = (f"{left_out} rows have no time that can be read, and were left out",) if left_out else ()
    series = {name: _series(name, of, graph, problems.get(name, {})) for name, of in cells.items()}
    return Reading(series, data_as_of, notes, "", graph)


def number_of(cell: Any) -> Decimal | str | None:
    """Return a cell's figure, None where it has none, or what is the matter with it."""
    if cell is None:
        return None
    if isinstance(cell, bool) or not isinstance(cell, (int, float, Decimal, str)):
        return f"the value is no number but {type(cell).__name__}"
    try:
        value = Decimal(repr(cell) if isinstance(cell, float) else cell)
    except InvalidOperation:
        return f"the value is no number but the text {str(cell)[:40]!r}"
    if value.is_nan():
        return None
    if not value.is_finite() or (value and abs(value.adjusted()) > MAX_ADJUSTED):
        return f"the value is {str(cell)[:40]}, which is too large or too small to compare"
    return value


def name_of(parts: Sequence[Any]) -> str:
    """Return the name of a segment: its values, joined by ` / ` where there are several.

    One that is too long to be kept, or of characters that can't be, ends with a hash, so that two never become one.
    """
    texts = ["(none)" if part is None else str(part) or "(empty)" for part in parts]
    if len(texts) > 1:
        texts = [text.replace("\\", "\\\\").replace("/", "\\/") for text in texts]
    name = " / ".join(texts)
    shown = UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", name)
    if shown == name and len(name) <= LONGEST_NAME:
        return name
    mark = f"… {sha256(name.encode(errors='surrogatepass')).hexdigest()[:10]}"
    return f"{shown[: LONGEST_NAME - len(mark)]}{mark}"


def _columns(names: Sequence[str], graph: Graph) -> _Columns | str:
    places = {name.lower(): place for place, name in reversed(list(enumerate(names)))}
    wanted = [name for name in (graph.value, graph.time, *graph.segments) if name is not None]
    for name in wanted:
        if name.lower() not in places:
            return f"the table has no column {name!r}; it has {', '.join(names) or 'none'}"
    others = [places[name.lower()] for name in wanted if name != graph.value]
    free = [place for place in range(len(names)) if place not in others]
    value = places.get((graph.value or "value").lower(), free[0] if free else None)
    if value is None:
        return "the table has no column for the figure"
    time_place = places[graph.time.lower()] if graph.time is not None else None
    return _Columns(value, time_place, tuple(places[name.lower()] for name in graph.segments))


def _time(cell: Any) -> datetime | None:
    if isinstance(cell, str):
        try:
            cell = datetime.fromisoformat(cell.strip())
        except ValueError:
            return None
    if isinstance(cell, date) and not isinstance(cell, datetime):
        cell = datetime.combine(cell, time())
    return cell if isinstance(cell, datetime) and YEARS[0] <= cell.year <= YEARS[1] else None


def _start(wall: datetime, graph: Graph, known: dict[datetime, Any]) -> datetime:
    """Return where a row stands. Of two rows for an hour that the clock went through twice, the second is the second."""
    if wall.tzinfo is not None:
        return _begin(wall.astimezone(UTC), graph)
    start = _begin(local_instant(wall, graph.zone), graph)
    if start in known and is_repeated(wall, graph.zone):
        return _begin(local_instant(wall.replace(fold=1), graph.zone), graph)
    return start


def _begin(instant: datetime, graph: Graph) -> datetime:
    return begin(instant, graph.grain, graph.zone) if graph.grain else instant


def _series(segment: str, cells: dict[datetime, Any], graph: Graph, problems: dict[datetime, str]) -> Series:
    starts = sorted(cells)
    return Series(segment, starts, [cells[start] for start in starts], graph, problems)
