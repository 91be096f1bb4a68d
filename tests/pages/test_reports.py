"""Scheduled reports and their definitions: forms by the definition's parameters, previews that send nothing, and how it went."""

import pytest

from api.charts import durations
from tests.api.conftest import Api, Two
from tests.api.tenanted import ROWS, execution
from tests.pages.test_rooms import EVIL, place_of, post

FIELDS = {
    "name": "Ours",
    "cronExpression": "0 8 * * 1",
    "timezone": "Europe/Madrid",
    "exportFormats:list": "csv",
    "errorAfter:clear-number": "",
}


@pytest.fixture
def definition(two: Two) -> str:
    """The name of a definition with parameters of several types, of a source that can't be asked."""
    source_id = ROWS["source_id"](two.conn, two.a.tenant, "own")
    parameters = [
        {"name": "period", "type": "period", "default": "last_full_month"},
        {"name": "plan", "type": "choice", "choices": ["free", "paid"]},
        {"name": "most", "type": "integer", "default": 10, "label": "Rows at most"},
    ]
    body = {"name": "sales", "sourceId": source_id, "query": "select 1", "parameters": parameters}
    made = two.a("POST", "/api/report-definitions", json=body)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def test_a_report_is_made_with_its_definitions_parameters(two: Two, definition: str) -> None:
    form = two.a("GET", "/reports/new?reportType=sales").text
    assert 'name="parameters.period"' in form
    assert "last_full_month" in form
    assert '<option value="paid"' in form
    made = post(
        two.a, "/reports/new", reportType="sales", **FIELDS, **{"parameters.plan": "paid", "parameters.most": ""}
    )
    path = place_of(made)
    report = two.a("GET", f"/api/scheduled-reports/{path.rpartition('/')[2]}").json()
    assert report["parameters"] == {"plan": "paid"}
    assert report["errorAfter"] is None
    page = two.a("GET", path).text
    assert "Monday" in page
    assert "Europe/Madrid" in page
    assert f"/reports/definitions/{definition}" in page


def test_a_parameter_that_was_left_blank_is_given_no_more(two: Two, definition: str) -> None:
    given = {"parameters.plan": "paid", "parameters.most": "5"}
    path = place_of(post(two.a, "/reports/new", reportType="sales", **FIELDS, **given))
    form = two.a("GET", f"{path}/edit").text
    assert 'value="5"' in form
    saved = post(two.a, f"{path}/edit", **FIELDS, **{"parameters.plan": "free", "parameters.most": ""})
    assert place_of(saved) == path
    report = two.a("GET", f"/api/scheduled-reports/{path.rpartition('/')[2]}").json()
    assert report["parameters"] == {"plan": "free"}
    assert report["timezone"] == "Europe/Madrid"


def test_a_refused_report_is_shown_with_what_was_typed_and_the_parameter_at_fault(two: Two, definition: str) -> None:
    fields = {**FIELDS, "name": EVIL, "parameters.period": "someday", "parameters.plan": "paid"}
    answer = post(two.a, "/reports/new", reportType="sales", **fields)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert 'value="someday"' in answer.text
    assert EVIL not in answer.text


def test_a_preview_tells_in_its_frame_why_there_is_none(two: Two, definition: str) -> None:
    before = two.a("GET", "/api/runs").json()
    for fields in ({"parameters.plan": "paid"}, {"parameters.plan": "neither"}, {"parameters.period": "someday"}):
        answer = post(two.a, "/reports/new/preview", reportType="sales", **fields)
        assert "sandbox" in answer.headers["content-security-policy"]
        assert "made like this" in answer.text or "not answer" in answer.text
    assert two.a("GET", "/api/runs").json() == before


def test_a_definition_tells_what_each_version_changed(two: Two, definition: str) -> None:
    path = f"/reports/definitions/{definition}"
    assert place_of(post(two.a, f"{path}/edit", title="Sales", **{"rowLimit:number": "10"})) == path
    page = two.a("GET", path).text
    assert "Title, Row limit" in page
    assert "the beginning" in page
    assert 'name="parameters.plan"' in page


def test_executions_have_their_files_and_how_long_they_took(two: Two) -> None:
    report_id = ROWS["report_id"](two.conn, two.a.tenant, "own")
    execution(two.conn, two.a.tenant, "own", report_id)  # type: ignore[arg-type]  # a tenant's
    page = two.a("GET", f"/reports/{report_id}").text
    assert "completed" in page
    assert "/download" in page
    assert "own.csv" in page
    assert "/download" not in two.a("GET", f"/reports/{ROWS['report_id'](two.conn, two.a.tenant, 'other')}").text


def test_a_report_is_run_paused_and_resumed_from_its_page(api: Api, two: Two) -> None:
    report_id = ROWS["report_id"](two.conn, api.tenant, "own")
    path = f"/reports/{report_id}"
    for verb, status in (("pause", "PAUSED"), ("resume", "ACTIVE")):
        assert place_of(post(api, f"{path}/{verb}")) == path
        assert api("GET", f"/api/scheduled-reports/{report_id}").json()["status"] == status
    assert place_of(post(api, f"{path}/run")) == path
    page = api("GET", path).text
    assert 'hx-trigger="every 2s"' in page
    assert "pending" in page


def test_a_plot_of_durations_says_each_and_draws_the_middle_and_the_slow() -> None:
    one = {"status": "COMPLETED", "scheduledFor": "2026-11-23T08:00:00Z", "duration": 1500}
    failed = {**one, "status": "FAILED", "duration": 500}
    assert durations.draw([one, failed, {**one, "duration": None}], 1000, 1500) == ""
    plot = durations.draw([one, one, failed, {**one, "duration": None}], 1000, 1500)
    assert plot.count("<rect") == 3
    assert plot.index('class="bad"') < plot.index('class="good"')
    assert "p50 1 s" in plot
    assert "p95 1.5 s" in plot
    assert "at most 1.5 s" in plot
    assert durations.draw([], None, None) == ""
