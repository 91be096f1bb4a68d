"""Pulses: what a job's page says of each number, what a preview leads to, and what a form changes."""

import re

import pytest

from api.pages import pulse_views
from tests.api.conftest import Api, Two
from tests.api.tenanted import ROWS
from tests.pages.test_rooms import EVIL, place_of, post, said
from tests.pages.written import TEXT, job, record
from workers.branding import Branding

TOLD = pulse_views.place("Mondays", "2026-10-15T06:00:00Z", "Europe/Madrid", "a run")


def shown(text: str = TEXT, **more: object) -> str:
    return pulse_views.report(record(text, **more), TOLD, Branding(), ())


def test_each_number_of_a_report_is_marked_by_what_was_found_of_it() -> None:
    page = shown()
    assert '<mark class="verified" title="verified">€12,345.67</mark>' in page
    assert '<mark class="unverified" title="unverified">777</mark> (unverified)' in page
    assert "Thu 15 Oct 2026" in page


def test_a_text_can_not_mark_itself() -> None:
    signs = "".join(pulse_views._MARKS)
    page = shown(f"Trust us: {signs[0]}999,999{signs[2]} orders.\n")
    assert 'class="verified"' not in page
    assert not set(signs) & set(page)


@pytest.mark.parametrize(
    "text",
    [
        "| day | revenue |\n|---|---|\n| 14 October | €12,345.67 |\n",
        "1. Revenue was €12,345.67\n2. Orders were 494\n",
        "### Revenue was €12,345.67\n\n> It was *€12,345.67*.\n",
        "Revenue was €12,345.67; [more](https://tocsin.example.com/12345.67).\n",
    ],
)
def test_marks_change_nothing_but_the_marks(text: str) -> None:
    page = shown(text)
    bare = shown(text, isFallback=True)
    assert "<mark " in page
    assert "<mark" not in bare
    assert re.sub(r"</?mark[^>]*>", "", page) == bare


def test_a_chart_is_drawn_though_numbers_stand_in_its_words() -> None:
    chart = '```chart\n{"graph": "Revenue", "kind": "line", "title": "Revenue was €12,345.67"}\n```\n'
    page = shown(f"Revenue was €12,345.67.\n\n{chart}")
    assert '<mark class="verified" title="verified">€12,345.67</mark>' in page
    assert 'src="data:image/png;base64,' in page
    assert "cid:" not in page


def test_a_jobs_page_tells_the_verdicts_and_folds_the_conversation(two: Two) -> None:
    job_id = job(two.conn, two.a.tenant)
    page = two.a("GET", f"/pulses/jobs/{job_id}").text
    assert "2 verified" in page
    assert "1 unverified" in page
    assert page.index(">777<") < page.index(">€12,345.67<")
    assert f'<iframe class="mail" src="/pulses/jobs/{job_id}/report"' in page
    assert page.count("<summary>Asked") == 1
    assert "hx-trigger" not in page


def test_what_a_model_wrote_is_text(two: Two) -> None:
    job_id = job(two.conn, two.a.tenant, f"Revenue was €12,345.67 {EVIL}\n", sentence=EVIL, troubles=[EVIL])
    for path in (f"/pulses/jobs/{job_id}", f"/pulses/jobs/{job_id}/report"):
        assert "<script>alert" not in two.a("GET", path).text


def test_evidence_that_can_not_be_read_any_more_is_told_in_the_frame(two: Two) -> None:
    job_id = job(two.conn, two.a.tenant, evidence={"of": "old"})
    answer = two.a("GET", f"/pulses/jobs/{job_id}/report")
    assert answer.status_code == 200
    assert "read any more" in answer.text


def test_a_preview_leads_to_a_job_that_renews_itself_until_it_is_done(two: Two) -> None:
    pulse_id = ROWS["pulse_id"](two.conn, two.a.tenant, "own")
    led = post(two.a, f"/pulses/{pulse_id}/preview")
    assert "sent to nobody" in said(led)
    page = two.a("GET", place_of(led)).text
    assert 'hx-trigger="every 2s"' in page
    assert place_of(led) not in two.a("GET", f"/pulses/{pulse_id}").text


def test_a_form_is_saved_and_previewed_by_one_button(api: Api) -> None:
    fields = {"name": "Ours", "prompt": "what is new?", "cron": "0 9 * * 2", "enabled:flag": "no"}
    rules = 'ann@example.com\n{"role": "viewer"}'
    made = post(api, "/pulses/new?then=preview", **fields, **{"recipients:lines": rules, "graphIds:list": ""})
    assert place_of(made).startswith("/pulses/jobs/")
    [pulse] = api("GET", "/api/pulse").json()
    assert pulse["recipients"] == ["ann@example.com", {"role": "viewer"}]
    assert pulse["graphIds"] is None
    page = api("GET", f"/pulses/{pulse['id']}").text
    assert "every member whose role is viewer" in page
    assert "Tuesday" in page
    assert place_of(post(api, f"/pulses/{pulse['id']}/enable")) == f"/pulses/{pulse['id']}"
    assert api("GET", f"/api/pulse/{pulse['id']}").json()["enabled"] is True


def test_pulses_are_found_by_their_words(api: Api) -> None:
    for name in ("Mondays", "Tuesdays"):
        post(api, "/pulses/new", name=name, prompt="what is new?", cron="@daily")
    page = api("GET", "/pulses?search=tues&enabled=true").text
    assert "Tuesdays" in page
    assert "Mondays" not in page


def test_a_pulse_that_recurs_by_its_schedule_is_edited_without_a_cron(two: Two) -> None:
    pulse_id = ROWS["pulse_id"](two.conn, two.a.tenant, "own")
    interval = {"cronExpression": None, "intervalSeconds": 3600}
    changed = two.a("PATCH", f"/api/schedules/{pulse_id}", json=interval)
    assert changed.status_code == 200, changed.text
    form = two.a("GET", f"/pulses/{pulse_id}/edit").text
    [field] = re.findall(r'<input id="f-cron"[^>]*>', form)
    assert "required" not in field
    saved = post(two.a, f"/pulses/{pulse_id}/edit", cron="", prompt="what changed?")
    assert place_of(saved) == f"/pulses/{pulse_id}"
    assert two.a("GET", f"/api/schedules/{pulse_id}").json()["intervalSeconds"] == 3600
    assert "Every 1 h" in two.a("GET", f"/pulses/{pulse_id}").text
    assert "Every 1 h" in two.a("GET", "/pulses").text
    assert "It recurs so: Every 1 h" in form
