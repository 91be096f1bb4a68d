"""`/reports`: scheduled reports with how they went, their files, and a form that knows the definition's parameters."""

from collections.abc import Sequence
from typing import Annotated, Any, get_args
from uuid import UUID

from fastapi import Query
from fastapi.responses import Response

from api.charts import durations
from api.pages import look, people, report_definitions, whens
from api.pages.forms import ETAG, Form, Typed, Values
from api.pages.page import EditorPage, Page, ViewerPage, told
from api.pages.report_definitions import TAKES, WORDS
from api.pages.rooms import Shape, names_of
from api.pages.route import pages
from api.pages.whens import Timed
from api.paging import Cursor, Word
from api.problems import Refusal
from api.refusals import refuse
from api.routes import calendars, scheduled_reports, templates
from api.routes import report_definitions as definitions
from api.scheduled_report_bodies import ScheduledReportIn, ScheduledReportPatch, Status
from scheduler.schedules import read_now
from workers.kinds import report_export
from workers.kinds.report_export import ExportFormat

router = pages("reports")
STATUSES = ("ACTIVE", "PAUSED", "ERROR", "DISABLED")
FORMATS = get_args(ExportFormat)
_EXECUTIONS = 15
_DAYS = 30
_ENDED = frozenset({"COMPLETED", "FAILED", "CANCELLED", "SKIPPED"})


@router.get("/reports")
def list_reports(
    page: ViewerPage,
    status: Annotated[Status | None, Query()] = None,
    report_type: Annotated[Word | None, Query(alias="reportType")] = None,
    tag: Annotated[Word | None, Query()] = None,
    cursor: Cursor = None,
) -> Response:
    """The scheduled reports, newest first."""
    found = told(
        scheduled_reports.list_scheduled_reports(page.asking, status, report_type=report_type, tag=tag, cursor=cursor)
    )
    with page.reading() as conn:
        now = read_now(conn)
    types = [name for _, name in names_of(definitions.list_report_definitions)(page)]
    when = _when(page, found["items"])
    return page.show("reports/list.html.j2", found=found, types=types, statuses=STATUSES, when=when, now=now)


@router.get("/reports/new")
def new_report(page: EditorPage) -> Response:
    """The empty form of a definition's report; without `?reportType=` the definitions to choose from."""
    found = told(definitions.list_report_definitions(page.asking, limit=200))["items"]
    chosen = next((each for each in found if each["name"] == page.query["reportType"]), None)
    if chosen is None:
        return page.show("reports/choose.html.j2", definitions=found)
    given = {"isActive": True, "errorAfter": 3, "emailIncludeAttachment": True, "exportFormats": ["csv"]}
    return _form(page, chosen, Values(given))


@router.post("/reports/new")
def create_report(page: EditorPage, form: Typed) -> Response:
    """Makes a scheduled report."""
    chosen = _named(page, form["reportType"])
    page.if_refused(lambda refusal: _form(page, chosen, _typed(form), refusal))
    made = told(scheduled_reports.create_scheduled_report(page.asking, form.body(ScheduledReportIn)))
    return page.done(f"/reports/{made['id']}", f"The report {made['name']} is made.")


@router.post("/reports/new/preview")
def preview_typed(page: EditorPage, form: Typed) -> Response:
    """The report that was typed as it would be now, for the frame of the form; nothing is saved."""
    page.if_refused(lambda refusal: page.framed(look.render("templates/refused.html.j2", refusal=refusal)))
    return report_definitions.preview(page, UUID(_named(page, form["reportType"])["id"]), form)


@router.get("/reports/{report_id}")
def show_report(page: ViewerPage, report_id: UUID, cursor: Cursor = None) -> Response:
    """One scheduled report: how it goes, and its executions with their files."""
    report = told(scheduled_reports.get_scheduled_report(page.asking, report_id))
    found = told(scheduled_reports.list_report_executions(page.asking, report_id, _EXECUTIONS, cursor))
    stats = told(scheduled_reports.measure_scheduled_report(page.asking, report_id, _DAYS))
    with page.reading() as conn:
        now = read_now(conn)
    return page.show(
        "reports/one.html.j2",
        report=report,
        found=found,
        stats=stats,
        plot=durations.draw(found["items"], stats["p50DurationMs"], stats["p95DurationMs"]),
        when=_when(page, [report]).get(report["scheduleId"]),
        people=people.of(page.asking, [report["createdById"], *(each["triggeredBy"] for each in found["items"])]),
        is_open=any(each["status"] not in _ENDED for each in found["items"]),
        now=now,
    )


