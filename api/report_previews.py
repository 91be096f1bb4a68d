"""A report as it would be made now: asked, rendered and shown. Nothing is kept and nobody is told.

What is read of the database is read first, so no connection is held while a source is asked.
"""

import base64
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, cast
from uuid import UUID

from fastapi import HTTPException

from api.asked_sources import Means
from api.refusals import refuse
from api.scheduled_reports import ScheduledReport
from config.zones import zone
from db.ids import id_at
from db.pool import Connection
from scheduler.refusals import NotFound
from workers.alert_book import GET_TEMPLATE, LIST_GRAPHS
from workers.branding import Branding
from workers.graphs import Graph
from workers.http import Client
from workers.journal import GET_BRANDING, GET_SOURCE, SourceRow, opened
from workers.kind import Context, Journal
from workers.kinds.report_export import Params, make, message_of
from workers.reports.book import GET_DEFINITION, DefinitionRow
from workers.reports.definition import BadParameter, as_told
from workers.sources import Reach, Source, SourceRefused, SourceUnavailable, open_source
from workers.templating.template import Template

MOST_ROWS = 1_000
_SECONDS = 60.0
_NOBODY = "nobody@example.com"


class Wanted(NamedTuple):
    """What is previewed: a definition and all that it asks, under which name, at which slot."""

    tenant_id: UUID
    row: DefinitionRow
    graphs: list[Graph]
    sources: Mapping[str, SourceRow]
    brand: Branding
    name: str
    timezone: str
    params: Params
    slot_at: datetime
    worded: Template | None


@dataclass(slots=True)
class Looking:
    """The journal of a preview: it opens sources, and keeps nothing."""

    wanted: Wanted
    open: Callable[[str], Source]

    def source(self, name: str) -> Source:
        """The tenant's source of that id. Raises SourceRefused."""
        return self.open(name)

    def branding(self) -> Branding:
        """How the tenant's mail looks now."""
        return self.wanted.brand

    def reports(self) -> "Looking":
        """What a run of an exported report reads."""
        return self

    def alerts(self) -> "Looking":
        """What knows the tenant's templates."""
        return self

    def template(self, _: UUID) -> Template | None:
        """The template that words the mail."""
        return self.wanted.worded

    def tell_once(self, *_: Any) -> None:
        """Nobody is told that a template fails: whoever looks sees it."""

    def graphs(self, *_: UUID | None) -> list[Graph]:
        """The graphs that the definition asks."""
        return self.wanted.graphs


def of_report(conn: Connection, tenant_id: UUID, row: ScheduledReport, now: datetime) -> Wanted:
    """What a scheduled report would be made of now. Raises NotFound."""
    params = Params(
        report_id=row.id,
        definition_id=row.report_definition_id,
        export_formats=["csv"],
        parameters=row.parameters,
        email_enabled=True,
        email_recipients=row.email_recipients or [_NOBODY],
        email_cc_recipients=row.email_cc_recipients,
        email_bcc_recipients=row.email_bcc_recipients,
        email_subject=row.email_subject,
        template_id=row.template_id,
        email_include_preview=True,
    )
    return _wanted(conn, tenant_id, params, row.name, row.timezone, now)


def of_definition(
    conn: Connection, tenant_id: UUID, definition_id: UUID, parameters: Mapping[str, Any], timezone: str, now: datetime
) -> Wanted:
    """What a definition would make now with these parameters. Raises NotFound."""
    params = Params(
        report_id=definition_id,
        definition_id=definition_id,
        export_formats=["csv"],
        parameters=dict(parameters),
        email_recipients=[_NOBODY],
        email_include_preview=True,
    )
    return _wanted(conn, tenant_id, params, "", timezone, now)


def _wanted(conn: Connection, tenant_id: UUID, params: Params, name: str, timezone: str, now: datetime) -> Wanted:
    row = GET_DEFINITION.one(conn, tenant_id=tenant_id, id=params.definition_id, version=None)
    if row is None:
        raise NotFound(f"there is no report definition {params.definition_id}")
    graphs: list[Graph] = []
    if row.source_id is None:
        graphs = LIST_GRAPHS.all(conn, tenant_id=tenant_id, graph_id=row.graph_id, dashboard_id=row.dashboard_id)
    ids = {str(each.source_id) for each in graphs} | ({str(row.source_id)} if row.source_id else set())
    found = {each: GET_SOURCE.one(conn, tenant_id=tenant_id, name=each) for each in sorted(ids)}
    sources = {each: source for each, source in found.items() if source is not None}
    brand = GET_BRANDING.one(conn, tenant_id=tenant_id) or Branding()
    worded = None
    if params.template_id is not None:
        worded = GET_TEMPLATE.one(conn, tenant_id=tenant_id, id=params.template_id)
    return Wanted(tenant_id, row, graphs, sources, brand, name or row.name, timezone, params, now, worded)


def show(wanted: Wanted, means: Means) -> dict[str, Any]:
    """The mail that would be sent, with the first rows alone. A refusal names the parameter, or is told as 503."""
    with tempfile.TemporaryDirectory(prefix="tocsin-preview-") as name, _context(wanted, means) as ctx:
        folder = Path(name)
        try:
            making = make(ctx, wanted.row, folder, most=MOST_ROWS)
        except BadParameter as error:
            raise refuse(f"parameters.{error.name}", str(error)) from None
        except SourceRefused as error:
            raise refuse("", str(error)) from None
        except SourceUnavailable as error:
            raise HTTPException(503, str(error)) from None
        mailed = message_of(ctx, making, [], folder)
    message, template = mailed.message, mailed.template.get("template", {})
    html = message.html
    for each in message.attachments:
        data = base64.b64encode(each.content).decode()
        html = html.replace(f"cid:{each.content_id}", f"data:{each.content_type};base64,{data}")
    return {
        "subject": message.subject,
        "text": message.text,
        "html": html,
        "recordCount": making.drawn.rows,
        "isWhole": wanted.row.source_id is None or making.drawn.rows < MOST_ROWS,
        "parameters": as_told(making.values),
        "columns": [[column.name for column in section.columns] for section in making.report.sections],
        "definitionVersion": wanted.row.version,
        "problem": making.words.problem or mailed.problem or template.get("problem"),
    }


@contextmanager
def _context(wanted: Wanted, means: Means) -> Iterator[Context[Params]]:
    """An attempt that is none: it asks as a run does, and writes nowhere."""
    with closing(Client(allowed=means.egress_allow)) as http:

        def opening(name: str) -> Source:
            if name not in wanted.sources:
                raise SourceRefused(f"there is no source {name!r}")
            stored = opened(wanted.sources[name], wanted.tenant_id, means.seal)
            return open_source(stored, Reach(http, means.egress_allow, means.files))

        yield Context(
            tenant_id=wanted.tenant_id,
            run_id=id_at(wanted.slot_at),
            slot_at=wanted.slot_at,
            slot_local=wanted.slot_at.astimezone(zone(wanted.timezone)),
            schedule_id=None,
            schedule_name=wanted.name,
            timezone=wanted.timezone,
            attempt=1,
            started_at=wanted.slot_at,
            params=wanted.params,
            mode="dry",
            deadline=time.monotonic() + _SECONDS,
            http=http,
            journal=cast("Journal", Looking(wanted, opening)),
        )
