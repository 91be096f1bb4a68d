"""`/schedules`: what is to be done and when, with each one's latest runs."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from fastapi.responses import Response

from api.pages import look
from api.pages.page import ViewerPage, told
from api.pages.route import pages
from api.paging import Limit, Word
from api.routes import schedules
from scheduler import runs
from scheduler.pattern_words import explain_pattern
from scheduler.schedules import read_now
from scheduler.words import explain

router = pages("schedules")

STATUSES: Final = ("active", "paused", "failed", "completed", "cancelled")
FILTERS: Final = ("kind", "status", "tag", "search")
_STRIP = 20


@router.get("/schedules")
def list_schedules(
    page: ViewerPage,
    kind: Word | None = None,
    status: schedules.Status = None,
    tag: Word | None = None,
    search: Word | None = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Response:
    """The schedules, newest first."""
    found = told(
        schedules.list_schedules(
            page.asking, kind=kind, status=status, tag=tag, search=search, limit=limit, cursor=cursor
        )
    )
    rows = found["items"]
    with page.reading() as conn:
        now = read_now(conn)
        latest = runs.latest(conn, page.tenant, [UUID(row["id"]) for row in rows], _STRIP)
    return page.show(
        "schedules/list.html.j2",
        found=found,
        strips={str(each): cells for each, cells in latest.items()},
        when=when_of,
        now=now,
        kinds=sorted(page.asking.web.kinds),
        statuses=STATUSES,
        is_filtered=any(page.query[name] for name in FILTERS),
    )


def when_of(shape: Mapping[str, Any]) -> str:
    """When the schedule fires, in plain words."""
    return words_of(
        shape["cronExpression"], shape["recurrence"], shape["intervalSeconds"], shape["timezone"], shape["id"]
    )


def words_of(
    cron: str | None, recurrence: Mapping[str, Any] | None, interval: int | None, timezone: str, schedule_id: str
) -> str:
    """When what recurs so fires, in plain words."""
    if cron is not None:
        return _explained(cron, timezone, schedule_id if "H" in cron.upper() else "")
    if recurrence is not None:
        return explain_pattern(recurrence, timezone)
    return "Once" if interval is None else f"Every {look.span(interval)}"


@lru_cache(maxsize=4096)
def _explained(expression: str, timezone: str, hash_id: str) -> str:
    # A herd has few expressions.
    return explain(expression, timezone, hash_id)
