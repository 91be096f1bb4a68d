"""The alerts' room: what the list and an alert's page say, what its form makes, and what a threshold would have told."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from api.app import create_app
from api.charts.backtest import step_of
from api.kpi_alert_rows import Move
from api.pages.alert_courses import spans_of
from api.pages.alert_forms import CONDITION_WORDS, MEASURE_WORDS
from api.pages.alerts import SIGNS
from local.postgres import Postgres
from local.redis import Redis
from tests import make
from tests.api.conftest import Api, TestClient, settings_of
from tests.api.tenanted import ROWS, report
from tests.conftest import copied
from tests.pages.forms import fields_in
from tests.pages.test_refusals import lines_of
from tests.pages.test_rooms import EVIL, place_of, post, said
from tests.workers.wire import LOOPBACK
from workers.alert_book import facts_of
from workers.alerting.conditions import CONDITIONS
from workers.alerting.policy import Policy

QUERY = "select at, orders as value from figures"


@pytest.fixture(scope="module")
def near(postgres: Postgres, template: str, redis_server: Redis) -> Iterator[tuple[TestClient, make.Connection, str]]:
    """A web application that may ask its own machine, where there are figures: 10 but for two nights of 100."""
    with (
        copied(postgres, template) as url,
        make.connect(url) as conn,
        TestClient(create_app(settings_of(url, redis_server.url, egress_allow=LOOPBACK))) as web,
    ):
        yield web, conn, url


@pytest.fixture
def api(near: tuple[TestClient, make.Connection, str]) -> Api:
    """A tenant of its own."""
    return Api(near[0], near[1])


@pytest.fixture
def conn(near: tuple[TestClient, make.Connection, str]) -> make.Connection:
    return near[1]


@pytest.fixture
def watched(api: Api, near: tuple[TestClient, make.Connection, str]) -> str:
    """A graph of hourly figures of the tenant's own: two nights of three hours stand out."""
    _, conn, url = near
    conn.execute("drop table if exists figures")
    conn.execute(
        "create table figures as select at, case when extract(epoch from date_trunc('hour', now()) - at) / 3600 "
        "in (100, 101, 102, 500, 501, 502) then 100 else 10 + extract(hour from at) / 10 end as orders "
        "from generate_series(date_trunc('hour', now()) - interval '100 days', now(), '1 hour') as at"
    )
    source = api("POST", "/api/sources", json={"name": "figures", "url": url}).json()["id"]
    graph = {"name": "Orders", "sourceId": source, "query": QUERY, "timeDimension": "at", "grain": "hour"}
    return str(api("POST", "/api/graphs", json=graph).json()["id"])


def rule(graph_id: str, threshold: object = 50, cron: str = "0 * * * *", **more: str) -> dict[str, str]:
    """A form as the editor sends it."""
    return {
        "alertType": "threshold",
        "alertName": "Many orders",
        "recipients.people:lines": "ann@example.com\nbob@example.com",
        "graphId": graph_id,
        "threshold.measure": "value",
        "threshold.condition": "GREATER_THAN",
        "threshold.thresholdValue:clear-number": str(threshold),
        "threshold.checkCron:clear": cron,
        **more,
    }


def told(page: str) -> str:
    """The sentence of a backtest."""
    [found] = re.findall(r'<p class="told"><strong>([^<]+)</strong>', page)
    return str(found)


