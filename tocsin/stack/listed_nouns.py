"""Sections without secrets and without a time: members, calendars, templates, graphs, dashboards, limits, definitions."""

from typing import Any
from uuid import UUID

from pydantic.alias_generators import to_snake

from api import calendars, dashboards, graphs, members, report_definitions, run_limits, shapes, templates
from api.dashboards import DASHBOARDS, DashboardIn, DashboardPatch
from api.graphs import GRAPHS, GraphIn, GraphPatch
from api.members import MemberIn, MemberPatch
from api.report_definitions import DEFINITIONS, ReportDefinitionIn
from api.routes.calendars import CalendarIn
from api.routes.limits import LimitIn
from api.run_limits import LIMITS
from api.templates import TEMPLATES, TemplateIn, TemplatePatch
from scheduler import schedules
from tocsin.stack.names import Fields, Find
from tocsin.stack.sections import MOST, Means, Section, of_noun
from workers import uses


def _of_row(row: Any, *names: str) -> Fields:
    whole = shapes.plain(row)
    return {name: whole[name] for name in names}


def _edit_member(means: Means, row: members.Member, changes: Fields, _: Fields) -> members.Member:
    return members.edit(means.conn, means.tenant, row.id, MemberPatch.model_validate(changes))


MEMBERS = Section(
    "members",
    "member",
    MemberIn,
    rows=lambda means: members.list_all(means.conn, means.tenant, limit=MOST),
    lock=lambda means, row_id: members.locked(means.conn, means.tenant, row_id),
    create=lambda means, body: members.create(means.conn, means.tenant, MemberIn.model_validate(body)),
    change=_edit_member,
    delete=lambda means, row: members.delete(means.conn, means.tenant, row.id),
    body_of=lambda row: _of_row(row, "subject", "email", "name", "role"),
    shown=members.audited,
    key="subject",
)


def _make_calendar(means: Means, body: Fields) -> calendars.Calendar:
    columns = CalendarIn.model_validate(body).model_dump(mode="json")
    return calendars.create(means.conn, means.tenant, **columns)


def _edit_calendar(means: Means, row: calendars.Calendar, changes: Fields, _: Fields) -> calendars.Calendar:
    columns = {to_snake(name): value for name, value in changes.items()}
    return calendars.edit(means.conn, means.tenant, row.id, columns)


def _tidy_calendar(fields: Fields) -> None:
    if "ownDays" in fields:
        fields["ownDays"] = sorted(fields["ownDays"], key=lambda day: str(day["date"]))
    for name in ("country", "subdivision"):
        if isinstance(fields.get(name), str):
            fields[name] = fields[name].strip()
    if isinstance(fields.get("country"), str):
        fields["country"] = fields["country"].upper()


CALENDARS = Section(
    "calendars",
    "calendar",
    CalendarIn,
    rows=lambda means: calendars.list_all(means.conn, means.tenant),
    lock=lambda means, row_id: calendars.locked(means.conn, means.tenant, row_id),
    create=_make_calendar,
    change=_edit_calendar,
    delete=lambda means, row: calendars.delete(means.conn, means.tenant, row.id),
    body_of=lambda row: _of_row(row, "name", "country", "subdivision", "ownDays"),
    tidy=_tidy_calendar,
)


def _edit_template(means: Means, row: templates.Template, changes: Fields, _: Fields) -> templates.Template:
    return templates.edit(means.conn, means.tenant, row, TemplatePatch.model_validate(changes))


def _check_template(_: Means, body: Fields, __: Find) -> None:
    given = TemplateIn.model_validate(body)
    templates.check(given.purpose, given)


TEMPLATES_SECTION = of_noun(
    "templates",
    TEMPLATES,
    TemplateIn,
    lambda means, body: templates.create(means.conn, means.tenant, TemplateIn.model_validate(body)),
    _edit_template,
    lambda means, row: templates.check_unused(means.conn, means.tenant, row),
    fixed=("purpose",),
    check=_check_template,
)


def _edit_graph(means: Means, row: graphs.Graph, changes: Fields, _: Fields) -> graphs.Graph:
    return graphs.edit(means.conn, means.tenant, row, GraphPatch.model_validate(changes))


GRAPHS_SECTION = of_noun(
    "graphs",
    GRAPHS,
    GraphIn,
    lambda means, body: graphs.create(means.conn, means.tenant, GraphIn.model_validate(body)),
    _edit_graph,
)


def _edit_dashboard(means: Means, row: dashboards.Dashboard, changes: Fields, _: Fields) -> dashboards.Dashboard:
    return dashboards.edit(means.conn, means.tenant, row, DashboardPatch.model_validate(changes))


DASHBOARDS_SECTION = of_noun(
    "dashboards",
    DASHBOARDS,
    DashboardIn,
    lambda means, body: dashboards.create(means.conn, means.tenant, DashboardIn.model_validate(body)),
    _edit_dashboard,
)


def _make_limit(means: Means, body: Fields) -> run_limits.Limit:
    columns = LimitIn.model_validate(body).model_dump()
    made = run_limits.create(means.conn, means.tenant, **columns)
    schedules.wake(means.conn)
    return made


def _edit_limit(means: Means, row: run_limits.Limit, changes: Fields, _: Fields) -> run_limits.Limit:
    columns = {to_snake(name): value for name, value in changes.items()}
    return run_limits.edit(means.conn, means.tenant, row.id, columns)


def _tidy_limit(fields: Fields) -> None:
    name = str(fields["name"]).strip()
    what, _, which = name.partition(":")
    if what == "host":
        name = uses.host_named(which) or name
    elif what == "source" and _is_id(which):
        name = f"source:{which.lower()}"
    fields["name"] = name


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


LIMITS_SECTION = of_noun(
    "limits",
    LIMITS,
    LimitIn,
    _make_limit,
    _edit_limit,
    lambda means, _: schedules.wake(means.conn),
    tidy=_tidy_limit,
)


def _edit_definition(
    means: Means, row: report_definitions.ReportDefinition, _: Fields, whole: Fields
) -> report_definitions.ReportDefinition:
    body = ReportDefinitionIn.model_validate(whole)
    return report_definitions.edit(means.conn, means.tenant, row, body)


def _make_definition(means: Means, body: Fields) -> report_definitions.ReportDefinition:
    given = ReportDefinitionIn.model_validate(body)
    return report_definitions.create(means.conn, means.tenant, given, created_by=means.who)


DEFINITIONS_SECTION = of_noun(
    "reportDefinitions",
    DEFINITIONS,
    ReportDefinitionIn,
    _make_definition,
    _edit_definition,
    check=lambda _, body, __: report_definitions.check_words(ReportDefinitionIn.model_validate(body)),
)
