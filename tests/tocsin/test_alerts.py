"""`tocsin graphs`, `dashboards`, `alerts` and `silences` from end to end, on a real source."""

import json
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from tests import make
from tests.tocsin.conftest import Tocsin

FIGURES = [100, 90, 40, 45, 95, 20, 100]
THRESHOLD = {"condition": "LESS_THAN", "thresholdValue": 50, "checkCron": "0 0 * * *"}


@pytest.fixture
def alert(tocsin: Tocsin, conn: make.Connection, database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of an alert on a graph of a week of figures."""
    monkeypatch.setenv("TOCSIN_EGRESS_ALLOW", "127.0.0.0/8")
    conn.execute("create table figures (day timestamptz, orders int)")
    for place, orders in enumerate(FIGURES):
        conn.execute("insert into figures values (%s, %s)", (f"2026-03-{place + 1:02}T00:00:00Z", orders))
    tocsin("sources", "create", "shop", "--url", database)
    graph = {"name": "orders", "source": "shop", "query": "select day, orders from figures", "valueColumn": "orders"}
    tocsin("graphs", "create", json.dumps(graph | {"timeDimension": "day", "grain": "day"}))
    body = {"alertName": "low", "recipients": ["ann@example.com"], "graph": "orders", "threshold": THRESHOLD}
    return str(tocsin("alerts", "create", json.dumps(body), "--json").json()["id"])


def test_graphs_dashboards_and_alerts_are_made_by_name_shown_and_deleted(
    tocsin: Tocsin, alert: str, tmp_path: Path
) -> None:
    file = tmp_path / "dashboard.json"
    file.write_text('{"name": "mondays", "graphs": ["orders"]}')
    dashboard = tocsin("dashboards", "create", f"@{file}", "--json").json()
    graph = tocsin("graphs", "show", "orders", "--json").json()
    assert dashboard["graphIds"] == [graph["id"]]
    shown = tocsin("alerts", "show", "low", "--json").json()
    assert (shown["id"], shown["graphId"], shown["isActive"]) == (alert, graph["id"], True)
    assert tocsin("alerts", "list", "--json").json() == [shown]
    assert "orders" in tocsin("graphs", "list").out
    assert tocsin("alerts", "show", alert).out.startswith("id ")

    assert "take it out of them first" in tocsin("graphs", "delete", "orders").complaint()
    for argv, said in (
        (("alerts", "create", "{"), "this is not JSON"),
        (("alerts", "create", "[]"), "takes a JSON object"),
        (("alerts", "create", "@/no/such/file"), "cannot read /no/such/file"),
        (("alerts", "create", '{"graph": "none"}'), "there is no graph none"),
        (("graphs", "create", '{"name": "x", "query": "q", "source": "none"}'), "there is no source none"),
        (("graphs", "create", '{"name": "x", "query": "q"}'), "sourceId: is required"),
        (("alerts", "show", "none"), "none"),
        (("alerts", "why", "low", "--at", "noon"), "--at: takes a time"),
    ):
        assert said in tocsin(*argv).complaint(), argv
    for argv in (("alerts", "delete", "low"), ("dashboards", "delete", "mondays"), ("graphs", "delete", "orders")):
        assert tocsin(*argv).status == 0, argv
    assert tocsin("alerts", "list").out == "no alerts yet\n"


def test_a_backtest_is_a_table_a_document_and_a_picture(tocsin: Tocsin, alert: str, tmp_path: Path) -> None:
    plot, span = tmp_path / "low.svg", ("--from", "2026-03-02T00:00:00Z", "--to", "2026-03-08T00:00:00Z")
    text = tocsin("alerts", "backtest", "low", *span, "--wanted", "1", "--plot", str(plot)).out
    assert plot.read_text().startswith("<svg")
    assert "2026-03-04T00:00:00Z" in text
    assert "of at most 1 wanted" in text.splitlines()[-1]
    found = tocsin("alerts", "backtest", alert, *span, "--json").json()
    assert (found["checks"], found["fired"], found["resolved"], found["suggestion"]) == (7, 2, 2, None)
    file = tmp_path / "rule.json"
    file.write_text(json.dumps({"graph": "orders", "threshold": THRESHOLD | {"thresholdValue": 30}}))
    assert tocsin("alerts", "backtest", f"@{file}", *span, "--json").json()["fired"] == 1
    assert "takes an instant after from" in tocsin("alerts", "backtest", "low", *span[:2], "--to", span[1]).complaint()
    assert tocsin("alerts", "backtest", "low", "--wanted", "many").status == 2


def test_what_an_alert_finds_found_and_told_is_said_in_sentences(
    tocsin: Tocsin, conn: make.Connection, alert: str
) -> None:
    assert tocsin("alerts", "test", "low", "--json").json()["outcome"] == "no_data"
    assert tocsin("alerts", "test", "low").out.count("\n") == 1
    with pytest.MonkeyPatch.context() as only:
        only.delenv("TOCSIN_EGRESS_ALLOW")
        away = tocsin("alerts", "test", "low")
    assert (away.status, "is not a public one" in away.out) == (1, True), away.out
    assert tocsin("alerts", "history", "low").out == "its states have not moved yet\n"
    assert tocsin("alerts", "why", "low").out.startswith("it had not been checked by ")

    tenant, schedule = conn.execute(
        "select tenant_id, schedule_id from kpi_alerts where id = %s", (alert,)
    ).fetchone() or (
        UUID(int=0),
        UUID(int=0),
    )
    record = {"outcome": "fired", "notified": True, "sentence": "20 is below 50"}
    slot = make.now(conn) - timedelta(minutes=1)
    of = {"schedule_id": schedule, "schedule_version": 1, "origin": "schedule", "kind": "kpi.threshold"}
    run = make.run(conn, tenant, **of, state="succeeded", slot_at=slot, outcome=record)
    make.delivery(conn, tenant, run, slot, state="sent", recipient="ann@example.com")
    said = tocsin("alerts", "why", "low").out.splitlines()
    assert said[0].endswith("20 is below 50")
    assert said[1].startswith("The message to ann@example.com (named in recipients) is sent")
    stranger = tocsin("alerts", "why", "low", "--recipient", "eve@example.com", "--json").json()
    assert "none of its recipients" in stranger["sentence"]
    assert "Its decision: 20 is below 50." in tocsin("why", str(run)).out


def test_an_alert_is_acknowledged_while_it_fires_and_snoozed_at_any_time(
    tocsin: Tocsin, conn: make.Connection, alert: str
) -> None:
    assert "does not fire" in tocsin("alerts", "acknowledge", "low").complaint()
    tenant, now = make.value(conn, "select tenant_id from kpi_alerts where id = %s", alert), make.now(conn)
    state = {"alert_id": alert, "tenant_id": tenant, "segment": "", "state": "firing", "run_id": uuid4()}
    make.insert(conn, "alert_states", state | {"since": now, "slot_at": now})
    assert tocsin("alerts", "acknowledge", "low").out == "the alert low: its reminders stop until it is over\n"
    of_one = tocsin("alerts", "acknowledge", alert, "--segment", "eu", "--json").json()
    assert (of_one["action"], of_one["segment"], of_one["until"]) == ("acknowledge", "eu", None)
    assert tocsin("alerts", "snooze", "low").out.startswith("the alert low: nobody is told until ")
    assert tocsin("alerts", "snooze", "low", "--seconds", "3600", "--json").json()["action"] == "snooze"
    spans = conn.execute("select until - created_at from message_actions where action = 'snooze' order by 1").fetchall()
    assert spans == [(timedelta(hours=1),), (timedelta(days=1),)]
    assert tocsin("alerts", "snooze", "low", "--seconds", "59").status == 2
    assert make.value(conn, "select count(*) from message_actions where acted_by like 'command%%'") == 4


def test_a_silence_is_begun_planned_and_ended(tocsin: Tocsin, conn: make.Connection, alert: str) -> None:
    begun = tocsin("silences", "create", '{"name": "a move", "alert": "low", "durationSeconds": 600}', "--json").json()
    assert (begun["alertId"], begun["isActive"]) == (alert, True)
    planned = {"name": "holidays", "startsAt": (make.now(conn) + timedelta(days=1)).isoformat(), "durationSeconds": 60}
    tocsin("silences", "create", json.dumps(planned))
    assert tocsin("silences", "end", "a move", "--json").json()["isActive"] is False
    assert "no silence a move that is not over" in tocsin("silences", "end", "a move").complaint()
    assert "is over" in tocsin("silences", "end", begun["id"]).complaint()
    assert tocsin("silences", "end", "holidays").out == "took the silence holidays back; it had not begun\n"
    assert [each["name"] for each in tocsin("silences", "list", "--json").json()] == ["a move"]
    for _ in range(2):
        tocsin("silences", "create", '{"name": "twice", "durationSeconds": 600}')
    assert "give the id of one" in tocsin("silences", "end", "twice").complaint()
