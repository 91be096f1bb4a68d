"""`/pulses`: reports that a prompt writes on a schedule; a job's page shows what was written, number by number."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from fastapi.responses import Response
from pydantic import field_validator

from api.pages import people, pulse_views, whens
from api.pages.page import EditorPage, Page, ViewerPage, told
from api.pages.rooms import Field, Room, Shape, names_of, routes
from api.pages.whens import Timed
from api.pulse_bodies import PulseIn, PulsePatch
from api.request import Asked, answer
from api.routes import channels, graphs, pulse_jobs, pulses, runs, templates
from api.routes.pulse_jobs import CleanUpIn
from scheduler.refusals import NotFound
from scheduler.schedules import read_now
from workers.branding import Branding
from workers.journal import GET_BRANDING, GET_MODEL_RULES
from workers.kinds import pulse_report

_JOBS = 20
_PAGE = 50
_SLOTS = 5


def _recipients(given: Any) -> Any:
    """Recipients as a form has them, one a line: an address, or a rule in JSON; no line is nobody."""
    if not isinstance(given, list):
        return given
    return [_rule(each) if isinstance(each, str) and each.startswith("{") else each for each in given] or None


def _rule(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return line


class PulseForm(PulseIn):
    """A pulse as its form has it: no box ticked is all graphs."""

    _read_recipients = field_validator("recipients", mode="before")(_recipients)
    _read_graphs = field_validator("graph_ids", mode="before")(lambda given: given or None)


class PulseFormPatch(PulsePatch):
    """What changes of a pulse, as its form has it."""

    _read_recipients = field_validator("recipients", mode="before")(_recipients)
    _read_graphs = field_validator("graph_ids", mode="before")(lambda given: given or None)


def _listed(asking: Asked, cursor: str | None = None, search: str = "", enabled: str = "") -> Response:
    """The pulses by the page; the API has them as one list."""
    wanted = search.casefold()
    found = [
        each
        for each in told_list(pulses.list_pulses(asking))
        if wanted in f"{each['name']} {each['description']}".casefold()
        and enabled in ("", "true" if each["enabled"] else "false")
    ]
    start = int(cursor) if cursor and cursor.isdecimal() and len(cursor) < 6 else 0
    rest = found[start:]
    when = _words(asking, rest[:_PAGE])
    items = [{**each, "words": when.get(each["id"])} for each in rest[:_PAGE]]
    return answer({"items": items, "nextCursor": str(start + _PAGE) if len(rest) > _PAGE else None})


def told_list(response: Response) -> list[dict[str, Any]]:
    """What the API answered where it answers a plain list."""
    found: list[dict[str, Any]] = json.loads(bytes(response.body))
    return found


def _got(asking: Asked, pulse_id: UUID) -> Response:
    """The pulse with when it recurs in plain words."""
    response = pulses.get_pulse(asking, pulse_id)
    pulse = told(response)
    return answer(pulse | {"words": _words(asking, [pulse]).get(pulse["id"])}, etag=response.headers.get("etag"))


def _words(asking: Asked, rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    timed = [Timed(each["id"], each["cron"], each["cronTimezone"] or "UTC") for each in rows]
    return whens.words(asking, pulse_report.KIND.name, timed)


def _beside(page: Page, pulse: Shape) -> dict[str, Any]:
    """Its jobs and what it names, for its page."""
    pulse_id = UUID(pulse["id"])
    jobs = told(pulses.list_pulse_jobs(page.asking, pulse_id, _JOBS, page.query["cursor"] or None))
    with page.reading() as conn:
        now = read_now(conn)
    return {
        "jobs": jobs,
        "next": told(pulses.list_next_pulses(page.asking, pulse_id, _SLOTS)),
        "graphs": dict(names_of(graphs.list_graphs)(page)),
        "channels": dict(names_of(channels.list_channels)(page)),
        "is_open": any(each["state"] != "finished" for each in jobs["items"]),
        "people": people.of(page.asking, [pulse["createdBy"]]),
        "now": now,
    }


def _templates(page: Page) -> list[tuple[str, str]]:
    found = told(templates.list_templates(page.asking, limit=200))["items"]
    return [("", "Tocsin's own words")] + [(e["id"], e["name"]) for e in found if e["purpose"] == "pulse.report"]


def _led(page: Page, pulse: Shape, said: str) -> Response:
    """Leads to the pulse, or, by the other button of its form, to a preview of it."""
    if page.query["then"] == "preview":
        return _preview(page, UUID(pulse["id"]))
    return page.done(f"/pulses/{pulse['id']}", f"The pulse {pulse['name']} is {said}.")


ROOM = Room(
    path="/pulses",
    title="Pulses",
    one="pulse",
    note="Reports that a prompt writes on a schedule. Every number in one is held against the figures before it is sent.",
    empty="A pulse is a question to your graphs, written up on a schedule and mailed: what changed last week, and why. "
    "It needs a graph first; a preview shows what it would say and is sent to nobody.",
    columns={},
    listed=_listed,
    got=_got,
    made=pulses.create_pulse,
    taken=PulseForm,
    edited=pulses.edit_pulse,
    patched=PulseFormPatch,
    deleted=pulses.delete_pulse,
    listing="pulses/list.html.j2",
    show="pulses/one.html.j2",
    form="pulses/form.html.j2",
    filters=("search", "enabled"),
    beside=_beside,
    after_made=partial(_led, said="made"),
    after_saved=partial(_led, said="saved"),
    fields=(
        Field("name", "Name", required=True),
        Field("description", "What it is about"),
        Field(
            "prompt",
            "Prompt",
            "textarea",
            "What it is asked each time, in your words. The figures come with it, and what changed since the last report.",
            rows=6,
            required=True,
        ),
        Field(
            "cron",
            "When",
            "cron",
            required=True,
            placeholder="0 9 * * 1",
            hint="Cron: minute, hour, day, month, day of the week.",
        ),
        Field("cronTimezone", "Time zone", hint="Blank: UTC.", placeholder="Europe/Madrid", may_be_null=True),
        Field(
            "recipients",
            "Recipients",
            "lines",
            'An address a line; also {"role": "viewer"}, or {"graphId": "…", "column": "email"}.',
        ),
        Field("channels", "Channels", "boxes", choices=names_of(channels.list_channels)),
        Field(
            "graphIds", "Graphs", "boxes", "Those that it may look at; none ticked: all.", names_of(graphs.list_graphs)
        ),
        Field(
            "onModelFailure",
            "Where the model fails",
            "choice",
            choices=[("fallback", "send the figures alone, and say so"), ("error", "send nothing, and fail")],
        ),
        Field("attachment", "Attachment", "choice", choices=[("none", "none"), ("pdf", "the report as a PDF")]),
        Field("templateId", "Words of the mail", "choice", choices=_templates, may_be_null=True),
        Field(
            "deliverWithinSeconds",
            "Late after so many seconds",
            "number",
            "Blank: nobody is told of a late one.",
            may_be_null=True,
        ),
        Field("skipIfNothingNotable", "Nothing is sent while nothing notable has changed", "flag"),
        Field("testMode", "Only a test: it is written and sent to nobody", "flag"),
        Field("enabled", "It runs by itself", "flag"),
    ),
    defaults={"enabled": True, "attachment": "none", "onModelFailure": "fallback"},
)
router = routes(ROOM)


@router.post("/pulses/jobs/cleanup")
def clean_up_jobs(page: EditorPage) -> Response:
    """Cancels the jobs that are open for a day and that nobody works on."""
    found = told(pulse_jobs.clean_up_pulse_jobs(page.asking, CleanUpIn()))
    return page.done("/pulses", f"{found['canceled']} stuck jobs are cancelled.")


@router.post("/pulses/{pulse_id}/publish")
def publish_pulse(page: EditorPage, pulse_id: UUID) -> Response:
    """Makes a job for now, and leads to it."""
    job = told(pulses.publish_pulse(page.asking, pulse_id))
    return page.done(f"/pulses/jobs/{job['jobId']}", "It is written now, and then sent.")


@router.post("/pulses/{pulse_id}/preview")
def preview_pulse(page: EditorPage, pulse_id: UUID) -> Response:
    """Has the report written now and sent to nobody, and leads to it."""
    return _preview(page, pulse_id)


@router.post("/pulses/{pulse_id}/enable")
def enable_pulse(page: EditorPage, pulse_id: UUID) -> Response:
    """Has it run by itself again."""
    return _switch(page, pulse_id, is_on=True)


@router.post("/pulses/{pulse_id}/disable")
def disable_pulse(page: EditorPage, pulse_id: UUID) -> Response:
    """Has it run no more by itself."""
    return _switch(page, pulse_id, is_on=False)


@router.get("/pulses/jobs/{job_id}")
def show_job(page: ViewerPage, job_id: UUID) -> Response:
    """One job: what became of it, what it wrote, and what the check found of each number."""
    job = told(pulse_jobs.get_pulse_job(page.asking, job_id))
    run = told(runs.get_run(page.asking, job_id))
    with page.reading() as conn:
        now = read_now(conn)
    record = job["payload"] or {}
    check = record.get("check") or {}
    claims = [each for each in check.get("claims", ()) if each["verdict"] != "exempt"]
    return page.show(
        "pulses/job.html.j2",
        people=people.of(page.asking, [run["triggeredBy"]]),
        job=job,
        run=run,
        record=record,
        counts=check.get("counts"),
        claims=sorted(claims, key=lambda each: each["verdict"] != "unverified"),
        now=now,
    )


@router.get("/pulses/jobs/{job_id}/report")
def show_report(page: ViewerPage, job_id: UUID) -> Response:
    """The report for the frame of its job's page, each number marked; `?sent=true` is a preview's mail as it would be."""
    job = told(pulse_jobs.get_pulse_job(page.asking, job_id))
    record = job["payload"] or {}
    if not record.get("report"):
        return page.framed(pulse_views.nothing("No report was written."))
    with page.reading() as conn:
        brand = GET_BRANDING.one(conn, tenant_id=page.tenant) or Branding()
        rules = GET_MODEL_RULES.one(conn, tenant_id=page.tenant)
        run = told(runs.get_run(page.asking, job_id))
    own = page.asking.web.settings.url
    origins = [*([own] if own else ()), *(rules.link_origins if rules else ())]
    try:
        if page.query["sent"] == "true" and "page" in record:
            return page.framed(pulse_views.mail(record, brand, origins))
        at = pulse_views.place(
            run["scheduleName"] or "Report", record["slot"], _zone(page, job["pulseConfigId"]), str(job_id)
        )
        return page.framed(pulse_views.report(record, at, brand, origins))
    except (KeyError, ValueError):
        return page.framed(
            pulse_views.nothing("What it was written from is kept in a form that can't be read any more.")
        )


def _zone(page: Page, pulse_id: str) -> str:
    """The pulse's zone; UTC of one that was deleted since."""
    try:
        return told(pulses.get_pulse(page.asking, UUID(pulse_id)))["cronTimezone"] or "UTC"
    except NotFound:
        return "UTC"


def _preview(page: Page, pulse_id: UUID) -> Response:
    job = told(pulses.preview_pulse(page.asking, pulse_id))
    return page.done(f"/pulses/jobs/{job['jobId']}", "It is written now, and sent to nobody.")


def _switch(page: Page, pulse_id: UUID, *, is_on: bool) -> Response:
    saved = told(pulses.edit_pulse(page.asking, pulse_id, PulsePatch(enabled=is_on)))
    return page.done(f"/pulses/{pulse_id}", f"The pulse {saved['name']} {'runs by itself' if is_on else 'is paused'}.")