def checked(conn: make.Connection, api: Api, alert_id: str, sentence: str = "60 is above 50") -> UUID:
    """A run of an alert that fired and told somebody."""
    schedule_id = make.value(conn, "select schedule_id from kpi_alerts where id = %s", alert_id)
    slot = make.now(conn) - timedelta(hours=2)
    segment = {
        "segment": "",
        "measured": "60",
        "thresholdLow": "50",
        "thresholdHigh": "50",
        "state": "firing",
        "outcome": "fired",
        "notified": True,
        "sentence": sentence,
    }
    assert api.tenant
    of = {
        "schedule_id": schedule_id,
        "origin": "schedule",
        "slot_at": slot,
        "state": "succeeded",
        "kind": "kpi.threshold",
    }
    run_id = make.run(conn, api.tenant, **of, outcome=Jsonb({"segments": [segment], "sentence": "so"}))
    make.delivery(conn, api.tenant, run_id, slot, recipient="ann@example.com", state="sent", sent_at=slot)
    move = {"alert_id": alert_id, "segment": "", "previous_state": "ok", "state": "firing", "value": 60}
    make.insert(
        conn,
        "alert_events",
        {"id": uuid4(), "tenant_id": api.tenant, **move, "reason": "it crossed", "slot_at": slot, "run_id": run_id},
    )
    return run_id


def test_every_condition_and_measure_has_its_words() -> None:
    assert set(CONDITION_WORDS) == set(SIGNS) == set(CONDITIONS)
    assert set(MEASURE_WORDS) == set(Policy.model_json_schema()["properties"]["measure"]["enum"])


def test_the_list_shows_how_each_alert_stands_and_is_filtered(api: Api, conn: make.Connection) -> None:
    calm, loud = (ROWS["alert_id"](conn, api.tenant, word) for word in ("calm", "loud"))
    assert api.tenant
    sent = report(conn, api.tenant, "weekly")
    conn.execute(
        "update alert_states set state = 'firing', value = 612, memory = %s where alert_id = %s",
        (Jsonb({"last_notified_at": "2026-01-05T08:00:00Z"}), loud),
    )
    api("POST", f"/alerts/{calm}/pause", follow_redirects=False)
    page = api("GET", "/alerts").text
    assert {"612", "firing", "paused", "report"} <= set(re.findall(r">([^<>]+)<", page))
    for query, shown in {
        "show=firing": {loud},
        "show=ok": {calm},
        "show=paused": {calm},
        "show=report": {sent},
        "search=LOU": {loud},
        "search=lo&show=paused": set(),
    }.items():
        assert set(re.findall(r'href="/alerts/([0-9a-f-]{36})"', api("GET", f"/alerts?{query}").text)) == shown, query
    assert "Nothing matches" in api("GET", "/alerts?search=nothing").text
    assert api("GET", "/alerts?show=purple").status_code == 422


def test_the_list_marks_what_could_not_be_checked_and_what_is_silenced(api: Api, conn: make.Connection) -> None:
    assert api.tenant
    calm, blind, blinded = (ROWS["alert_id"](conn, api.tenant, word) for word in ("calm", "blind", "blinded"))
    moment = make.now(conn)
    checks: dict[str, list[dict[str, Any]]] = {
        calm: [{"state": "succeeded", "outcome": {"outcomes": {"ok": 1}}}, {"state": "dead"}],
        blind: [{"state": "succeeded", "outcome": {"outcomes": {"could_not_check": 1}}}],
        blinded: [{"state": "dead"}, {"state": "succeeded", "outcome": {"outcomes": {"ok": 1}}}],
    }
    for alert_id, runs in checks.items():
        schedule_id = make.value(conn, "select schedule_id from kpi_alerts where id = %s", alert_id)
        for number, run in enumerate(runs):
            slot = moment - timedelta(minutes=number + 1)
            make.run(conn, api.tenant, schedule_id=schedule_id, origin="schedule", slot_at=slot, attempt=1, **run)
    for alert_id, segment in ((calm, "*"), (blind, "north-*")):
        silence = {"name": f"Works {EVIL}", "alertId": alert_id, "durationSeconds": 3600, "segment": segment}
        assert api("POST", "/api/silences", json=silence).status_code == 201
    page = api("GET", "/alerts").text
    assert EVIL not in page
    rows = dict(re.findall(r'<tr id="alert-([0-9a-f-]+)">(.*?)</tr>', page, re.DOTALL))
    marks = {alert_id: set(re.findall(r'class="state \w+"[^>]*>([\w ]+)', row)) for alert_id, row in rows.items()}
    assert {word: marks[alert_id] - {"ok"} for word, alert_id in (("calm", calm), ("blind", blind))} == {
        "calm": {"silenced"},
        "blind": {"could not check", "partly silenced"},
    }
    assert "could not check" in marks[blinded]


