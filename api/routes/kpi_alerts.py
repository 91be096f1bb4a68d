"""`/api/kpi-alerts`: who is told when a graph's figure crosses a threshold, by which policy, and why they were or were not."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from api import alert_actions, alert_checks, kpi_alert_rows, kpi_alerts, shapes
from api.alert_actions import AcknowledgeIn, Acted, SnoozeIn
from api.alert_checks import BacktestIn
from api.asked_sources import Means
from api.definitions import Time
from api.kpi_alert_bodies import KpiAlertIn, KpiAlertPatch
from api.kpi_alert_rows import KpiAlert
from api.kpi_alerts import KPI_ALERTS
from api.paging import Cursor, Instant, Limit, Lower, Word, page, place_of, room
from api.problems import answers, good, makes
from api.request import Asked, Editor, Maker, Reader, answer
from api.routes.schedules import SlotOut
from db.pool import Connection
from scheduler import schedules
from workers.alerting.machine import State
from workers.recipients import Recipient
from workers.sources import SourceUnavailable

AlertKind = Literal["threshold", "schedule"]
router = APIRouter(prefix="/api/kpi-alerts", tags=["kpi alerts"], responses=answers(400, 401, 403, 404, 422, 429, 503))


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class KpiAlertOut(_Model):
    """An alert, with its threshold as it was given; what is left at its default is left out of that."""

    id: UUID
    alert_name: str
    description: str
    alert_type: AlertKind
    recipients: list[Recipient]
    channels: list[str]
    is_active: bool
    status: str
    graph_id: UUID | None
    dashboard_id: UUID | None
    template_id: UUID | None
    schedule_id: UUID
    threshold: dict[str, Any] | None
    schedule: dict[str, Any] | None
    state: State | None
    calendar_id: UUID | None
    deliver_within_seconds: int | None
    late_since: Time | None
    tags: list[str]
    version: int
    next_run_at: Time | None
    last_run_at: Time | None
    created_by: str | None
    created_at: Time
    updated_at: Time


class KpiAlertWithNext(KpiAlertOut):
    """An alert, and when it is checked or sent next."""

    next: list[SlotOut]


KpiAlertList = shapes.list_of(KpiAlertOut, "KpiAlertList")
ActedOut = shapes.model_of(Acted, "AlertActed")
MoveOut = shapes.model_of(kpi_alert_rows.Move, "AlertEvent")
MoveList = shapes.list_of(MoveOut, "AlertEventList")


class AlertDelivery(_Model):
    """What became of the message to one recipient."""

    recipient: str
    by: str
    state: str
    error: str | None
    sent_at: Time | None


class Why(_Model):
    """The last check by an instant: in a sentence, as the record that its run keeps, and the messages that it made."""

    run_id: UUID | None
    slot_at: Time | None
    sentence: str
    record: dict[str, Any] | None
    deliveries: list[AlertDelivery]


@router.get("", responses=good(200, KpiAlertList))
def list_kpi_alerts(
    asking: Reader,
    alert_type: Annotated[AlertKind | None, Lower, Query(alias="alertType")] = None,
    state: Annotated[State | None, Lower, Query(description="the worst of its segments'")] = None,
    is_active: Annotated[
        bool | None, Query(alias="isActive", description="false: those that are paused or over")
    ] = None,
    search: Annotated[Word | None, Query(description="a text in their names, in capitals or not")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The alerts, newest first."""
    wanted = {"alert_type": alert_type, "state": state, "is_active": is_active, "search": search}
    return KPI_ALERTS.answer_list(asking, limit, cursor, **wanted)


@router.post("", status_code=201, responses=makes(KpiAlertWithNext))
def create_kpi_alert(asking: Maker, body: KpiAlertIn) -> Response:
    """Makes an alert with its schedule; it is checked at the next slot of `checkCron`."""
    days = asking.web.settings.retention_days

    def make(conn: Connection) -> KpiAlert:
        return kpi_alerts.create(conn, asking.tenant, body, retention_days=days, created_by=asking.author.who)

    return KPI_ALERTS.create(asking, make)


