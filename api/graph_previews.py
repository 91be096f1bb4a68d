"""What a graph shows now: its source is asked as a report would ask it, and nothing is kept."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from fastapi import HTTPException

from api.asked_sources import Means, asked, row_of
from api.refusals import refuse
from api.request import Asked
from scheduler.refusals import NotFound
from scheduler.schedules import read_now
from workers.alert_book import GET_GRAPH
from workers.formats.report import Report, Section
from workers.graphs import last_periods
from workers.reporting import part_of
from workers.sources import RowCap, SourceRefused, SourceUnavailable

PERIODS = 90
_ROWS = 2_000
_SECONDS = 10.0


class GraphPreview(NamedTuple):
    """A graph as a section of a report. `has_more`: its source has more rows than are shown here."""

    section: Section
    report: Report
    data_as_of: datetime | None
    milliseconds: float
    has_more: bool


def preview(asking: Asked, graph_id: UUID, timezone: str = "UTC") -> GraphPreview:
    """The graph over its last ninety periods. Raises NotFound, BadDefinition, HTTPException."""
    with asking.reading() as conn:
        graph = GET_GRAPH.one(conn, tenant_id=asking.tenant, id=graph_id)
        if graph is None:
            raise NotFound(f"there is no graph {graph_id}")
        source = row_of(conn, asking.tenant, graph.source_id)
        now = read_now(conn)
    settings = asking.web.settings
    means = Means(asking.web.seal, settings.egress_allow, settings.files)
    has_more = False
    try:
        with asked(source, asking.tenant, means) as opened:
            question = graph.question(now, timezone, last_periods(graph, now, timezone, PERIODS))
            table = opened.query(question, timeout_seconds=_SECONDS, row_cap=_ROWS)
    except RowCap as error:
        table, has_more = error.table, True
    except SourceRefused as error:
        raise refuse("query", str(error)) from None
    except SourceUnavailable as error:
        raise HTTPException(503, str(error)) from None
    part = part_of(graph, table, timezone)
    if isinstance(part, str):
        raise refuse("query", part)
    report = Report(graph.name, now, (part.section,))
    return GraphPreview(part.section, report, table.data_as_of, table.cost_ms, has_more)