def test_a_firing_is_acknowledged_and_snoozed_from_its_page(api: Api, conn: make.Connection) -> None:
    assert api.tenant
    alert_id = ROWS["alert_id"](conn, api.tenant, "own")
    path = f"/alerts/{alert_id}"
    assert "Acknowledge" not in api("GET", path).text
    assert post(api, f"{path}/acknowledge").status_code == 409
    conn.execute("update alert_states set state = 'firing', since = now() where alert_id = %s", (alert_id,))
    assert "Acknowledge" in api("GET", path).text
    assert place_of(post(api, f"{path}/acknowledge")) == place_of(post(api, f"{path}/snooze")) == path
    facts = facts_of(conn, api.tenant, UUID(alert_id), make.now(conn))
    assert facts.is_acknowledged("", make.now(conn) - timedelta(minutes=1))
    assert facts.snoozed_until is not None
    assert abs(facts.snoozed_until - make.now(conn) - timedelta(days=1)) < timedelta(minutes=1)
    page = api("GET", path).text
    assert "Somebody acknowledged it" in page
    assert "Snoozed until" in page
    # Of another firing it says nothing.
    conn.execute("update alert_states set since = now() where alert_id = %s", (alert_id,))
    assert "Somebody acknowledged it" not in api("GET", path).text
    for seconds in (59, 30 * 86400 + 1):
        assert api("POST", f"/api/kpi-alerts/{alert_id}/snooze", json={"seconds": seconds}).status_code == 422


def test_an_alerts_page_draws_its_course_and_says_who_got_what(api: Api, conn: make.Connection) -> None:
    alert_id = ROWS["alert_id"](conn, api.tenant, "own")
    conn.execute("update alert_states set state = 'firing', value = 60 where alert_id = %s", (alert_id,))
    run_id = checked(conn, api, alert_id)
    silence = {"name": "Stocktaking", "alertId": alert_id, "durationSeconds": 3600}
    assert api("POST", "/api/silences", json=silence).status_code == 201
    page = unescape(api("GET", f"/alerts/{alert_id}").text)
    assert "1 checks, 1 times firing, 1 times somebody was told; the newest: 60" in page
    assert "fired: 60 is above 50; to ann@example.com (sent)" in page
    assert 'fill="url(#hatch)"' in page
    assert "Silenced until" in page
    assert f'href="/runs/{run_id}"' in page
    assert "it crossed" in page
    assert api("GET", f"/alerts/{alert_id}?days=91").status_code == 422


def test_what_tenants_write_is_text_on_every_page_of_an_alert(api: Api, conn: make.Connection, watched: str) -> None:
    made = post(api, "/alerts/new", *rule(watched, alertName=EVIL, description=EVIL).items())
    path = place_of(made)
    row_id = path.rpartition("/")[2]
    checked(conn, api, row_id, EVIL)
    conn.execute("update alert_events set reason = %s where tenant_id = %s", (EVIL, api.tenant))
    for page in ("/alerts", path, f"{path}/edit", "/alerts/new"):
        shown = api("GET", page).text
        assert EVIL not in shown
    assert api("GET", path).text.count("&lt;script&gt;alert(1)") >= 4


