"""kpi.threshold from due row to history: it fires once, mails each recipient once, stays quiet, recovers with one mail."""

from typing import Any

import pytest

from local.mail import Mail
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


def recipients(mails: list[Mail]) -> list[str]:
    return sorted(recipient for mail in mails for recipient in mail.recipients)


def test_an_alert_fires_once_stays_quiet_and_recovers_once(world: World) -> None:
    world.source("warehouse")
    schedule = world.schedule("kpi.threshold", PARAMS)

    quiet = world.next_slot(schedule)
    assert (quiet["state"], quiet["outcome"]["state"], quiet["outcome"]["notified"]) == ("succeeded", "ok", False)

    world.figures.execute("update figure set value = 200")
    fired = world.next_slot(schedule)
    assert (fired["outcome"]["state"], fired["outcome"]["notified"]) == ("firing", True)
    assert fired["outcome"]["value"] == "200"
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
        assert (still["outcome"]["state"], still["outcome"]["notified"]) == ("firing", False)
        assert still["outcome"]["reason"].startswith("no message: still firing since")
        assert world.until_delivered(still["id"]) == []

    world.figures.execute("update figure set value = 90")
    recovered = world.next_slot(schedule)
    assert (recovered["outcome"]["state"], recovered["outcome"]["previousState"]) == ("ok", "firing")
    world.until_delivered(recovered["id"])
    mails = world.mail.wait_for(4)
    assert recipients(mails[2:]) == ["ann@example.com", "bob@example.com"]
    assert mails[-1].message["Subject"] == "Recovered: Open orders is 90 orders"

    assert world.next_slot(schedule)["outcome"]["notified"] is False
    assert len(world.mail.mails()) == 4
    assert [run["attempt"] for run in world.runs(schedule)] == [1] * 6
    states = world.all("select state, value, run_id from alert_states")
    assert [(row["state"], row["value"]) for row in states] == [("ok", 90)]


def test_a_query_that_is_refused_is_a_dead_letter_and_tells_nobody(world: World) -> None:
    world.source("warehouse")
    schedule = world.schedule("kpi.threshold", PARAMS | {"query": "select value from nowhere"})
    run = world.next_slot(schedule)
    assert run["state"] == "dead"
    assert world.attempts(run["id"]) == ["rejected"]
    letters = world.all("select cause, error, state from dead_letters where run_id = %s", run["id"])
    assert [(letter["cause"], letter["state"]) for letter in letters] == [("rejected", "open")]
    assert "nowhere" in letters[0]["error"]
    assert world.mail.mails() == []


def test_one_bad_address_costs_only_its_own_mail(world: World) -> None:
    world.source("warehouse")
    world.figures.execute("update figure set value = 200")
    addresses = ["550@example.com", "ann@example.com"]
    schedule = world.schedule("kpi.threshold", PARAMS | {"recipients": addresses})
    run = world.next_slot(schedule)
    assert [(each["recipient"], each["state"]) for each in world.until_delivered(run["id"])] == [
        ("550@example.com", "failed"),
        ("ann@example.com", "sent"),
    ]
    assert run["state"] == "succeeded"
    assert recipients(world.mail.mails()) == ["ann@example.com"]
