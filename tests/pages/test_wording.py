"""What pages call things: people by names, spans and recurrences in words, times by the clock that they were picked by."""

import re
from datetime import datetime
from urllib.parse import urlencode

import pytest

from api.pages import dashboards, times
from tests import make
from tests.api.conftest import Api, Two
from tests.api.tenanted import ROWS
from tests.pages.forms import fields_in
from tests.pages.test_rooms import place_of, post


@pytest.mark.parametrize("path", ["/runs", "/deliveries", "/dead-letters", "/dead-letters/list"])
def test_a_span_is_picked_by_the_clock_of_a_zone(api: Api, path: str) -> None:
    picked = {"from": "2026-03-01T10:00", "to": "2026-07-01T10:00:00", "zone": "Europe/Madrid"}
    shown = api("GET", f"{path}?{urlencode(picked)}")
    assert shown.status_code == 200
    fields = fields_in(shown.text, "Filter")
    assert {name: fields[name] for name in picked} == picked | {"from": "2026-03-01T10:00:00"}


def test_a_picked_span_is_one_of_instants() -> None:
    picked = [("state", "dead"), ("from", "2026-03-01T10:00"), ("to", "2026-07-01T10:00"), ("zone", "Europe/Madrid")]
    found = dict(times.as_instants(picked))
    assert datetime.fromisoformat(found["from"]) == datetime.fromisoformat("2026-03-01T09:00Z")
    assert datetime.fromisoformat(found["to"]) == datetime.fromisoformat("2026-07-01T08:00Z")
    assert found["state"] == "dead"
    instant = ("from", "2026-03-01T10:00:00Z")
    assert times.as_instants([instant, ("zone", "Asia/Tokyo")])[0] == instant
    assert times.as_instants([("from", "2026-03-01T10:00")]) == [("from", "2026-03-01T10:00")], "of other forms' clocks"
    assert times.as_instants([("zone", "Asia/Tokyo")]) == [], "a zone alone filters nothing"


def test_a_span_that_is_none_is_refused_and_a_zone_that_is_none_too(api: Api) -> None:
    for wrong in ({"from": "tomorrow", "zone": "UTC"}, {"from": "2026-03-01T10:00", "zone": "Nowhere/Town"}):
        assert api("GET", f"/runs?{urlencode(wrong)}").status_code == 422
    assert times.picked("tomorrow", "UTC") == times.picked("2026-03-01T10:00:00Z", "Nowhere/Town") == ""


def test_who_did_something_is_called_by_the_name_of_their_token(two: Two) -> None:
    # It was made by the admin's token, which is called "a test's".
    token = place_of(post(two.a, "/calendars/new", name="Ours", country="ES"))
    assert token.startswith("/calendars/")
    pages = [two.a("GET", "/audit-log").text]
    schedule_id = ROWS["schedule_id"](two.conn, two.a.tenant, "own")
    two.a("POST", f"/api/schedules/{schedule_id}/pause")
    pages.append(two.a("GET", f"/schedules/{schedule_id}/changes").text)
    run_id = ROWS["run_id"](two.conn, two.a.tenant, "own")
    made_by = "update runs set triggered_by = (select who from audit_log where tenant_id = %s limit 1) where id = %s returning 1"
    make.value(two.conn, made_by, two.a.tenant, run_id)
    pages.append(two.a("GET", f"/runs/{run_id}").text)
    for page in pages:
        text = re.sub(r'title="[^"]*"', "", page)
        assert "a test&#39;s (token)" in text
        assert not re.search(r"token:[0-9a-f]{8}-", text)


def test_a_change_is_told_without_the_words_of_a_language(two: Two) -> None:
    schedule_id = ROWS["schedule_id"](two.conn, two.a.tenant, "own")
    two.a("POST", f"/api/schedules/{schedule_id}/pause", json={"note": "a rest"})
    page = two.a("GET", f"/schedules/{schedule_id}/changes").text
    assert "<code>nothing</code> → <code>a rest</code>" in page
    assert "None" not in page


