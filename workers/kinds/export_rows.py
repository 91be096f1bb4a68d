"""The rows of an exported report: what its definition asks, once, and written down as they come."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, cast

from workers.alerting.lookback import Window
from workers.formats.report import Chart, Column, Section
from workers.kind import Context, InnerJournal
from workers.kinds.report_asking import Trouble, ask
from workers.reporting import TYPES, capital
from workers.reports.book import DefinitionRow
from workers.reports.definition import ColumnShown, Definition, as_named
from workers.reports.spans import Span
from workers.reports.spool import SHOWN, Spool
from workers.sources import Question, SourceRefused, SourceUnavailable, streamed
from workers.sources.table import Column as Given
from workers.sources.table import Value

PERIODS = 30
SPARE_SECONDS = 30.0


class Drawn(NamedTuple):
    """What was read: sections with all rows, the same with a few for a mail, how many rows, and how old the data is."""

    sections: tuple[Section, ...]
    previews: tuple[Section, ...]
    rows: int
    data_as_of: datetime | None


def draw(
    ctx: Context[Any],
    row: DefinitionRow,
    values: Mapping[str, Value | Span],
    folder: Path,
    *,
    most: int | None = None,
    told: Callable[[int], None] = lambda _: None,
) -> Drawn:
    """Return what a definition gives with these parameters; of an own query at most `most` rows.

    Raises SourceUnavailable, and SourceRefused for what asking again can't mend.
    """
    says = row.says
    named = as_named(values)
    span = values.get(says.window) if says.window else None
    within = Window(span.start, span.end) if isinstance(span, Span) else None
    if row.source_id is None:
        return _of_graphs(ctx, row, says, named, within)
    seconds = max(1.0, ctx.seconds_left() - SPARE_SECONDS)
    start, end = within or (None, None)
    question = Question(str(row.query), ctx.slot_at, start=start, end=end, timezone=ctx.timezone, parameters=named)
    spool = Spool(folder / "rows")
    cap = says.row_limit
    with streamed(ctx.source(str(row.source_id)), question, timeout_seconds=seconds, row_cap=cap) as found:
        columns, kept = _columns(found.columns, says.columns)
        spool.fill(found.batches, kept, most=most, seen=told)
    chart = _chart(says, columns)
    section = Section(capital(row.name.replace("-", " ")), columns, spool, chart=chart)
    shown = list(spool.last) if chart and chart.kind == "line" else spool.head
    return Drawn((section,), (replace(section, rows=shown),), spool.rows, found.data_as_of)


def _of_graphs(
    ctx: Context[Any], row: DefinitionRow, says: Definition, named: Mapping[str, Value], within: Window | None
) -> Drawn:
    graphs = cast("InnerJournal", ctx.journal).reports().graphs(row.graph_id, row.dashboard_id)
    if not graphs:
        raise SourceRefused("its graph or its dashboard was deleted")
    parts = ask(ctx, graphs, {}, PERIODS, within=within, parameters=named)
    if isinstance(parts, Trouble):
        raise (SourceUnavailable if parts.is_passing else SourceRefused)(parts.why)
    sections = tuple(_as_shown(part.section, says.columns) for part in parts)
    there = {column.name for section in sections for column in section.columns}
    # One by segments has a column for each that there is now: a segment of which nothing came is no mistake.
    if not any(part.graph.time_dimension and part.graph.segment_by for part in parts):
        _check_there(there | {each.name for each in says.columns if each.is_hidden}, says.columns)
    known = [part.newest for part in parts if part.newest is not None]
    rows = sum(len(cast("Sequence[Any]", section.rows)) for section in sections)
    return Drawn(sections, tuple(map(_preview, sections)), rows, min(known) if known else None)


def _preview(section: Section) -> Section:
    rows = cast("Sequence[Any]", section.rows)
    is_course = section.chart is not None and section.chart.kind == "line"
    return replace(section, rows=rows[-SHOWN:] if is_course else rows[:SHOWN])


def _as_shown(section: Section, said: Sequence[ColumnShown]) -> Section:
    """The section of a graph with its columns as the definition shows them, the hidden ones left out."""
    by_name = {each.name: each for each in said}
    hidden = {each.name for each in said if each.is_hidden}
    kept = [place for place, column in enumerate(section.columns) if column.name not in hidden]
    columns = tuple(_shown(section.columns[place], by_name.get(section.columns[place].name)) for place in kept)
    rows = [tuple(each[place] for place in kept) for each in section.rows] if hidden else section.rows
    chart = section.chart if section.chart and not hidden & {section.chart.x, *section.chart.y} else None
    return replace(section, columns=columns, rows=rows, chart=chart)


def _columns(found: Sequence[Given], said: Sequence[ColumnShown]) -> tuple[tuple[Column, ...], list[int] | None]:
    """The columns of an answer as they are shown, and the places of those that are; None where all of them are.

    Raises SourceRefused for a column that the answer lacks.
    """
    by_name = {each.name: each for each in said}
    _check_there({column.name for column in found}, said)
    kept = [
        place for place, column in enumerate(found) if not (column.name in by_name and by_name[column.name].is_hidden)
    ]
    if not kept:
        raise SourceRefused("all columns of the answer are hidden")
    columns = tuple(
        _shown(
            Column(found[place].name, TYPES[found[place].holds], capital(found[place].name)),
            by_name.get(found[place].name),
        )
        for place in kept
    )
    return columns, None if len(kept) == len(found) else kept


def _check_there(there: set[str], said: Sequence[ColumnShown]) -> None:
    missing = [each.name for each in said if each.name not in there]
    if missing:
        raise SourceRefused(f"the answer has no column {missing[0]!r}; it has: {', '.join(sorted(there))[:500]}")


def _shown(column: Column, said: ColumnShown | None) -> Column:
    if said is None:
        return column
    return replace(
        column,
        label=said.label or column.label,
        unit=said.unit or column.unit,
        format=said.format or column.format,
        decimals=column.decimals if said.decimals is None else said.decimals,
    )


def _chart(says: Definition, columns: Sequence[Column]) -> Chart | None:
    """The chart of an own query. Raises SourceRefused for a column that the answer lacks or that is hidden."""
    if says.chart is None:
        return None
    there = {column.name: column for column in columns}
    for name in (says.chart.x, *says.chart.y):
        if name not in there:
            raise SourceRefused(f"the chart takes a column that is shown, which {name!r} is not")
    for name in says.chart.y:
        if there[name].type != "number":
            raise SourceRefused(f"the chart draws numbers, and {name!r} holds none")
    return Chart(says.chart.kind, says.chart.x, tuple(says.chart.y))
