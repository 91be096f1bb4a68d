"""`/calendars`: days on which schedules do not fire; a calendar's page shows a year of them."""

from typing import Any
from uuid import UUID

from fastapi.responses import Response

from api.pages.page import Page
from api.pages.rooms import Field, Room, Shape, routes
from api.request import Asked
from api.routes import calendars
from api.routes.calendars import CalendarIn, CalendarPatch


def _of_year(_page: Page, row: Shape) -> dict[str, Any]:
    """The year that the address asks for, by months."""
    months: dict[int, list[Shape]] = {}
    for day in row["days"]:
        months.setdefault(int(day["date"][5:7]), []).append(day)
    return {"months": months}


def _got(asking: Asked, calendar_id: UUID) -> Response:
    return calendars.get_calendar(asking, calendar_id)


ROOM = Room(
    path="/calendars",
    title="Calendars",
    one="calendar",
    note="Days on which schedules do not fire: public holidays, and days of your own.",
    empty="A calendar holds the public holidays of a country and days of your own. Schedules that name it skip them, and say so.",
    columns={
        "Name": "name",
        "Country": "country",
        "Part": "subdivision",
        "Own days": "ownDays",
        "Changed": "updatedAt",
    },
    listed=calendars.list_calendars,
    got=_got,
    made=calendars.create_calendar,
    taken=CalendarIn,
    edited=calendars.edit_calendar,
    patched=CalendarPatch,
    deleted=calendars.delete_calendar,
    show="calendars/one.html.j2",
    beside=_of_year,
    fields=(
        Field("name", "Name", required=True),
        Field("country", "Country", hint="ISO 3166 code, such as ES; blank for none.", may_be_null=True),
        Field("subdivision", "Part of the country", hint="Its code, such as MD; blank for none.", may_be_null=True),
        Field(
            "ownDays",
            "Own days",
            "days",
            "One a line: a date and its name.",
            rows=6,
            placeholder="2026-12-24 Christmas Eve",
        ),
    ),
)
router = routes(ROOM)