def test_the_editor_makes_an_alert_and_keeps_what_it_does_not_show(api: Api, watched: str) -> None:
    more = {"threshold.guards.forSeconds:clear-number": "600", "recipients.roles:list": "admin"}
    made = post(api, "/alerts/new", *rule(watched, **more).items())
    path = place_of(made)
    assert "Many orders is made" in said(made)
    alert = api("GET", f"/api/kpi-alerts/{path.rpartition('/')[2]}").json()
    assert alert["recipients"] == ["ann@example.com", "bob@example.com", {"role": "admin"}]
    assert alert["threshold"] == {
        "condition": "GREATER_THAN",
        "thresholdValue": "50",
        "checkCron": "0 * * * *",
        "timezone": "UTC",
        "guards": {"forSeconds": 600},
    }
    typed = fields_in(api("GET", f"{path}/edit").text, "Save")
    assert typed["threshold.thresholdValue:clear-number"] == "50"
    changed = typed | {"threshold.thresholdValue:clear-number": "55"}
    assert place_of(post(api, f"{path}/edit", *changed.items())) == path
    after = api("GET", f"/api/kpi-alerts/{alert['id']}").json()
    assert after["threshold"] == {**alert["threshold"], "thresholdValue": "55"}
    for name in ("recipients", "channels", "tags", "graphId", "templateId", "description", "alertName"):
        assert after[name] == alert[name], name
    late = post(api, f"{path}/edit", *typed.items())
    assert late.status_code == 412
    assert "changed since you read it" in late.text


def test_a_field_that_is_cleared_is_taken_away(api: Api, watched: str) -> None:
    path = place_of(
        post(api, "/alerts/new", *rule(watched, **{"threshold.guards.forSeconds:clear-number": "600"}).items())
    )
    typed = fields_in(api("GET", f"{path}/edit").text, "Save")
    typed |= {"threshold.guards.forSeconds:clear-number": ""}
    assert place_of(post(api, f"{path}/edit", *typed.items())) == path
    assert "guards" not in api("GET", f"/api/kpi-alerts/{path.rpartition('/')[2]}").json()["threshold"]


def test_the_editor_makes_a_scheduled_report_with_its_gate(api: Api, watched: str) -> None:
    form = {
        "alertType": "schedule",
        "alertName": "Weekly",
        "recipients.people:lines": "ann@example.com",
        "graphId:clear": watched,
        "schedule.cron:clear": "0 8 * * 1",
        "schedule.attachmentType": "pdf",
        "schedule.gatingCondition.expression:clear": "rows > 0",
        "schedule.gatingCondition.match": "all",
        "schedule.freshness.otherwise": "send",
        "schedule.freshness.maxAgeSeconds:clear-number": "",
    }
    path = place_of(post(api, "/alerts/new", *form.items()))
    found = api("GET", f"/api/kpi-alerts/{path.rpartition('/')[2]}").json()
    assert found["schedule"]["gatingCondition"] == {"expression": "rows > 0"}
    assert "freshness" not in found["schedule"]
    typed = fields_in(api("GET", f"{path}/edit").text, "Save")
    assert place_of(post(api, f"{path}/edit", *typed.items())) == path
    assert api("GET", f"/api/kpi-alerts/{found['id']}").json()["schedule"] == found["schedule"]
    page = api("GET", path).text
    assert "Send now" in page
    assert "rows &gt; 0" in page


def test_a_refused_rule_is_shown_again_with_the_reason_at_its_field(api: Api, watched: str) -> None:
    answer = post(api, "/alerts/new", *rule(watched, cron="never").items())
    assert answer.status_code == 422
    assert 'value="never"' in answer.text
    assert 'id="f-threshold-checkCron-wrong"' in answer.text


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        (
            {"recipients.people:lines": "ann@example.com\nann at example"},
            "recipients-people",
            "People, no. 2 takes one plain e-mail address",
        ),
        ({"threshold.checkCron:clear": "never"}, "threshold-checkCron", "Checked at "),
        ({"threshold.thresholdValue:clear-number": ""}, "threshold-thresholdValue", "Threshold is missing"),
        (
            {"threshold.condition": "BETWEEN"},
            "threshold-thresholdHigh",
            "Upper threshold: BETWEEN takes a “Upper threshold” that is not below “Threshold”",
        ),
        ({"alertName": EVIL * 20}, "alertName", "Name: "),
    ],
)
def test_a_refusal_names_each_field_by_its_label_and_gives_the_reason_at_it(
    api: Api, watched: str, typed: dict[str, str], field: str, said: str
) -> None:
    page = post(api, "/alerts/new", *(rule(watched) | typed).items()).text
    first, *found = lines_of(page)
    assert first == "Not saved."
    assert found[0].startswith(said)
    assert f'href="#f-{field}"' in page
    assert f'id="f-{field}-wrong"' in page
    assert EVIL not in page


