"""The same things by other ways: by keys alone, on a phone by day and by night, and without scripts."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from tests import make
from tests.pages.conftest import PHONE, faults, overflow
from tests.pages.stories.conftest import Story
from tests.system import until

MOST_STOPS = 80
# What has the focus: its text, and how wide the line around it is. Between a page's end and its start the browser has it.
STOP = """() => {
  const at = document.activeElement;
  if (at === document.body) return ["", 1];
  const look = getComputedStyle(at), name = at.labels?.[0]?.innerText ?? at.innerText;
  return [(name || at.getAttribute("aria-label") || at.name || "").trim(), look.outlineStyle === "none" ? 0 : parseFloat(look.outlineWidth)];
}"""
LIGHT = """element => { const [r, g, b] = getComputedStyle(element).backgroundColor.match(/[\\d.]+/g).map(Number);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b; }"""


@pytest.fixture
def dead(story: Story, tmp_path: Path) -> UUID:
    """A run that died by a bug of its kind, at its first attempt; the next one ends well."""
    params = {"file": str(tmp_path / "trace"), "bad": 1}
    body = {"jobType": "test.raise", "jobPayload": params, "name": "Night shift", "cronExpression": "0 4 29 2 *"}
    made = story.ask("POST", "/schedules", {**body, "maxAttempts": 1})
    story.ask("POST", f"/schedules/{made['id']}/run", {})
    return until(story.died, why=story.whole.site.logs)


def walk_to(page: Page, name: str) -> None:
    """Presses Tab until the focus is on what is named so; each stop on the way shows that it has the focus."""
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        found, line = page.evaluate(STOP)
        assert line > 0, f"the focus on {found!r} can't be seen"
        if found == name:
            return
    raise AssertionError(f"{MOST_STOPS} stops, and none is {name!r}")


def test_a_dead_run_is_found_read_and_tried_again_by_keys_alone(story: Story, page: Page, dead: UUID) -> None:
    page.goto(story.url)
    page.keyboard.press("Tab")
    assert page.evaluate(STOP)[0] == "Skip to the content"
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    walk_to(page, "Night shift")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Night shift")
    walk_to(page, "Runs")
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs")
    walk_to(page, "State")
    page.keyboard.type("dead")
    page.keyboard.press("Enter")
    walk_to(page, "Filter")
    page.keyboard.press("Enter")
    page.wait_for_url("**state=dead*")
    walk_to(page, "Skip to the content")
    page.keyboard.press("Enter")
    walk_to(page, "Night shift")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/runs/{dead}")
    walk_to(page, "Traceback")
    page.keyboard.press("Space")
    expect(page.locator("details pre")).to_contain_text("ValueError: a bug of this kind", use_inner_text=True)
    walk_to(page, "Skip to the content")
    walk_to(page, "Try again")
    page.keyboard.press("Space")
    expect(page.locator(".said")).to_contain_text("The run is open again")
    expect(page.locator("#live .state").first).to_have_text("succeeded", timeout=30_000)


def test_on_a_phone_a_firing_alert_is_read_by_day_and_by_night(story: Story, browse: Callable[..., Page]) -> None:
    alert = make.alert(story.conn, story.tenant)
    page = browse(token=story.token, size=PHONE)
    page.goto(story.url)
    menu = page.get_by_role("navigation", name="Rooms")
    expect(menu).to_be_hidden()
    page.get_by_text("Menu", exact=True).click()
    expect(menu).to_be_visible()
    assert overflow(page) == 0
    page.get_by_text("Menu", exact=True).click()
    expect(menu).to_be_hidden()
    page.get_by_text("Menu", exact=True).click()
    menu.get_by_role("link", name="Alerts").click()
    page.locator("th a").first.click()
    page.wait_for_url(f"**/alerts/{alert}")
    expect(menu).to_be_hidden()
    body = page.locator("body")
    assert overflow(page) == 0
    assert body.evaluate(LIGHT) > 200
    # It follows the phone as the night comes.
    page.emulate_media(color_scheme="dark")
    assert body.evaluate(LIGHT) < 50
    assert page.locator(".card").first.evaluate(LIGHT) < 60
    assert faults(page, "color-contrast", "target-size") == []
    for path in ("/", "/runs", "/deliveries", "/schedules", "/sources"):
        page.goto(story.url + path)
        assert overflow(page) == 0, path


def test_without_scripts_a_run_is_read_and_a_schedule_paused(
    story: Story, browse: Callable[..., Page], dead: UUID
) -> None:
    page = browse(token=story.token, script=False)
    page.goto(f"{story.url}/runs/{dead}")
    page.get_by_text("Traceback", exact=True).click()
    expect(page.locator("details pre")).to_contain_text("ValueError: a bug of this kind", use_inner_text=True)
    page.get_by_role("link", name="Its schedule").click()
    page.locator("summary", has_text="Pause").click()
    page.get_by_label("Note").fill("until it is mended")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".said")).to_contain_text("paused")
    expect(page.get_by_text("until it is mended")).to_be_visible()
