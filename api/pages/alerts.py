"""`/alerts`: how each stands and whom it told; an alert's page shows its course, why the last check decided as it did, and who got what."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from fastapi.responses import Response

from api import timings
from api.kpi_alert_bodies import KpiAlertPatch
from api.pages import alert_courses, people
from api.pages.alert_forms import CONDITION_WORDS, shown_names
from api.pages.file_views import way_of
from api.pages.look import words
from api.pages.page import EditorPage, Page, ViewerPage, told
from api.pages.route import pages
from api.pages.runs import OPEN
from api.paging import MOST, Cursor, Word
from api.problems import Refusal
from api.routes import kpi_alerts, runs, schedules, silences
from scheduler.pattern_words import explain_pattern
from scheduler.schedules import read_now

router = pages("alerts")
STATES = ("firing", "pending", "recovering", "no_data", "error", "ok")
SPANS = (1, 7, 30, 90)
_RUNS = 60
SIGNS = {
    "GREATER_THAN": ">",
    "GREATER_THAN_OR_EQUAL": "≥",
    "LESS_THAN": "<",
    "LESS_THAN_OR_EQUAL": "≤",
    "EQUAL": "=",
    "NOT_EQUAL": "≠",
    "BETWEEN": "between",
    "OUTSIDE": "outside",
}
Shown = Literal["firing", "pending", "recovering", "no_data", "error", "ok", "paused", "report"]


@router.get("/alerts")
def list_alerts(
    page: ViewerPage, show: Shown | None = None, search: Word | None = None, cursor: Cursor = None
) -> Response:
    """The alerts, newest first."""
    found = told(
        kpi_alerts.list_kpi_alerts(
            page.asking,
            alert_type="schedule" if show == "report" else None,
            state=show if show in STATES else None,  # type: ignore[arg-type]  # the same words
            is_active=False if show == "paused" else None,
            search=search,
            cursor=cursor,
        )
    )
    worths = alert_courses.worths(page, found["items"])
    held = told(silences.list_silences(page.asking, is_active=True, limit=MOST))["items"]
    with page.reading() as conn:
        now = read_now(conn)
    return page.show(
        "alerts/list.html.j2",
        found=found,
        worths=worths,
        unchecked=alert_courses.unchecked(page, found["items"]),
        silenced={each["id"]: silence for each in found["items"] if (silence := _silence_of(each["id"], held))},
        states=STATES,
        sign_of=SIGNS,
        now=now,
    )


@router.get("/alerts/{alert_id}")
def show_alert(
    page: ViewerPage,
    alert_id: UUID,
    segment: Word | None = None,
    days: Annotated[int, Query(ge=1, le=90)] = 7,
) -> Response:
    """One alert."""
    return _show(page, alert_id, segment, days)


@router.post("/alerts/{alert_id}/test")
def test_alert(page: EditorPage, alert_id: UUID) -> Response:
    """What a check would decide now; nothing is stored and nobody is told."""
    page.if_refused(lambda refusal: _show(page, alert_id, None, 7, refusal=refusal))
    record = told(kpi_alerts.test_kpi_alert(page.asking, alert_id))
    return _show(page, alert_id, None, 7, tested=record)


@router.post("/alerts/{alert_id}/check")
def check_alert(page: EditorPage, alert_id: UUID) -> Response:
    """Checks or sends it now, as its schedule would."""
    alert = told(kpi_alerts.get_kpi_alert(page.asking, alert_id))
    schedules.run_schedule(page.asking, UUID(alert["scheduleId"]))
    return page.done(f"/alerts/{alert_id}", "It runs now; who is told is told.")


@router.post("/alerts/{alert_id}/pause")
def pause_alert(page: EditorPage, alert_id: UUID) -> Response:
    """Checks it no more until it is resumed."""
    return _switched(page, alert_id, is_active=False)


@router.post("/alerts/{alert_id}/resume")
def resume_alert(page: EditorPage, alert_id: UUID) -> Response:
    """Checks it again."""
    return _switched(page, alert_id, is_active=True)


@router.post("/alerts/{alert_id}/acknowledge")
def acknowledge_alert(page: EditorPage, alert_id: UUID) -> Response:
    """Somebody knows of the firing: its reminders stop until it is over."""
    kpi_alerts.acknowledge_kpi_alert(page.asking, alert_id)
    return page.done(f"/alerts/{alert_id}", "Acknowledged. It stays quiet until it is over.")


@router.post("/alerts/{alert_id}/snooze")
def snooze_alert(page: EditorPage, alert_id: UUID) -> Response:
    """Nobody is told for a day."""
    kpi_alerts.snooze_kpi_alert(page.asking, alert_id)
    return page.done(f"/alerts/{alert_id}", "Snoozed for a day.")


@router.post("/alerts/{alert_id}/delete")
def delete_alert(page: EditorPage, alert_id: UUID) -> Response:
    """Deletes it; its runs can still be read."""
    alert = told(kpi_alerts.get_kpi_alert(page.asking, alert_id))
    kpi_alerts.delete_kpi_alert(page.asking, alert_id)
    return page.done("/alerts", f"The alert {alert['alertName']} is deleted.")


def _silence_of(alert_id: str, held: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The silence that holds an alert back: of all its segments, or else of some."""
    own = [each for each in held if each["alertId"] in (None, alert_id)]
    return next((each for each in own if each["segment"] == "*"), own[0] if own else None)