@router.get("/reports/{report_id}/edit")
def edit_report(page: EditorPage, report_id: UUID) -> Response:
    """The form of a report as it is."""
    report = _report(page, report_id)
    values = Values.of({name: value for name, value in report.items() if name != "next"})
    return _form(page, _named(page, report["reportType"]), values, report=report)


@router.post("/reports/{report_id}/edit")
def save_report(page: EditorPage, report_id: UUID, form: Typed) -> Response:
    """Changes a report."""
    report = _report(page, report_id)
    chosen = _named(page, report["reportType"])
    page.if_refused(lambda refusal: _form(page, chosen, _typed(form), refusal, report=report))
    # All parameters stand in the form, so one that was left blank is given no more.
    patch = form.body(ScheduledReportPatch, parameters=form.raw().get("parameters") or {})
    saved = told(scheduled_reports.edit_scheduled_report(page.read_as(form[ETAG]), report_id, patch))
    return page.done(f"/reports/{report_id}", f"The report {saved['name']} is saved.")


@router.get("/reports/{report_id}/sample")
def show_sample(page: EditorPage, report_id: UUID) -> Response:
    """The report as it would be mailed now, for the frame of its page; nothing is kept and nobody is told."""
    page.if_refused(lambda refusal: page.framed(look.render("templates/refused.html.j2", refusal=refusal)))
    return report_definitions.framed(page, lambda: scheduled_reports.preview_scheduled_report(page.asking, report_id))


@router.post("/reports/{report_id}/run")
def run_report(page: EditorPage, report_id: UUID) -> Response:
    """Makes an execution for now."""
    scheduled_reports.run_scheduled_report(page.asking, report_id)
    return page.done(f"/reports/{report_id}", "It is made now.")


@router.post("/reports/{report_id}/pause")
def pause_report(page: EditorPage, report_id: UUID) -> Response:
    """Has it made no more by itself."""
    return _move(page, report_id, "PAUSED", "is paused")


@router.post("/reports/{report_id}/resume")
def resume_report(page: EditorPage, report_id: UUID) -> Response:
    """Has it made by itself again, also one that was stopped by its failures."""
    return _move(page, report_id, "ACTIVE", "is made by itself again")


@router.post("/reports/{report_id}/delete")
def delete_report(page: EditorPage, report_id: UUID) -> Response:
    """Deletes a report; what it made can still be read among the runs."""
    name = _report(page, report_id)["name"]
    scheduled_reports.delete_scheduled_report(page.asking, report_id)
    return page.done("/reports", f"The report {name} is deleted.")


def _when(page: Page, reports: Sequence[Shape]) -> dict[str, str]:
    """When each is made, in plain words, by its schedule's id."""
    timed = [Timed(each["scheduleId"], each["cronExpression"], each["timezone"]) for each in reports]
    return whens.words(page.asking, report_export.KIND.name, timed)


def _report(page: Page, report_id: UUID) -> Shape:
    """The report as the API shows it, with its version under `etag`. Raises NotFound."""
    response = scheduled_reports.get_scheduled_report(page.asking, report_id)
    return told(response) | {"etag": response.headers.get("etag", "")}


def _named(page: Page, name: str) -> Shape:
    """The definition of that name. Raises BadDefinition."""
    found: list[Shape] = told(definitions.list_report_definitions(page.asking, limit=500))["items"]
    chosen = next((each for each in found if each["name"] == name), None)
    if chosen is None:
        raise refuse("reportType", "takes the name of a report definition")
    return chosen


def _move(page: Page, report_id: UUID, status: str, said: str) -> Response:
    patch = ScheduledReportPatch(status=status)
    moved = told(scheduled_reports.edit_scheduled_report(page.asking, report_id, patch))
    return page.done(f"/reports/{report_id}", f"The report {moved['name']} {said}.")


def _typed(form: Form) -> Values:
    """The form's fields as they are shown again, of boxes all."""
    values = form.typed()
    values["exportFormats"] = [each for each in form.all("exportFormats") if each]
    return values


def _form(
    page: Page, chosen: Shape, values: Values, refusal: Refusal | None = None, *, report: Shape | None = None
) -> Response:
    mine: list[dict[str, Any]] = told(templates.list_templates(page.asking, limit=200))["items"]
    return page.show(
        "reports/form.html.j2",
        definition=chosen,
        values=values,
        refusal=refusal,
        report=report,
        when=_when(page, [report]).get(report["scheduleId"]) if report else None,
        formats=FORMATS,
        words=WORDS,
        takes=TAKES,
        calendars=names_of(calendars.list_calendars)(page),
        templates=[(each["id"], each["name"]) for each in mine if each["purpose"] == "report.export"],
    )
