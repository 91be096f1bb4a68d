"""kpi.threshold from due row to history: it fires once, mails each recipient once, stays quiet, recovers with one mail."""

from typing import Any

import pytest

from local.mail import Mail
from tests import make
from tests.flow.world import World

pytestmark = pytest.mark.race

PARAMS: dict[str, Any] = {
    "alertName": "Open orders",
    "recipients": ["ann@example.com", "bob@example.com"],
    "source": "warehouse",
    "query": "select value from figure",
    "condition": "GREATER_THAN",
    "thresholdValue": "150",
    "unit": "orders",
}


ADMIN = {"subject": "ada", "email": "ada@example.com", "role": "admin"}


def recipients(mails: list[Mail]) -> list[str]:
    return sorted(recipient for mail in mails for recipient in mail.recipients)


def found(run: dict[str, Any]) -> dict[str, Any]:
    [segment] = run["outcome"]["segments"]
    return dict(segment)


def test_an_alert_fires_once_stays_quiet_and_recovers_once(world: World) -> None:
    world.source("warehouse")
    schedule = world.alert(PARAMS)

    quiet = world.next_slot(schedule)
    assert (quiet["state"], found(quiet)["state"], quiet["outcome"]["notified"]) == ("succeeded", "ok", False)

    world.figures.execute("update figure set value = 200")
    fired = world.next_slot(schedule)
    assert (found(fired)["state"], fired["outcome"]["outcome"], fired["outcome"]["notified"]) == (
        "firing",
        "fired",
        True,
    )
    assert found(fired)["value"] == "200"
    assert [(each["recipient"], each["state"]) for each in world.until_delivered(fired["id"])] == [
        ("ann@example.com", "sent"),
        ("bob@example.com", "sent"),
    ]
    mails = world.mail.wait_for(2)
    assert recipients(mails) == ["ann@example.com", "bob@example.com"]
    assert {mail.message["Subject"] for mail in mails} == {"Alert: Open orders is 200 orders"}
    assert {mail.message["To"] for mail in mails} == {"ann@example.com, bob@example.com"}
    assert len({mail.message["Message-ID"] for mail in mails}) == 1

    for value in (201, 350):
        world.figures.execute("update figure set value = %s", (value,))
        still = world.next_slot(schedule)
        assert (found(still)["state"], still["outcome"]["notified"]) == ("firing", False)
        assert world.until_delivered(still["id"]) == []

    world.figures.execute("update figure set value = 90")
    recovered = world.next_slot(schedule)
    assert (found(recovered)["state"], found(recovered)["previousState"]) == ("ok", "firing")
    world.until_delivered(recovered["id"])
    mails = world.mail.wait_for(4)
    assert recipients(mails[2:]) == ["ann@example.com", "bob@example.com"]
    assert mails[-1].message["Subject"] == "Recovered: Open orders is 90 orders"

    assert world.next_slot(schedule)["outcome"]["notified"] is False
    assert len(world.mail.mails()) == 4
    assert [run["attempt"] for run in world.runs(schedule)] == [1] * 6
    states = world.all("select state, value, run_id from alert_states")
    assert [(row["state"], row["value"]) for row in states] == [("ok", 90)]
    moves = world.all("select previous_state, state, run_id from alert_events order by slot_at")
    assert [tuple(row.values()) for row in moves] == [("ok", "firing", fired["id"]), ("firing", "ok", recovered["id"])]


def test_a_source_that_cannot_be_read_is_one_message_to_the_admins_and_none_to_the_recipients(world: World) -> None:
    world.source("warehouse")
    make.insert(world.system.conn, "members", ADMIN | {"tenant_id": world.system.tenant})
    schedules = [world.alert(PARAMS | {"alertName": name}) for name in ("Open orders", "Late orders")]
    for schedule in schedules:
        assert world.next_slot(schedule)["outcome"]["outcome"] == "quiet"

    world.figures.execute("alter table figure rename to mislaid")
    for schedule in (*schedules, schedules[0]):
        run = world.next_slot(schedule)
        assert (run["state"], run["outcome"]["outcome"]) == ("succeeded", "could_not_check")
        assert "figure" in run["outcome"]["sentence"]
        assert run["outcome"]["segments"][0]["state"] == "ok"
    mails = world.mail.wait_for(2)
    assert {mail.recipients for mail in mails} == {("ada@example.com",)}
    graphs = [row["name"] for row in world.all("select name from graphs")]
    assert sorted(mail.message["Subject"] for mail in mails) == sorted(
        f"The graph {name} gives no answer" for name in graphs
    )

    world.figures.execute("alter table mislaid rename to figure")
    world.figures.execute("update figure set value = 200")
    made_up = world.next_slot(schedules[0])
    assert (made_up["outcome"]["outcome"], made_up["outcome"]["slotsMadeUpFor"]) == ("fired", 2)
    assert world.next_slot(schedules[1])["outcome"]["outcome"] == "fired"
    mails = world.mail.wait_for(8)
    assert sum(mail.recipients == ("ada@example.com",) for mail in mails) == 4
    assert {f"The graph {name} answers again" for name in graphs} < {mail.message["Subject"] for mail in mails}