def _switched(page: Page, alert_id: UUID, *, is_active: bool) -> Response:
    alert = told(kpi_alerts.edit_kpi_alert(page.asking, alert_id, KpiAlertPatch(is_active=is_active)))
    return page.done(
        f"/alerts/{alert_id}", f"The alert {alert['alertName']} is {'resumed' if is_active else 'paused'}."
    )


def _show(
    page: Page,
    alert_id: UUID,
    segment: str | None,
    days: int,
    *,
    tested: dict[str, Any] | None = None,
    refusal: Refusal | None = None,
) -> Response:
    alert = told(kpi_alerts.get_kpi_alert(page.asking, alert_id))
    is_threshold = alert["alertType"] == "threshold"
    part = alert["threshold"] if is_threshold else alert["schedule"]
    schedule_id = UUID(alert["scheduleId"])
    ran = told(runs.list_runs(page.asking, schedule_id, limit=_RUNS))["items"]
    # A path to the page itself, also where a button of it answered.
    address = f"/alerts/{alert_id}"
    held = told(silences.list_silences(page.asking, is_active=True))["items"]
    return page.show(
        "alerts/one.html.j2",
        alert=alert,
        address_of=address,
        past=alert_courses.past_of(page, alert_id, segment, days),
        why=told(kpi_alerts.explain_kpi_alert(page.asking, alert_id)),
        runs=ran[::-1],
        is_checking=any(each["state"] in OPEN for each in ran),
        files=[] if is_threshold else _files(page, ran),
        silences=[each for each in held if each["alertId"] in (None, str(alert_id))],
        names=shown_names(page, alert),
        people=people.of(page.asking, [alert["createdBy"]]),
        rule=_rule(part),
        timing=part or {},
        recurs=explain_pattern(part["recurrence"], part["timezone"]) if part and part.get("recurrence") else "",
        days=days,
        spans=SPANS,
        condition_words=CONDITION_WORDS,
        tested=tested,
        refusal=refusal,
    )


def _files(page: Page, ran: list[dict[str, Any]]) -> list[tuple[dict[str, Any], str]]:
    """The files of the newest run that was through, each with the way in which a page shows it."""
    newest = next((each for each in ran if each["state"] == "succeeded"), None)
    if newest is None:
        return []
    files = told(runs.list_artifacts(page.asking, UUID(newest["id"])))["items"]
    return [(each, way_of(each["format"]) or "") for each in files]


_APART = ("condition", "thresholdValue", "thresholdHigh", "checkCron", "cron", *timings.NAMES)


def _rule(part: dict[str, Any] | None) -> list[tuple[str, Any]]:
    """What of a rule is set beside its main condition, each with its label."""
    found: list[tuple[str, Any]] = []
    for name, value in (part or {}).items():
        if isinstance(value, dict) and name in ("guards", "notify", "freshness"):
            found += _rule(value)
        elif name not in _APART:
            found.append((words(name), value))
    return found
