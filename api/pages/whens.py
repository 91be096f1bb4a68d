"""When what has a schedule of its own recurs, in plain words; and `/when`: what an expression means while it is typed."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from fastapi.responses import Response

from api import tenant_rules
from api.pages.forms import Form, Typed, read_as
from api.pages.page import EditorPage, Page, told
from api.pages.route import pages
from api.pages.schedules import when_of, words_of
from api.paging import MOST
from api.request import Asked
from api.routes import schedules
from api.routes.schedules import CronIn

router = pages("when")
_SHOWN = 3


class Timed(NamedTuple):
    """A schedule by its id, and the expression of what was made with it; None where it recurs in another way."""

    schedule_id: str
    cron: str | None
    timezone: str


def words(asking: Asked, kind: str, timed: Sequence[Timed]) -> dict[str, str]:
    """When each of them recurs, by its schedule's id; what no expression tells is read from the schedules themselves."""
    found = {
        each.schedule_id: words_of(each.cron, None, None, each.timezone, each.schedule_id)
        for each in timed
        if each.cron
    }
    others = [each.schedule_id for each in timed if not each.cron]
    if len(others) == 1:
        found[others[0]] = when_of(told(schedules.get_schedule(asking, UUID(others[0]))))
    elif others:
        rows = told(schedules.list_schedules(asking, kind=kind, limit=MOST))["items"]
        found |= {row["id"]: when_of(row) for row in rows if row["id"] in others}
    return found


@router.post("/when")
def explain_typed(page: EditorPage, form: Typed) -> Response:
    """What the expression in a form means and when it fires next, for the place beside its field."""
    page.if_refused(
        lambda refusal: page.show("when.html.j2", found=None, refusal=refusal, expression=_expression(form))
    )
    expression = _expression(form)
    found = None
    if expression:
        body = {"cronExpression": expression, "timezone": _timezone(page, form), "count": _SHOWN}
        found = told(schedules.preview_cron(page.asking, read_as(CronIn, body)))
    return page.show("when.html.j2", found=found, refusal=None)


def _expression(form: Form) -> str:
    return (form["cron"] or form["cronExpression"]).strip()


def _timezone(page: Page, form: Form) -> str:
    """The zone that was typed, or what the form's noun takes where none is: a pulse UTC, a report the tenant's."""
    typed = (form["cronTimezone"] or form["timezone"]).strip()
    if typed or form["cron"]:
        return typed or "UTC"
    with page.reading() as conn:
        return tenant_rules.default_timezone(conn, page.tenant)
