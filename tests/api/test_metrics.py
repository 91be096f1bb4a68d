"""The gauges of the whole system, out of Postgres."""

from datetime import timedelta

from prometheus_client.parser import text_string_to_metric_families

from local.processes import free_port
from tests import make
from tests.api.conftest import SHOWN, MakeWeb, TestClient
from tests.system import until


def gauge(web: TestClient, name: str, **labels: str) -> float:
    page = web.get("/metrics", headers=SHOWN)
    assert page.status_code == 200
    found = [
        sample.value
        for family in text_string_to_metric_families(page.text)
        for sample in family.samples
        if sample.name == name and sample.labels == labels
    ]
    assert len(found) == 1, page.text
    return float(found[0])


def test_a_quiet_system_shows_zeros_and_not_nothing(web: TestClient) -> None:
    assert gauge(web, "tocsin_due_schedules") == 0
    assert gauge(web, "tocsin_oldest_due_seconds") == 0
    assert gauge(web, "tocsin_queue_depth", queue="alerts") == 0
    assert gauge(web, "tocsin_runs", state="running", kind="http.call") == 0
    assert gauge(web, "tocsin_dead_letters", kind="kpi.threshold") == 0
    assert gauge(web, "tocsin_processes", role="ticker") == 0


def test_what_is_due_queued_dead_and_alive_is_counted(web: TestClient, database: str) -> None:
    with make.connect(database) as conn:
        tenant = make.tenant(conn)
        now = make.now(conn)
        make.schedule(conn, tenant, next_fire_at=now - timedelta(seconds=90))
        make.schedule(conn, tenant, next_fire_at=now + timedelta(hours=1))
        make.schedule(conn, tenant, next_fire_at=now - timedelta(seconds=5), status="paused")
        for _ in range(3):
            make.run(conn, tenant, queue="reports")
        make.run(conn, tenant, state="succeeded")
        conn.execute(
            "insert into dead_letters (id, run_id, slot_at, tenant_id, kind, cause, attempts, fence, state) "
            "select gen_random_uuid(), id, slot_at, tenant_id, 'http.call', 'rejected', 1, 1, 'open' from runs limit 2"
        )
        make.process(conn, role="ticker")
        make.process(conn, role="ticker", stopped_at=now)
        make.process(conn, role="ticker", leased_until=now - timedelta(seconds=1))
    assert gauge(web, "tocsin_due_schedules") == 1
    assert 90 <= gauge(web, "tocsin_oldest_due_seconds") < 120
    assert gauge(web, "tocsin_queue_depth", queue="reports") == 3
    assert gauge(web, "tocsin_runs", state="queued", kind="test.noop") == 3
    assert gauge(web, "tocsin_dead_letters", kind="http.call") == 2
    assert gauge(web, "tocsin_processes", role="ticker") == 1
    until(lambda: gauge(web, "tocsin_processes", role="web") == 1)


def test_what_waits_for_a_worker_is_as_old_as_its_release_and_what_is_held_back_does_not_wait(
    web: TestClient, database: str
) -> None:
    with make.connect(database) as conn:
        tenant, now = make.tenant(conn), make.now(conn)
        ago = now - timedelta(seconds=400)
        assert gauge(web, "tocsin_oldest_queued_seconds", queue="reports") == 0
        held = {"queue": "calls", "slot_at": ago, "available_at": ago, "state": "pending"}
        make.run(conn, tenant, **held, limited_by=["tenant"])
        make.run(conn, tenant, **held | {"available_at": "infinity"})
        make.run(conn, tenant, queue="calls", state="queued", released_at=now + timedelta(seconds=20))
        unknown = {"queue": "ai", "state": "pending", "reason": "no_worker_for_kind", "created_at": ago}
        make.run(conn, tenant, **unknown)
        make.run(conn, tenant, queue="reports", slot_at=ago, released_at=now - timedelta(seconds=90))
        make.run(conn, tenant, queue="reports")
    assert 90 <= gauge(web, "tocsin_oldest_queued_seconds", queue="reports") < 120
    assert gauge(web, "tocsin_oldest_queued_seconds", queue="calls") == 0
    assert 400 <= gauge(web, "tocsin_oldest_queued_seconds", queue="ai") < 430
    assert gauge(web, "tocsin_queue_depth", queue="ai") == 0


def test_a_message_is_as_old_as_its_writing_until_it_is_settled_also_while_it_is_tried(
    web: TestClient, database: str
) -> None:
    with make.connect(database) as conn:
        tenant, now = make.tenant(conn), make.now(conn)
        run = make.run(conn, tenant, slot_at=now, state="succeeded")
        assert gauge(web, "tocsin_oldest_delivery_seconds", channel="slack") == 0
        for number, state in enumerate(("pending", "sent", "sending")):
            written = now - timedelta(seconds=100 * (number + 1))
            make.delivery(conn, tenant, run, now, recipient=f"{state}@example.com", state=state, created_at=written)
        assert 300 <= gauge(web, "tocsin_oldest_delivery_seconds", channel="email") < 330
        conn.execute("delete from deliveries where state = 'sending'")
        assert 100 <= gauge(web, "tocsin_oldest_delivery_seconds", channel="email") < 130
        conn.execute("delete from deliveries where state = 'pending'")
        assert gauge(web, "tocsin_oldest_delivery_seconds", channel="email") == 0


def test_no_label_holds_a_tenant_or_an_id(web: TestClient) -> None:
    page = web.get("/metrics", headers=SHOWN).text
    labels = {
        name for family in text_string_to_metric_families(page) for sample in family.samples for name in sample.labels
    }
    assert labels <= {"kind", "state", "outcome", "queue", "role", "channel", "direction", "policy", "type", "version", "le"} | {
        "implementation", "major", "minor", "patchlevel", "generation"  # those of Python itself
    }  # fmt: skip


def test_while_the_database_is_away_the_process_still_tells_its_own(make_web: MakeWeb) -> None:
    web = make_web(f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    page = web.get("/metrics", headers=SHOWN)
    assert page.status_code == 200
    assert "tocsin_claimed_total" in page.text
    assert "tocsin_due_schedules" not in page.text
