"""Channels from due row to far side: an alert opens and closes an incident in order, chats in a thread, and is renamed."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from uuid import UUID

import pytest

from api import channels
from api.channels import CHANNELS, Channel, ChannelIn, ChannelPatch
from api.graphs import GRAPHS
from api.kpi_alerts import KPI_ALERTS, TELL
from db.pool import transaction
from tests.flow.test_report_story import report_of
from tests.flow.test_threshold_story import PARAMS
from tests.flow.world import World
from tests.system import until
from tests.workers.channels.chats import Chat, chat

pytestmark = pytest.mark.race


@pytest.fixture
def chats() -> Iterator[dict[str, Chat]]:
    """The services that the story needs, on loopback."""
    with ExitStack() as stack:
        names = ("slack bot", "pagerduty", "alertmanager", "discord")
        yield {name: stack.enter_context(chat(name)) for name in names}


def channel(world: World, played: Chat) -> Channel:
    body = {"name": played.name, "type": played.type, "credential": played.credential, "options": played.options}
    return channels.create(world.system.conn, world.system.tenant, ChannelIn.model_validate(body), world.seal)


def tells(world: World, schedule: UUID, *told: Channel) -> None:
    """Has the alert of the schedule tell these, and mail nobody; its timing, which is the test's, is left alone."""
    conn, tenant = world.system.conn, world.system.tenant
    [row] = [each for each in KPI_ALERTS.list_all(conn, tenant) if each.schedule_id == schedule]
    TELL.run(conn, tenant_id=tenant, id=row.id, channel_ids=[each.id for each in told])
    conn.execute("update kpi_alerts set recipients = '{}' where id = %s", (row.id,))


def deliveries(world: World, run_id: UUID) -> dict[str, dict[str, Any]]:
    statement = (
        "select channel, recipient, state, provider_message_id, error, attempts from deliveries where run_id = %s"
    )
    return {each["channel"]: each for each in world.all(statement, run_id)}


def test_an_incident_is_opened_before_it_is_closed_and_a_chat_keeps_its_thread(
    world: World, chats: dict[str, Chat]
) -> None:
    conn, tenant = world.system.conn, world.system.tenant
    world.source("warehouse")
    schedule = world.alert(PARAMS)
    made = {name: channel(world, played) for name, played in chats.items()}
    tells(world, schedule, *(made[name] for name in ("slack bot", "pagerduty", "alertmanager")))
    pager, slack, receiver = (chats[name].taken for name in ("pagerduty", "slack bot", "alertmanager"))

    chats["pagerduty"].refuses = 1
    world.figures.execute("update figure set value = 200")
    fired = world.next_slot(schedule)
    until(lambda: len(slack) == len(receiver) == 1, why=world.system.logs)
    # What was refused waits; what closes it comes meanwhile, and waits for it.
    until(lambda: chats["pagerduty"].refuses == 0, why=world.system.logs)
    world.figures.execute("update figure set value = 90")
    over = world.next_slot(schedule)
    assert world.next_slot(schedule)["outcome"]["notified"] is False
    hurry = (
        "update deliveries set available_at = now() - interval '5 s' where state = 'pending' and available_at > now()"
    )

    def are_both_told() -> bool:
        conn.execute(hurry)
        return len(pager) == 2

    until(are_both_told, why=world.system.logs)
    for run in (fired, over):
        world.until_delivered(run["id"])
        found = deliveries(world, run["id"])
        assert {name: row["state"] for name, row in found.items()} == dict.fromkeys(
            ("slack", "pagerduty", "alertmanager"), "sent"
        )
        assert found["slack"]["recipient"] == str(made["slack bot"].id)
    assert deliveries(world, over["id"])["pagerduty"]["attempts"] == 1, "waiting for its turn was none"
    assert [each["event_action"] for each in pager] == ["trigger", "resolve"]
    [alert] = KPI_ALERTS.list_all(conn, tenant)
    assert {each["dedup_key"] for each in pager} == {str(alert.id)}
    root = deliveries(world, fired["id"])["slack"]["provider_message_id"]
    assert [each.get("thread_ts") for each in slack] == [None, root]
    assert [each["status"] for each in receiver] == ["firing", "resolved"]
    assert receiver[0]["alerts"][0]["fingerprint"] == receiver[1]["alerts"][0]["fingerprint"]
    assert world.mail.mails() == []

    # The next firing is a thread of its own, in a channel that was renamed.
    with transaction(conn):
        row = CHANNELS.locked(conn, tenant, made["slack bot"].id)
        channels.edit(conn, tenant, row, ChannelPatch(name="renamed"), world.seal)
    world.figures.execute("update figure set value = 300")
    again = world.next_slot(schedule)
    world.until_delivered(again["id"])
    assert "thread_ts" not in slack[2]
    assert deliveries(world, again["id"])["slack"]["state"] == "sent"


def test_a_report_is_told_in_chat_and_a_channel_that_is_gone_fails_alone(world: World, chats: dict[str, Chat]) -> None:
    conn = world.system.conn
    world.source("warehouse")
    world.figures.execute("update figure set value = 1200")
    schedule = report_of(world)
    told, gone = channel(world, chats["discord"]), channel(world, chats["slack bot"])
    tells(world, schedule, told, gone)
    # As if it were deleted between the plan of a run and its sending.
    conn.execute("delete from kpi_alert_channels where channel_id = %s", (gone.id,))
    conn.execute("delete from channels where id = %s", (gone.id,))

    run = world.next_slot(schedule)
    world.until_delivered(run["id"])

    found = deliveries(world, run["id"])
    assert (found["discord"]["state"], found["slack"]["state"]) == ("sent", "failed")
    assert found["slack"]["error"] == "its channel was deleted"
    [said] = chats["discord"].taken
    assert said["embeds"][0]["title"].startswith("Orders of the hour")
    assert "1,200" in said["embeds"][0]["description"]
    assert GRAPHS.list_all(conn, world.system.tenant)[0].name in said["embeds"][0]["description"]
    assert run["outcome"]["sentence"] == "sent to 0 recipients and 2 channels"
