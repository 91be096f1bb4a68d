"""The eighth acceptance story: in the nights on which the clock turns an alert is checked when its preview says."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from api.sources import create_source
from config.seal import Seal
from scheduler import schedules
from tests.alerts import make_alert
from tests.museum.timed import TimedHand

ABOVE_100 = {
    "recipients": ["ann@example.com"],
    "source": "warehouse",
    "query": "select 1",
    "condition": "GREATER_THAN",
    "thresholdValue": "100",
}
# By hand: the night has 02:00 to 03:00 twice in October, and not at all in March, when what it swallowed comes at its end.
NIGHTS = {
    "2026-10-25": ("2026-10-24T12:00", ["00:30", "01:30"]),
    "2027-03-28": ("2027-03-27T12:00", ["01:00", "00:30"]),
}


@pytest.mark.parametrize("night", NIGHTS)
def test_in_the_nights_of_madrid_an_alert_is_checked_at_the_instants_of_its_preview(database: str, night: str) -> None:
    """The eighth story: elsewhere half past two comes twice in October and never in March."""
    start = datetime.fromisoformat(NIGHTS[night][0]).replace(tzinfo=UTC)
    with closing(TimedHand(database, start)) as timed:
        timed.value("select make_partitions(now(), now() + interval '4 days')")
        create_source(timed.conn, timed.tenant, "warehouse", "postgres", "postgresql://u@127.0.0.1/d", Seal(()))
        found: dict[str, list[datetime]] = {}
        for cron in ("30 2 * * *", "0 * * * *", "*/20 0-4 * * *"):
            body = ABOVE_100 | {"alertName": cron, "timezone": "Europe/Madrid", "checkCron": cron}
            alert = make_alert(timed.conn, timed.tenant, body, overlapPolicy="queue")
            shown = schedules.preview(timed.conn, timed.tenant, alert.schedule_id, 200)
            found[cron] = [slot.at for slot in shown]
        ids = dict(timed.conn.execute("select cron, id from schedules").fetchall())

        end = start + timedelta(hours=40)
        timed.walk(end, timedelta(minutes=10))

        for cron, preview in found.items():
            planned = timed.conn.execute(
                "select slot_at from runs where schedule_id = %s order by slot_at", (ids[cron],)
            ).fetchall()
            assert [slot for (slot,) in planned] == [slot for slot in preview if slot <= end], cron
        half_past_two = [slot.strftime("%H:%M") for slot in found["30 2 * * *"][:2]]
    assert half_past_two == NIGHTS[night][1]
