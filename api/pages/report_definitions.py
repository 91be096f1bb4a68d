"""`/reports/definitions`: what reports ask, in versions; one is tried from its page with any parameters."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any
from uuid import UUID

from fastapi import HTTPException
from fastapi.responses import Response

from api.pages import look
from api.pages.forms import Form, Typed, Values
from api.pages.page import EditorPage, Page, told
from api.pages.rooms import Field, Room, Shape, names_of, routes
from api.refusals import BadDefinition
from api.report_definitions import ReportDefinitionIn, ReportDefinitionPatch
from api.routes import dashboards, graphs, report_definitions, scheduled_reports, sources
from api.routes.report_definitions import TryIn
from workers.reports.spans import DAYS, SPANS

_TOLD_ALWAYS = frozenset({"version", "createdAt"})
# What a period or a date may be, offered while one is typed.
WORDS: Mapping[str, Sequence[str]] = {
    "period": ("today", "yesterday", "last_7_days", "last_30_days", "last_full_week", "last_full_month", "last_full_quarter", "last_full_year", "week_to_date", "month_to_date", "year_to_date"),
    "date": ("today", "yesterday", "7_days_ago", "first_day_of_month", "last_day_of_last_month", "first_day_of_last_quarter"),
}  # fmt: skip
TAKES: Mapping[str, str] = {"period": SPANS, "date": DAYS}


def _beside(page: Page, definition: Shape) -> dict[str, Any]:
    """Its versions, each with what it changed, and the reports that it makes."""
    versions = told(report_definitions.list_report_definition_versions(page.asking, UUID(definition["id"])))["items"]
    changed = {new["version"]: _changed(old, new) for new, old in pairwise(versions)}
    reports = told(scheduled_reports.list_scheduled_reports(page.asking, report_type=definition["name"]))
    return {
        "versions": [{**each, "changed": changed.get(each["version"])} for each in versions],
        "reports": reports["items"],
        "blank": Values(),
        "words": WORDS,
        "takes": TAKES,
    }


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [look.words(name) for name in new if name not in _TOLD_ALWAYS and old.get(name) != new[name]]


def _choices(listed: Any) -> Any:
    named = names_of(listed)
    return lambda page: [("", "-"), *named(page)]


ROOM = Room(
    path="/reports/definitions",
    title="Report definitions",
    one="definition",
    note="What reports ask and how it is shown. Each change is a version; what was made says by which.",
    empty="A definition says what a report asks: a graph, a dashboard, or a query of its own with parameters such as "
    "last_full_month. Scheduled reports are made by it.",
    columns={"Name": "name", "What it is about": "description", "Version": "version", "Changed": "updatedAt"},
    listed=report_definitions.list_report_definitions,
    got=report_definitions.get_report_definition,
    made=report_definitions.create_report_definition,
    taken=ReportDefinitionIn,
    edited=report_definitions.edit_report_definition,
    patched=ReportDefinitionPatch,
    deleted=report_definitions.delete_report_definition,
    listing="reports/definitions.html.j2",
    show="reports/definition.html.j2",
    beside=_beside,
    fields=(
        Field("name", "Name", required=True, hint="Scheduled reports name it by this."),
        Field("description", "What it is about"),
        Field("graphId", "A graph", "choice", choices=_choices(graphs.list_graphs), may_be_null=True),
        Field("dashboardId", "Or a dashboard", "choice", choices=_choices(dashboards.list_dashboards), may_be_null=True),
        Field("sourceId", "Or a source", "choice", choices=_choices(sources.list_sources), may_be_null=True),
        Field(
            "query",
            "With a query of its own",
            "textarea",
            "$param_NAME stands for a parameter; of a period it is $param_NAME_start and $param_NAME_end.",
            rows=9,
            may_be_null=True,
        ),
        Field(
            "parameters",
            "Parameters",
            "json",
            'A list: [{"name": "period", "type": "period", "default": "last_full_month"}]. Types: string, integer, number, '
            "boolean, date, period, choice (with choices).",
            rows=8,
        ),
        Field(
            "window",
            "The report's period",
            hint="The name of the period that $start and $end stand for, in graphs.",
            may_be_null=True,
        ),
        Field(
            "columns",
            "Columns",
            "json",
            'What is said of columns: [{"name": "revenue", "label": "Revenue", "unit": "€", "decimals": 2}].',
            rows=6,
        ),
        Field("chart", "Chart", "json", 'Of a query of its own: {"kind": "line", "x": "day", "y": ["revenue"]}.', rows=2),
        Field("title", "Title", hint="A template, such as Activity in {{ parameters.workspace }}; blank: the report's name."),
        Field("subtitle", "Subtitle", hint="A template."),
        Field("notes", "Notes", "textarea", "A template.", rows=3),
        Field("rowLimit", "Rows at most", "number"),
    ),
    defaults={"rowLimit": 1_000_000, "parameters": [], "columns": []},
)  # fmt: skip
router = routes(ROOM)


@router.post("/reports/definitions/{definition_id}/preview")
def preview_definition(page: EditorPage, definition_id: UUID, form: Typed) -> Response:
    """The report that it would make now with the parameters that were typed, for the frame of its page."""
    return preview(page, definition_id, form)


def preview(page: Page, definition_id: UUID, form: Form) -> Response:
    """A report by the definition with what was typed, for a frame; nothing is kept and nobody is told."""
    page.if_refused(lambda refusal: page.framed(look.render("templates/refused.html.j2", refusal=refusal)))
    given = form.raw().get("parameters") or {}
    body = TryIn(parameters=given, timezone=form["timezone"].strip() or "UTC")
    return framed(page, lambda: report_definitions.preview_report_definition(page.asking, definition_id, body))


def framed(page: Page, ask: Any) -> Response:
    """What the API shows of a report, for a frame; why there is none is told there too."""
    try:
        shown = told(ask())
    except HTTPException as error:
        return page.framed(look.render("reports/away.html.j2", said="The source did not answer.", why=error.detail))
    except BadDefinition as error:
        return page.framed(look.render("reports/away.html.j2", said="It can't be made like this.", why=str(error)))
    return page.framed(look.render("reports/sample.html.j2", shown=shown))