def test_a_rule_without_its_threshold_is_not_drawn_but_asked_for(api: Api, watched: str) -> None:
    blank = {"threshold.thresholdValue:clear-number": ""}
    for typed, asked in (
        (blank, "Type a threshold and see what it would have told in 90 days."),
        (blank | {"try.days:number": "1"}, "Type a threshold and see what it would have told in a day."),
        ({"threshold.condition": "OUTSIDE"}, "Type the upper threshold too and see"),
        ({"graphId": ""}, "Choose a graph and see"),
    ):
        page = post(api, "/alerts/new/backtest", *(rule(watched) | typed).items())
        assert page.status_code == 200
        assert asked in page.text
    none = post(api, "/alerts/new/backtest", *(rule(watched) | blank | {"threshold.measure": "noData"}).items())
    assert "Type a threshold" not in none.text


def test_a_backtest_says_what_would_have_been_told(api: Api, watched: str) -> None:
    page = post(api, "/alerts/new/backtest", *rule(watched).items())
    assert page.status_code == 200
    assert told(page.text) == "In the last 90 days: 4 notifications, 2 resolved, longest 3 h"
    assert page.text.count('class="of-firing"') == 2
    assert 'data-field="threshold.thresholdValue"' in page.text
    calm = post(api, "/alerts/new/backtest", *rule(watched, 200).items())
    assert told(calm.text) == "In the last 90 days: nobody would have been told"
    week = post(api, "/alerts/new/backtest", *rule(watched, **{"try.days:number": "7"}).items())
    assert told(week.text) == "In the last 7 days: 2 notifications, 1 resolved, longest 3 h"


def test_an_alert_by_an_interval_is_tried_and_saved_at_its_interval(api: Api, watched: str) -> None:
    timing = {"intervalSeconds": 43_200, "intervalAnchor": "2026-01-01T03:30:00Z"}
    alert = {"alertName": "x", "graphId": watched, "recipients": ["a@example.com"]}
    made = api("POST", "/api/kpi-alerts", json={**alert, "threshold": {"thresholdValue": 50, **timing}}).json()
    [told] = re.findall(r"<dt>Checked</dt><dd>(.*?)</dd>", api("GET", f"/alerts/{made['id']}").text)
    assert re.sub(r"<[^>]*>", "", told) == "every 12 h, counted from 1 Jan 2026, 03:30:00 UTC; its schedule"
    assert "Interval" not in api("GET", f"/alerts/{made['id']}").text
    form = fields_in(api("GET", f"/alerts/{made['id']}/edit").text, "Save")
    assert form["threshold.checkCron:clear"] == ""
    tried = post(api, f"/alerts/{made['id']}/backtest", *form.items())
    assert "Checked: Every 12 h" in tried.text
    saved = post(api, f"/alerts/{made['id']}/edit", *form.items())
    assert saved.status_code < 400
    kept = api("GET", f"/api/kpi-alerts/{made['id']}").json()["threshold"]
    assert timing.items() <= kept.items()
    assert "checkCron" not in kept


