"""What lives in a page renews itself, and takes nothing from who reads it: focus, place, what is unfolded."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from api import tokens
from tests import make
from tests.pages.conftest import Place

FOCUSED = "() => document.activeElement.getAttribute('href')"


@pytest.fixture
def page(place: Place, browse: Callable[..., Page]) -> Page:
    shown: Page = browse(token=tokens.create(place.conn, place.tenant, "a reader's", "read")[1])
    # Its clock goes on as clocks do, and is put forward where a test would wait.
    shown.clock.install()
    return shown


def _moved(conn: make.Connection, run_id: UUID, fraction: float | None) -> None:
    """The run as far as it is; None: it is done. The guards look away."""
    told = "null" if fraction is None else f'{{"fraction": {fraction}, "note": "working"}}'
    with conn.transaction():
        conn.execute("set local session_replication_role to replica")
        conn.execute(
            "update runs set state = case when %(told)s = 'null' then 'succeeded' else 'running' end, attempt = 1, "
            "started_at = slot_at, progress = %(told)s::jsonb, finished_at = case when %(told)s = 'null' then now() end "
            "where id = %(id)s",
            {"told": told, "id": run_id},
        )


def test_a_run_is_watched_from_its_start_to_its_file_without_reading_the_page_anew(place: Place, page: Page) -> None:
    conn = place.conn
    run_id = make.run(conn, place.tenant)
    slot_at = make.value(conn, "select slot_at from runs where id = %s", run_id)
    page.goto(f"{place.site.url}/runs/{run_id}")
    page.evaluate("() => { window.isSame = true }")
    expect(page.locator("#live .state").first).to_have_text("queued")
    bar = page.locator("#live progress")
    _moved(conn, run_id, 0.25)
    page.clock.run_for(2_000)
    expect(bar).to_have_attribute("value", "25")
    step = {"run_id": run_id, "slot_at": slot_at, "tenant_id": place.tenant, "fence": 1}
    make.insert(conn, "run_steps", {**step, "name": "asked", "result": {"rows": 7}})
    page.clock.run_for(2_000)
    folded = page.locator("#step-1")
    folded.locator("summary").click()
    expect(folded.locator("pre")).to_be_visible()
    _moved(conn, run_id, 0.75)
    page.clock.run_for(2_000)
    expect(bar).to_have_attribute("value", "75")
    # What was unfolded stays so.
    expect(folded.locator("pre")).to_be_visible()
    make.artifact(conn, place.tenant, run_id, slot_at, name="the figures.xlsx", format="xlsx")
    _moved(conn, run_id, None)
    page.clock.run_for(2_000)
    expect(page.locator("summary", has_text="the figures.xlsx")).to_be_visible()
    expect(page.locator("#live .state").first).to_have_text("succeeded")
    expect(page.locator("#live")).not_to_have_attribute("hx-get", f"/runs/{run_id}")
    assert page.evaluate("() => window.isSame") is True


def test_a_list_that_is_read_anew_keeps_the_focus_and_the_place(place: Place, page: Page) -> None:
    moment = make.now(place.conn)
    old = [
        make.run(place.conn, place.tenant, slot_at=moment - timedelta(minutes=number), state="succeeded", attempt=1)
        for number in range(40)
    ]
    page.goto(f"{place.site.url}/runs")
    link = page.locator(f'a[href="/runs/{old[30]}"]')
    link.focus()
    link.scroll_into_view_if_needed()
    before = page.evaluate("() => window.scrollY")
    assert before > 0
    # One that is newer stands above it from now on.
    new = make.run(place.conn, place.tenant, slot_at=moment + timedelta(seconds=1), state="succeeded", attempt=1)
    page.clock.run_for(5_000)
    expect(page.locator(f'a[href="/runs/{new}"]')).to_be_attached()
    assert page.evaluate(FOCUSED) == f"/runs/{old[30]}"
    assert abs(page.evaluate("() => window.scrollY") - before) < 100


def test_how_long_ago_something_was_counts_on(place: Place, page: Page) -> None:
    moment = make.now(place.conn)
    make.schedule(place.conn, place.tenant, name="Soon", scheduled_at=moment + timedelta(minutes=30))
    page.goto(f"{place.site.url}/schedules?search=soon")
    shown = page.locator("td[data-label='Next fire'] time")
    before = shown.inner_text()
    assert before.startswith("in ")
    page.clock.run_for(600_000)
    expect(shown).not_to_have_text(before)
    assert shown.inner_text().startswith(("in 19 min", "in 20 min"))