def test_a_story_says_who_and_how_long_in_words(two: Two) -> None:
    run_id = ROWS["run_id"](two.conn, two.a.tenant, "own")
    make.value(
        two.conn,
        "update runs set started_at = slot_at + interval '2 days 1 hour 5 minutes' where id = %s returning 1",
        run_id,
    )
    story = two.a("GET", f"/api/runs/{run_id}").json()["decision"]
    assert story[0].startswith("A run of the ")
    assert story[1].endswith(", 2 d 1 h after its slot.")


def test_an_expression_is_told_while_it_is_typed(api: Api) -> None:
    told = post(api, "/when", cron="0 9 * * 1", cronTimezone="Europe/Madrid").text
    assert "Monday" in told
    assert "(Europe/Madrid)" in told
    assert told.count("09:00") == 4, "in words, and its next three times"
    assert "UTC" in post(api, "/when", cronExpression="0 9 * * 1").text, "the tenant's zone"
    refused = post(api, "/when", cron="0 99 * * *")
    assert refused.status_code == 422
    assert 'class="reason"' in refused.text
    assert post(api, "/when", cron="").text.strip() == ""


def test_a_dashboard_says_of_each_graph_why_it_shows_nothing(api: Api, conn: make.Connection) -> None:
    graphs = [ROWS["graph_id"](conn, api.tenant, "own") for _ in range(dashboards.MOST_SHOWN + 1)]
    made = api("POST", "/api/dashboards", json={"name": "Ours", "graphIds": graphs}).json()["id"]
    quiet = api("GET", f"/dashboards/{made}").text
    assert "asked when you say so" in quiet
    shown = post(api, f"/dashboards/{made}/preview").text
    whys = re.findall(r'<p class="refused">(.+?)</p>', shown)
    assert len(whys) == len(graphs)
    assert [why.startswith("It was not asked") for why in whys] == [False] * dashboards.MOST_SHOWN + [True]


def test_settings_have_fields_of_their_own(api: Api) -> None:
    typed = {
        "settings.defaultTimezone:clear": "Europe/Madrid",
        "settings.recipientDomains:lines": "acme.example\nacme.test",
        "settings.noticesTo:lines": "",
        "settings.branding.name:clear": "Acme",
        "settings.branding.color:clear": "#0b5c66",
    }
    assert place_of(post(api, "/settings", name="Ours", **typed)) == "/settings"
    settings = api("GET", "/api/tenant").json()["settings"]
    assert settings == {
        "defaultTimezone": "Europe/Madrid",
        "recipientDomains": ["acme.example", "acme.test"],
        "branding": {"name": "Acme", "color": "#0b5c66"},
    }
    fields = fields_in(api("GET", "/settings").text, "Save")
    assert fields["settings.branding.name:clear"] == "Acme"
    assert place_of(post(api, "/settings", **fields)) == "/settings"
    assert api("GET", "/api/tenant").json()["settings"] == settings, "what nobody touched stays"
    cleared = {name: "" for name in fields if name.startswith("settings.")}
    post(api, "/settings", **{"name": "Ours", **cleared})
    assert api("GET", "/api/tenant").json()["settings"] == {}
    refused = post(api, "/settings", **{**fields, "settings.branding.color:clear": "red"})
    assert refused.status_code == 422
    assert 'value="red"' in refused.text


def test_a_sample_of_a_template_that_is_edited_is_in_the_typed_words(api: Api, conn: make.Connection) -> None:
    template_id = ROWS["template_id"](conn, api.tenant, "own")
    form = api("GET", f"/templates/{template_id}/edit").text
    assert "<code>headline</code>" in form
    sample = post(api, f"/templates/{template_id}/preview", **{"name": "x", "subject:clear": "Look: {{ unit }}"})
    assert "Look: " in sample.text
    assert "sandbox" in sample.headers["content-security-policy"]
    assert "Look: " not in api("GET", f"/templates/{template_id}/sample").text


def test_without_hosting_no_tenant_is_made_or_suspended(two: Two) -> None:
    page = Api(two.web, two.conn, "operator")("GET", "/tenants").text
    is_hosting = "TOCSIN_HOSTING is off" not in page
    assert ("/suspend" in page) == ("Make it" in page) == is_hosting
