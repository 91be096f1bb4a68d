"""Events: what happens to a run, its deliveries and its alert becomes one run for each webhook that wants it, once."""

import threading
from typing import Any
from uuid import UUID, uuid4

import pytest

from db.ids import slot_of
from tests import make

EVERY = ["run.succeeded", "run.dead", "run.delivered", "alert.firing", "alert.resolved"]


@pytest.fixture
def tenant(conn: make.Connection) -> UUID:
    return make.tenant(conn)


def webhook(conn: make.Connection, tenant: UUID, events: list[str] = EVERY, **row: Any) -> UUID:
    """An active webhook that wants these events."""
    row = {
        "id": uuid4(),
        "name": f"w-{uuid4().hex[:8]}",
        "origin": "https://x",
        "sealed_url": "",
        "sealed_secret": "",
    } | row
    make.insert(conn, "webhooks", row | {"tenant_id": tenant, "events": events})
    return UUID(str(row["id"]))


def running(conn: make.Connection, tenant: UUID, **row: Any) -> UUID:
    return make.run(conn, tenant, state="running", attempt=1, started_at=make.now(conn), **row)


def end(conn: make.Connection, run: UUID, state: str) -> None:
    """Ends the run as finish_runs.sql does."""
    conn.execute(
        "update runs set state = %s, written_fence = fence, finished_at = now(), error = 'why' where id = %s",
        (state, run),
    )


def told(conn: make.Connection, run: UUID) -> list[tuple[str, str]]:
    """The webhook and the event of each run that tells of this one."""
    rows = conn.execute(
        "select params ->> 'webhookId', params -> 'body' ->> 'type' from runs where parent_run_id = %s order by 2, 1",
        (run,),
    )
    return [(hook, event) for hook, event in rows.fetchall()]


@pytest.mark.parametrize("state", ["succeeded", "dead"])
def test_the_end_of_a_run_is_one_run_for_each_webhook_that_wants_it(
    conn: make.Connection, tenant: UUID, state: str
) -> None:
    schedule = make.schedule(conn, tenant, name=f"nightly {tenant}")
    both = [webhook(conn, tenant), webhook(conn, tenant, [f"run.{state}"])]
    webhook(conn, tenant, ["run.delivered"])
    webhook(conn, tenant, status="disabled", disabled_reason="gone")
    webhook(conn, make.tenant(conn))
    run = running(conn, tenant, schedule_id=schedule)
    end(conn, run, state)

    assert told(conn, run) == sorted((str(each), f"run.{state}") for each in both)
    rows = conn.execute(
        "select id, slot_at, tenant_id, kind, queue, origin, state, attempt, max_attempts, params -> 'body' "
        "from runs where parent_run_id = %s",
        (run,),
    ).fetchall()
    for run_id, slot_at, of_tenant, kind, queue, origin, is_now, attempt, most, body in rows:
        assert slot_at == slot_of(run_id) == slot_of(run)
        assert (of_tenant, kind, queue, origin) == (tenant, "webhook.send", "calls", "system")
        assert (is_now, attempt, most) == ("pending", 0, 10)
        data = body["data"]
        assert (data["runId"], data["scheduleId"], data["state"]) == (str(run), str(schedule), state)
        assert (data["scheduleName"], data["error"]) == (f"nightly {tenant}", "why")
        assert body["timestamp"].endswith("Z")


def test_what_is_rolled_back_is_told_to_nobody(conn: make.Connection, tenant: UUID) -> None:
    webhook(conn, tenant)
    run = running(conn, tenant)
    with conn.transaction(force_rollback=True):
        end(conn, run, "succeeded")
        assert len(told(conn, run)) == 1
    assert told(conn, run) == []


@pytest.mark.parametrize("kind", ["webhook.send", "notice.mail"])
def test_what_tells_of_others_is_told_of_by_nobody(conn: make.Connection, tenant: UUID, kind: str) -> None:
    webhook(conn, tenant)
    run = running(conn, tenant, kind=kind)
    slot_at = slot_of(run)
    end(conn, run, "succeeded")
    send(conn, [make.delivery(conn, tenant, run, slot_at, state="sending", fence=1)])
    assert told(conn, run) == []


def test_a_run_that_goes_on_is_cancelled_or_skipped_is_told_to_nobody(conn: make.Connection, tenant: UUID) -> None:
    webhook(conn, tenant)
    for state in ("pending", "cancelled", "skipped"):
        run = running(conn, tenant)
        end(conn, run, state)
        assert told(conn, run) == []


def test_each_death_of_a_run_is_told_and_each_once(conn: make.Connection, tenant: UUID) -> None:
    hook = str(webhook(conn, tenant))
    run = running(conn, tenant)
    end(conn, run, "dead")
    conn.execute("update runs set progress = null where id = %s", (run,))
    assert told(conn, run) == [(hook, "run.dead")]
    conn.execute("update runs set state = 'pending', fence = 2, finished_at = null where id = %s", (run,))
    conn.execute("update runs set state = 'queued', fence = 3 where id = %s", (run,))
    conn.execute("update runs set state = 'running', fence = 4, attempt = 2 where id = %s", (run,))
    end(conn, run, "dead")
    assert told(conn, run) == [(hook, "run.dead")] * 2


