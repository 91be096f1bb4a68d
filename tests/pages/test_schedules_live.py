"""The schedules' room in a real browser: explained while it is typed, used by the keyboard alone, and without scripts."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from tests import make
from tests.pages.conftest import PHONE, Place, faults, overflow


@pytest.fixture
def page(place: Place, browse: Callable[..., Page]) -> Page:
    return browse(token=place.token)


def test_an_expression_is_explained_while_it_is_typed_and_saving_it_unchanged_changes_nothing(
    place: Place, page: Page
) -> None:
    page.goto(f"{place.site.url}/schedules/new?kind=http.call")
    seen = page.locator("#look")
    page.get_by_label("Zone").fill("Europe/Paris")
    page.get_by_label("Cron expression").fill("30 2 * * *")
    expect(seen).to_contain_text("At 02:30 (Europe/Paris)")
    expect(seen).to_contain_text("dstGap is end")
    page.get_by_label("Cron expression").fill("30 2 * * x")
    expect(seen).to_contain_text("cronExpression")
    # What is being typed keeps the focus.
    expect(page.get_by_label("Cron expression")).to_be_focused()
    page.get_by_label("Once").check()
    expect(page.get_by_label("Cron expression")).to_be_hidden()
    page.get_by_label("At", exact=True).fill("2031-07-01T09:00:30")
    expect(seen).to_contain_text("Tue 1 Jul 2031, 09:00:30")
    page.get_by_label("No slot before").first.evaluate("field => { field.closest('details').open = true }")
    page.get_by_label("Url").fill("https://example.com/")
    assert faults(page) == []
    page.get_by_role("button", name="Make the schedule").click()
    expect(page.locator(".said")).to_contain_text("is made")
    page.get_by_role("link", name="Edit").click()
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".said")).to_have_text("Nothing was changed.")


def test_a_herd_is_paused_by_the_keyboard_alone(place: Place, page: Page) -> None:
    for number in range(3):
        make.schedule(place.conn, place.tenant, name=f"Herd {number}", cron="0 9 * * *", tags=["herd"])
    page.goto(f"{place.site.url}/schedules?tag=herd")
    page.get_by_label("Tick all on this page").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Pause…", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Pause 3 schedules")
    assert faults(page) == []
    page.get_by_label("Note").focus()
    page.keyboard.type("the bank is closed")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".said")).to_have_text("3 schedules are paused.")
    expect(page.get_by_text("the bank is closed")).to_have_count(3)


def test_a_schedule_with_runs_and_a_calendar_can_be_read_by_everybody(place: Place, page: Page) -> None:
    moment = make.now(place.conn)
    schedule_id = make.schedule(place.conn, place.tenant, name="Read", interval_seconds=7, timezone="Europe/Paris")
    for number, state in enumerate(("succeeded", "dead", "running", "skipped", "queued") * 8):
        slot = moment - timedelta(minutes=number)
        run = {"slot_at": slot, "state": state, "attempt": 1, "started_at": slot + timedelta(seconds=number)}
        if state in ("skipped", "queued"):
            run |= {"attempt": 0, "started_at": None}
        make.run(place.conn, place.tenant, schedule_id=schedule_id, origin="schedule", **run)
    for path in (f"/schedules/{schedule_id}?month=2027-03", "/schedules?search=read"):
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(place.site.url + path)
        assert faults(page) == []
        page.emulate_media(color_scheme="dark")
        assert faults(page) == []
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        assert overflow(page) == 0
        assert faults(page) == []
        page.emulate_media(color_scheme="light")


def test_without_scripts_the_form_explains_itself_on_a_button(place: Place, browse: Callable[..., Page]) -> None:
    page = browse(token=place.token, script=False)
    page.goto(f"{place.site.url}/schedules/new?kind=http.call")
    page.get_by_label("Cron expression").fill("*/5 * * * *")
    page.get_by_role("button", name="Show when it fires").click()
    expect(page.locator("#look")).to_contain_text("Every 5 minutes (UTC)")
    expect(page.get_by_label("Cron expression")).to_have_value("*/5 * * * *")
    page.get_by_role("button", name="Make the schedule").click()
    # The browser itself asks for what is required.
    expect(page.get_by_label("Url")).to_be_focused()
    page.get_by_label("Url").fill("https://example.com/")
    page.get_by_role("button", name="Make the schedule").click()
    expect(page.locator(".said")).to_contain_text("is made")