def test_a_source_is_asked_once_for_all_the_thresholds_that_are_tried(
    api: Api, conn: make.Connection, watched: str
) -> None:
    assert "4 notifications" in post(api, "/alerts/new/backtest", *rule(watched).items()).text
    conn.execute("drop table figures")
    again = post(api, "/alerts/new/backtest?is_draft=true", *rule(watched, 99.5).items())
    assert told(again.text) == "In the last 90 days: 4 notifications, 2 resolved, longest 3 h"
    # What was given to one caller is shown to no other, and nothing old of a graph that was changed.
    other = api.of_scope(conn, "write")
    assert post(other, "/alerts/new/backtest", *rule(watched).items()).status_code == 422
    api("PATCH", f"/api/graphs/{watched}", json={"description": "another"})
    api("PATCH", f"/api/graphs/{watched}", json={"query": f"{QUERY} where true"})
    assert post(api, "/alerts/new/backtest", *rule(watched).items()).status_code == 422


def test_while_it_is_dragged_a_threshold_is_judged_by_fewer_checks_and_says_so(api: Api, watched: str) -> None:
    draft = post(api, "/alerts/new/backtest?is_draft=true", *rule(watched, cron="*/5 * * * *").items())
    assert told(draft.text).startswith("In the last 90 days: about 4 notifications")
    assert "by all of them once you let go" in draft.text
    exact = post(api, "/alerts/new/backtest", *rule(watched, cron="*/5 * * * *").items())
    assert told(exact.text) == "In the last 90 days: 4 notifications, 2 resolved, longest 3 h"
    minutely = post(api, "/alerts/new/backtest?is_draft=true", *rule(watched, cron="* * * * *").items())
    assert told(minutely.text).startswith("In the last 7 days")


def test_htmx_gets_the_picture_alone(api: Api, watched: str) -> None:
    form = rule(watched)
    answer = api("POST", "/alerts/new/backtest", data=form, headers={"HX-Request": "true"})
    assert answer.text.strip().startswith('<section id="backtest"')
    refused = api("POST", "/alerts/new/backtest", data=form | {"graphId": str(uuid4())}, headers={"HX-Request": "true"})
    assert refused.status_code == 422
    assert refused.text.strip().startswith('<section id="backtest"')
    assert "Graph: there is no graph" in refused.text


def test_an_alert_is_paused_resumed_tested_and_deleted(api: Api, watched: str) -> None:
    path = place_of(post(api, "/alerts/new", *rule(watched, 5).items()))
    tested = api("POST", f"{path}/test")
    assert "nothing was stored, nobody was told" in tested.text
    assert "is above 5" in tested.text
    assert "paused" in said(post(api, f"{path}/pause"))
    assert "Resume" in api("GET", path).text
    assert "resumed" in said(post(api, f"{path}/resume"))
    assert place_of(post(api, f"{path}/check")) == path
    assert place_of(post(api, f"{path}/delete")) == "/alerts"
    assert api("GET", path).status_code == 404


def test_the_states_of_a_segment_are_spans_without_a_gap() -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    at = [first + timedelta(hours=hour) for hour in range(5)]

    def move(before: str, after: str, when: datetime) -> Move:
        return Move(uuid4(), "", before, after, None, "", when, uuid4(), when)

    moves = [move("firing", "ok", at[3]), move("ok", "firing", at[1])]
    assert spans_of(moves, "ok", at[0], at[4]) == [(at[0], at[1], "ok"), (at[1], at[3], "firing"), (at[3], at[4], "ok")]
    assert spans_of(moves, "ok", at[2], at[4]) == [(at[2], at[3], "firing"), (at[3], at[4], "ok")]
    assert spans_of([], "no_data", at[0], at[4]) == [(at[0], at[4], "no_data")]
    assert spans_of([], None, at[0], at[4]) == []


@pytest.mark.parametrize(("reach", "step"), [(400, "1"), (175, "0.5"), (1e6, "5000"), (0.003, "0.00001")])
def test_a_slider_steps_by_round_numbers(reach: float, step: str) -> None:
    assert step_of(reach) == Decimal(step)
