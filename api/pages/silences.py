"""`/silences`: spans in which nobody is told; made, ended early, and kept as history."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from fastapi.responses import Response

from api.pages.forms import Typed, Values
from api.pages.page import EditorPage, Page, ViewerPage, told
from api.pages.rooms import names_of, with_chosen
from api.pages.route import pages
from api.problems import Refusal
from api.routes import kpi_alerts, silences
from api.silences import SilenceIn, SilencePatch
from scheduler import schedules

router = pages("silences")


@router.get("/silences")
def list_silences(
    page: ViewerPage,
    is_active: Annotated[bool | None, Query(alias="isActive")] = None,
    cursor: str | None = None,
) -> Response:
    """The silences, newest first."""
    found = told(silences.list_silences(page.asking, is_active=is_active, cursor=cursor))
    names = dict(_alerts(page))
    with page.reading() as conn:
        now = schedules.read_now(conn)
    return page.show("silences/list.html.j2", found=found, alerts=names, now=now)


@router.get("/silences/new")
def new_silence(page: EditorPage) -> Response:
    """The empty form; `?alertId=` names the alert that it is for."""
    return _form(page, Values(alertId=page.query["alertId"], durationSeconds=86400))


@router.post("/silences/new")
def create_silence(page: EditorPage, form: Typed) -> Response:
    """Makes a silence."""
    page.if_refused(lambda refusal: _form(page, form.typed(), refusal))
    made = told(silences.create_silence(page.asking, form.body(SilenceIn)))
    return page.done("/silences", f"The silence {made['name']} is made.")


@router.post("/silences/{silence_id}/end")
def end_silence(page: EditorPage, silence_id: UUID) -> Response:
    """Ends a silence now."""
    with page.reading() as conn:
        now = schedules.read_now(conn)
    ended = told(silences.edit_silence(page.asking, silence_id, SilencePatch(ends_at=now)))
    return page.done("/silences", f"The silence {ended['name']} is over.")


@router.post("/silences/{silence_id}/delete")
def delete_silence(page: EditorPage, silence_id: UUID) -> Response:
    """Deletes a silence that has not begun."""
    silences.delete_silence(page.asking, silence_id)
    return page.done("/silences", "The silence is deleted.")


def _form(page: Page, typed: Values, refusal: Refusal | None = None) -> Response:
    # An alert that is named is offered, or the form would silence all of them.
    alerts = with_chosen(_alerts(page), typed["alertId"])
    return page.show("silences/form.html.j2", typed=typed, refusal=refusal, alerts=alerts)


_alerts = names_of(kpi_alerts.list_kpi_alerts, "alertName")