@router.post("/backtest", responses=good(200, dict[str, Any]))
def backtest_kpi_alert(asking: Reader, body: BacktestIn) -> Response:
    """What the policy would have told: its notices, its firings, plots of them, and a threshold for a wanted rate."""
    with asking.reading() as conn:
        now = schedules.read_now(conn)
        what = alert_checks.backtest_of(conn, asking.tenant, body)
    try:
        found = alert_checks.run_backtest(what, means_of(asking), body, now)
    except SourceUnavailable as error:
        raise HTTPException(503, str(error)) from None
    return answer(found)


@router.get("/{alert_id}", responses=good(200, KpiAlertWithNext))
def get_kpi_alert(asking: Reader, alert_id: UUID) -> Response:
    """One alert."""
    return KPI_ALERTS.answer_one(asking, alert_id)


@router.patch("/{alert_id}", responses=good(200, KpiAlertWithNext, 409, 412))
def edit_kpi_alert(asking: Editor, alert_id: UUID, body: KpiAlertPatch) -> Response:
    """Changes an alert; what its segments remember stays."""
    return KPI_ALERTS.edit(asking, alert_id, lambda conn, row: kpi_alerts.edit(conn, asking.tenant, row, body))


@router.delete("/{alert_id}", status_code=204, responses=answers(409, 412))
def delete_kpi_alert(asking: Editor, alert_id: UUID) -> Response:
    """Deletes an alert, and cancels its schedule; its runs can still be read."""

    def retire(conn: Connection, row: KpiAlert) -> None:
        kpi_alerts.retire(conn, asking.tenant, row)

    return KPI_ALERTS.remove(asking, alert_id, first=retire)


@router.post("/{alert_id}/acknowledge", responses=good(200, ActedOut, 409))
def acknowledge_kpi_alert(asking: Editor, alert_id: UUID, body: AcknowledgeIn | None = None) -> Response:
    """Stops the reminders of a firing until it is over, of one segment or of all; that it is over is told."""
    return asking.writing(lambda conn: alert_actions.acknowledge(asking, conn, alert_id, body or AcknowledgeIn()))


@router.post("/{alert_id}/snooze", responses=good(200, ActedOut))
def snooze_kpi_alert(asking: Editor, alert_id: UUID, body: SnoozeIn | None = None) -> Response:
    """Tells nobody for a while; what fires still is told then."""
    return asking.writing(lambda conn: alert_actions.snooze(asking, conn, alert_id, body or SnoozeIn()))


@router.get("/{alert_id}/history", responses=good(200, MoveList))
def list_alert_history(
    asking: Reader,
    alert_id: UUID,
    segment: Annotated[Word | None, Query(description="of one segment; empty for the whole")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The moves of its states, newest first."""
    before = place_of(cursor, "history", asking.tenant)
    with asking.listing() as conn:
        KPI_ALERTS.get(conn, asking.tenant, alert_id)
        rows = kpi_alert_rows.moves(conn, asking.tenant, alert_id, segment, before=before, limit=room(limit))
    return answer(page(rows, limit, "history", asking.tenant, lambda row: (row.slot_at, row.id), shapes.plain))


@router.get("/{alert_id}/why", responses=good(200, Why))
def explain_kpi_alert(
    asking: Reader,
    alert_id: UUID,
    at: Annotated[Instant, Query(description="the instant that is asked about; now if left out")] = None,
    recipient: Word | None = None,
) -> Response:
    """Why somebody did or did not get a message: the last check by an instant, and what became of each message."""
    with asking.reading() as conn:
        row = KPI_ALERTS.get(conn, asking.tenant, alert_id)
        found = alert_checks.why(conn, asking.tenant, row, at or schedules.read_now(conn), recipient)
    return answer(found)


@router.post("/{alert_id}/test", responses=good(200, dict[str, Any]))
def test_kpi_alert(asking: Reader, alert_id: UUID) -> Response:
    """Checks now: the record of what would be decided. Nothing is stored and nobody is told."""
    with asking.reading() as conn:
        row = KPI_ALERTS.get(conn, asking.tenant, alert_id)
        now = schedules.read_now(conn)
        trial = alert_checks.trial_of(conn, asking.tenant, row, now)
    return answer(alert_checks.try_alert(trial, means_of(asking), now).record)


def means_of(asking: Asked) -> Means:
    """What sources are asked with on behalf of the caller."""
    settings = asking.web.settings
    return Means(asking.web.seal, settings.egress_allow, settings.files)