def send(conn: make.Connection, deliveries: list[UUID], state: str = "sent") -> None:
    for each in deliveries:
        conn.execute("update deliveries set state = %s, written_fence = fence where id = %s", (state, each))


def intents(conn: make.Connection, tenant: UUID, run: UUID, count: int) -> list[UUID]:
    return [
        make.delivery(conn, tenant, run, slot_of(run), state="sending", fence=1, recipient=f"{number}@example.com")
        for number in range(count)
    ]


def test_a_run_is_delivered_once_the_last_of_its_deliveries_is_sent(conn: make.Connection, tenant: UUID) -> None:
    hook = str(webhook(conn, tenant, ["run.delivered"]))
    run = make.run(conn, tenant, state="succeeded")
    first, second = intents(conn, tenant, run, 2)
    make.delivery(conn, tenant, run, slot_of(run), state="suppressed", recipient="s@example.com")
    send(conn, [first])
    assert told(conn, run) == []
    send(conn, [second])
    assert told(conn, run) == [(hook, "run.delivered")]
    assert make.value(conn, "select params #>> '{body,data,deliveries}' from runs where parent_run_id = %s", run) == "2"
    conn.execute("update deliveries set state = 'pending' , fence = 2 where id = %s", (second,))
    conn.execute("update deliveries set state = 'sending' , fence = 3 where id = %s", (second,))
    send(conn, [second])
    assert told(conn, run) == [(hook, "run.delivered")]


def test_a_run_with_a_failed_delivery_is_not_delivered(conn: make.Connection, tenant: UUID) -> None:
    webhook(conn, tenant, ["run.delivered"])
    run = make.run(conn, tenant, state="succeeded")
    first, second = intents(conn, tenant, run, 2)
    send(conn, [first], "failed")
    send(conn, [second])
    assert told(conn, run) == []


def test_of_two_deliveries_that_end_at_once_one_tells(conn: make.Connection, tenant: UUID, shared: str) -> None:
    hook = str(webhook(conn, tenant, ["run.delivered"]))
    run = make.run(conn, tenant, state="succeeded")
    first, second = intents(conn, tenant, run, 2)
    with make.connect(shared) as other, make.connect(shared) as looking:
        waiting = threading.Thread(target=lambda: send(other, [second]))
        with conn.transaction():
            send(conn, [first])
            waiting.start()
            backend = other.info.backend_pid
            while not make.value(looking, "select cardinality(pg_blocking_pids(%s)) > 0", backend):
                assert waiting.is_alive()
        waiting.join(10)
    assert told(conn, run) == [(hook, "run.delivered")]


def alert(conn: make.Connection, tenant: UUID) -> UUID:
    """An alert with its schedule and its source."""
    schedule, source, found = make.schedule(conn, tenant, kind="kpi.threshold"), uuid4(), uuid4()
    make.insert(conn, "sources", {"id": source, "tenant_id": tenant, "name": "s", "type": "postgres", "url": "x"})
    graph = {"id": found, "tenant_id": tenant, "name": "g", "source_id": source, "query": "select 1"}
    row = {"id": found, "tenant_id": tenant, "schedule_id": schedule, "alert_type": "threshold", "alert_name": "Seats"}
    threshold = {"kpi_alert_id": found, "tenant_id": tenant, "condition": "EQUAL", "threshold_value": 1}
    with conn.transaction():
        make.insert(conn, "graphs", graph)
        make.insert(conn, "kpi_alerts", row | {"recipients": ["a@example.com"], "graph_id": found})
        make.insert(conn, "kpi_thresholds", threshold)
    return found


def evaluate(conn: make.Connection, tenant: UUID, alert_id: UUID, state: str) -> UUID:
    """The run that found the alert so, as finish_runs.sql leaves it."""
    run = make.run(conn, tenant, state="succeeded")
    conn.execute(
        "insert into alert_states (alert_id, tenant_id, state, value, since, run_id, slot_at) "
        "values (%s, %s, %s, 150.50, now(), %s, %s) on conflict (alert_id, segment) do update "
        "set state = excluded.state, run_id = excluded.run_id, slot_at = excluded.slot_at",
        (alert_id, tenant, state, run, slot_of(run)),
    )
    return run


def test_an_alert_that_fires_or_is_back_is_told_and_one_that_stays_is_not(conn: make.Connection, tenant: UUID) -> None:
    hook = str(webhook(conn, tenant, ["alert.firing", "alert.resolved"]))
    found = alert(conn, tenant)
    steps = (("ok", ""), ("firing", "alert.firing"), ("firing", ""), ("ok", "alert.resolved"), ("ok", ""))
    for state, event in steps:
        run = evaluate(conn, tenant, found, state)
        assert told(conn, run) == ([(hook, event)] if event else []), state
        if event:
            data = make.value(conn, "select params #> '{body,data}' from runs where parent_run_id = %s", run)
            assert (data["alertId"], data["alertName"], data["value"]) == (str(found), "Seats", "150.50")
            assert data["alertState"] == state


def test_an_alert_whose_first_figure_is_beyond_its_threshold_fires(conn: make.Connection, tenant: UUID) -> None:
    hook = str(webhook(conn, tenant, ["alert.firing"]))
    run = evaluate(conn, tenant, alert(conn, tenant), "firing")
    assert told(conn, run) == [(hook, "alert.firing")]
