"""What people change is written behind the wall, and without it where no role can be made."""

from typing import Any

import psycopg

from tests import make
from tests.api import tenanted
from tests.api.conftest import Api, MakeWeb, Place, Two
from tests.api.tenanted import ROUTES, A, later
from tocsin import checks


def test_every_change_that_the_api_makes_is_made_where_only_its_tenant_is(two_anywhere: Two) -> None:
    _web, conn, a, _b = two_anywhere
    story(conn, a)


def test_the_doctor_says_that_the_first_wall_stands_alone(plain: Place) -> None:
    with psycopg.connect(plain.url, autocommit=True) as conn:
        found = {check.name: check for check in checks.of_server(conn, make.now(conn))}
        assert checks.of_schema(conn).state == "ok"
    assert found["walls"].state == "warn"
    assert found["walls"].detail.startswith("the first wall stands alone")


def test_a_role_that_came_after_the_tables_is_no_wall(plain: Place, make_web: MakeWeb) -> None:
    with make.connect(plain.admin_url) as conn:
        conn.execute("create role tocsin_api nologin")
        conn.execute("grant tocsin_api to keeper")
        try:
            web = make_web(plain.url)
            a = Api(web, conn)
            assert a("POST", "/api/schedules", json=ROUTES["POST /api/schedules"].body).status_code == 201
            with psycopg.connect(plain.url, autocommit=True) as owner:
                found = {check.name: check.state for check in checks.of_server(owner, make.now(conn))}
            assert found["walls"] == "warn"
        finally:
            conn.execute("drop role tocsin_api")


def test_what_the_api_changes_is_written_by_the_role_behind_the_wall(two: Two) -> None:
    _web, conn, a, _b = two
    rows = ready(conn, a)
    conn.execute("create table writers (name text, who text); grant insert, select on writers to public")
    conn.execute(
        "create function note_writer() returns trigger language plpgsql as $$ begin "
        "insert into writers values (tg_table_name, current_user); return null; end $$"
    )
    written = {
        "schedules",
        "runs",
        "deliveries",
        "dead_letters",
        "sources",
        "members",
        "kpi_alerts",
        "audit_log",
        "tenants",
    }
    for name in written:
        conn.execute(
            f"create trigger note after insert or update or delete on {name} "
            "for each statement execute function note_writer()"
        )
    story(conn, a, rows)
    found = conn.execute("select distinct name, who from writers").fetchall()
    assert set(found) == {(name, "tocsin_api") for name in written}


def ready(conn: make.Connection, who: Api) -> dict[str, str]:
    """What only the engine makes, and people then change."""
    assert who.tenant
    return {
        "pending": tenanted.run(conn, who.tenant, A, state="pending", fence=0),
        "running": tenanted.run(conn, who.tenant, A, state="running", attempt=1),
        "dead": tenanted.run(conn, who.tenant, A, state="dead", attempt=1),
        "letter": tenanted.letter(conn, who.tenant, A),
        "other letter": tenanted.letter(conn, who.tenant, A),
        "many": tenanted.letter(conn, who.tenant, A),
        "failed": tenanted.delivery(conn, who.tenant, A, state="failed"),
        "sent": tenanted.delivery(conn, who.tenant, A, state="sent"),
    }


def story(conn: make.Connection, who: Api, rows: dict[str, str] | None = None) -> None:
    """Does all that somebody may do, and looks at what became of it."""
    rows = rows or ready(conn, who)

    def done(status: int, method: str, path: str, **body: Any) -> Any:
        answer = who(method, path, **({"json": body} if body else {}))
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    source = done(201, "POST", "/api/sources", name="sales", url="postgresql://r:hush@db.example.com:5432/sales")
    done(200, "PATCH", f"/api/sources/{source['id']}", name="sales of today")
    graph = done(201, "POST", "/api/graphs", name="orders", sourceId=source["id"], query="select 1")
    done(409, "DELETE", f"/api/sources/{source['id']}")
    alert = {"alertName": "low", "recipients": ["x@example.com"], "graphId": graph["id"]}
    limits = {"condition": "BETWEEN", "thresholdValue": "1", "thresholdHigh": "2"}
    made = done(201, "POST", "/api/kpi-alerts", **alert, threshold=limits)
    done(200, "PATCH", f"/api/kpi-alerts/{made['id']}", threshold={"checkCron": "@hourly"}, isActive=False)
    done(409, "DELETE", f"/api/graphs/{graph['id']}")
    done(204, "DELETE", f"/api/kpi-alerts/{made['id']}")

    # Weeks that have no partition yet are made by whoever asks for a slot of theirs.
    weeks = "select count(*) from pg_inherits where inhparent = 'runs'::regclass"
    before = make.value(conn, weeks)
    late = done(
        201, "POST", "/api/schedules", jobType="test.noop", scheduledAt=later(conn, days=-33), misfirePolicy="all"
    )
    assert make.value(conn, weeks) > before
    # An edit first plans what is due.
    done(200, "PATCH", f"/api/schedules/{late['id']}", scheduledAt=later(conn, days=3))
    past = done(201, "POST", "/api/schedules", jobType="test.noop", cronExpression="0 9 * * *", overlapPolicy="allow")
    before = make.value(conn, weeks)
    made_runs = done(
        202,
        "POST",
        f"/api/schedules/{past['id']}/backfill",
        **{"from": later(conn, days=-70), "to": later(conn, days=-50)},
    )["runIds"]
    assert len(made_runs) in (20, 21)
    assert make.value(conn, weeks) > before
    done(200, "PATCH", f"/api/schedules/{past['id']}", overlapPolicy="queue", name="no more at once")
    assert len(done(202, "POST", f"/api/schedules/{past['id']}/run")["runIds"]) == 1
    for action, status in (("pause", "paused"), ("resume", "active"), ("reschedule", "active")):
        assert done(200, "POST", f"/api/schedules/{past['id']}/{action}")["status"] == status
    done(204, "DELETE", f"/api/schedules/{past['id']}")
    assert done(200, "GET", f"/api/runs/{made_runs[0]}")["state"] == "cancelled"

    assert done(200, "POST", f"/api/runs/{rows['pending']}/cancel")["state"] == "cancelled"
    assert done(200, "POST", f"/api/runs/{rows['running']}/cancel")["cancelRequestedAt"]
    assert done(200, "POST", f"/api/runs/{rows['dead']}/retry")["state"] == "pending"
    assert done(200, "POST", f"/api/dead-letters/{rows['letter']}/replay")["state"] == "pending"
    done(204, "DELETE", f"/api/dead-letters/{rows['other letter']}")
    assert len(done(202, "POST", "/api/dead-letters/replay", kind="test.noop")["runIds"]) == 1
    assert done(200, "POST", f"/api/deliveries/{rows['failed']}/resend")["state"] == "pending"
    assert done(200, "POST", f"/api/deliveries/{rows['sent']}/resend", force=True)["state"] == "pending"

    member = done(201, "POST", "/api/members", subject="s", email="s@example.com")
    done(200, "PATCH", f"/api/members/{member['id']}", role="editor", isDisabled=True)
    done(204, "DELETE", f"/api/members/{member['id']}")
    token = done(201, "POST", "/api/tokens", name="t", scope="write")
    done(204, "DELETE", f"/api/tokens/{token['id']}")
    done(200, "PATCH", "/api/tenant", name="Ours", settings={"defaultTimezone": "Europe/Paris"})
    assert len(done(200, "GET", "/api/audit-log")["items"]) >= 20
