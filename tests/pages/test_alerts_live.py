"""The rule's editor in a real browser: a threshold that is dragged, moved by keys and typed is judged on the past as it moves."""

from collections.abc import Callable
from math import sin
from time import monotonic
from urllib.parse import parse_qsl
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Page, Request, expect

from tests import make
from tests.pages.conftest import PHONE, Place, faults, overflow

SENTENCE = "#backtest .told"


@pytest.fixture(scope="module")
def graph(place: Place) -> UUID:
    """A graph that grows by one from hour to hour, to 2,400."""
    conn, source, graph = place.conn, uuid4(), uuid4()
    conn.execute(
        "create table figures as select at, row_number() over (order by at) as value "
        "from generate_series(date_trunc('hour', now()) - interval '2399 hours', now(), '1 hour') as at"
    )
    of = {"tenant_id": place.tenant, "name": "Orders"}
    make.insert(conn, "sources", {"id": source, **of, "type": "postgres", "url": place.site.database})
    asked = {"query": "select at, value from figures", "time_dimension": "at", "grain": "hour"}
    make.insert(conn, "graphs", {"id": graph, **of, "source_id": source, **asked})
    return graph


@pytest.fixture
def editor(place: Place, graph: UUID, browse: Callable[..., Page]) -> Page:
    """The editor of a new alert on the graph, checked hourly, above 2,000, where it would have fired once."""
    page: Page = browse(token=place.token)
    page.goto(f"{place.site.url}/alerts/new?graphId={graph}")
    page.get_by_label("Checked at").fill("0 * * * *")
    page.get_by_label("Threshold", exact=True).fill("2000")
    expect(page.locator(SENTENCE)).to_contain_text("1 notification, 0 resolved")
    return page


def test_a_threshold_that_is_dragged_is_judged_as_it_moves(editor: Page) -> None:
    field = editor.get_by_label("Threshold", exact=True)
    handle = editor.locator("#backtest .handle circle").bounding_box()
    plot = editor.locator("#backtest svg").bounding_box()
    assert handle
    assert plot
    before = editor.locator(SENTENCE).inner_text()
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    editor.mouse.move(x, y)
    editor.mouse.down()
    editor.mouse.move(x, y + 40, steps=4)
    # It is redrawn while the button is still held.
    expect(editor.locator(SENTENCE)).not_to_have_text(before)
    assert float(field.input_value()) < 2000
    editor.mouse.move(x, plot["y"] + 2, steps=6)
    editor.mouse.up()
    expect(editor.locator(SENTENCE)).to_have_text("In the last 90 days: nobody would have been told")
    assert float(field.input_value()) > 2400


def test_a_slider_is_dragged_with_the_mouse_across_redraws(editor: Page) -> None:
    field, slider, told = (
        editor.get_by_label("Threshold", exact=True),
        editor.locator("#slide-1"),
        editor.locator(SENTENCE),
    )
    expect(slider).to_be_visible()
    slider.scroll_into_view_if_needed()
    track = slider.bounding_box()
    assert track
    y = track["y"] + track["height"] / 2

    def value_at(share: float) -> float:
        editor.mouse.move(track["x"] + track["width"] * share, y, steps=4)
        return float(slider.input_value())

    low, high = (float(slider.get_attribute(name) or "") for name in ("min", "max"))
    value_at(0.7)
    editor.mouse.down()
    seen = [told.inner_text()]
    for share in (0.5, 0.3):
        value = value_at(share)
        assert value == pytest.approx(low + (high - low) * share, abs=(high - low) / 20)
        expect(told).not_to_have_text(seen[-1])
        seen.append(told.inner_text())
    # The pointer is still the slider's, after it was drawn anew twice.
    last = value_at(0.98)
    assert last > 2400
    editor.mouse.up()
    expect(told).to_have_text("In the last 90 days: nobody would have been told")
    assert float(field.input_value()) == float(slider.input_value()) == last


def test_a_slow_drag_is_redrawn_as_it_goes_one_question_at_a_time_and_the_last_place_is_asked(editor: Page) -> None:
    asked, answered, most = list[str](), 0, 0

    def ask(request: Request) -> None:
        nonlocal most
        if "is_draft=true" in request.url:
            asked.append(dict(parse_qsl(request.post_data))["threshold.thresholdValue:clear-number"])
            most = max(most, len(asked) - answered)

    def answer(request: Request) -> None:
        nonlocal answered
        answered += "is_draft=true" in request.url

    editor.on("request", ask)
    editor.on("requestfinished", answer)
    handle = editor.locator("#backtest .handle circle").bounding_box()
    assert handle
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    editor.mouse.move(x, y)
    editor.mouse.down()
    moves, ends = 0, monotonic() + 15
    # It never rests: what waits for a pause is never asked.
    while answered < 4 and monotonic() < ends:
        moves += 1
        editor.mouse.move(x, y + 40 + 30 * sin(moves / 10))
    assert answered >= 4
    assert len(asked) < moves / 3
    editor.mouse.move(x, y + 77)
    value = editor.get_by_label("Threshold", exact=True).input_value()
    while asked[-1] != value:
        editor.wait_for_event("request")
    assert most == 1
    editor.mouse.up()


def test_the_arrow_keys_move_it_likewise_and_keep_the_focus(editor: Page) -> None:
    field, slider = editor.get_by_label("Threshold", exact=True), editor.locator("#slide-1")
    expect(slider).to_be_visible()
    before = editor.locator(SENTENCE).inner_text()
    slider.focus()
    for _ in range(20):
        editor.keyboard.press("ArrowLeft")
    expect(editor.locator(SENTENCE)).not_to_have_text(before)
    assert float(field.input_value()) < 2000
    expect(slider).to_be_focused()
    editor.keyboard.press("End")
    expect(editor.locator(SENTENCE)).to_have_text("In the last 90 days: nobody would have been told")


def test_what_is_typed_is_explained_and_the_last_of_many_changes_wins(editor: Page) -> None:
    editor.get_by_label("Checked at").fill("0 9 * * 1-5")
    expect(editor.locator("#backtest")).to_contain_text("At 09:00, Monday through Friday")
    field = editor.get_by_label("Threshold", exact=True)
    for value in ("1900", "1800", "1700", "9999"):
        field.fill(value)
    expect(editor.locator(SENTENCE)).to_have_text("In the last 90 days: nobody would have been told")
    field.fill("")
    expect(editor.locator("#backtest")).to_contain_text("Type a threshold and see what it would have told in 90 days.")


def test_nothing_is_asked_and_nothing_said_to_be_wrong_before_there_is_a_threshold(
    place: Place, graph: UUID, browse: Callable[..., Page]
) -> None:
    page: Page = browse(token=place.token)
    asked, errors = list[str](), list[str]()
    page.on("request", lambda request: asked.append(request.url) if "/new/backtest" in request.url else None)
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    page.goto(f"{place.site.url}/alerts/new?graphId={graph}")
    expect(page.locator("#backtest")).to_have_text("Type a threshold and see what it would have told in 90 days.")
    # The question that typing leads to is held back by the page's own script, which hears of it first.
    page.evaluate(
        "() => { window.held = new Promise((tell) => document.addEventListener("
        "'htmx:config:request', (event) => tell(event.defaultPrevented), { once: true })) }"
    )
    page.get_by_label("Name").fill("Orders")
    assert page.evaluate("() => window.held") is True
    assert asked == []
    page.get_by_label("Checked at").fill("0 * * * *")
    page.get_by_label("Threshold", exact=True).fill("2000")
    expect(page.locator(SENTENCE)).to_contain_text("1 notification")
    assert errors == []


def test_an_alert_is_made_where_it_was_drawn_and_the_picture_can_be_used_by_everybody(editor: Page) -> None:
    assert faults(editor) == []
    editor.emulate_media(color_scheme="dark")
    assert faults(editor, "color-contrast") == []
    editor.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert overflow(editor) == 0
    editor.get_by_label("Name").fill("Too many orders")
    editor.get_by_label("People").fill("ann@example.com")
    editor.get_by_role("button", name="Make the alert").click()
    expect(editor.get_by_role("heading", level=1)).to_have_text("Too many orders")


def test_without_scripts_a_button_draws_it(place: Place, graph: UUID, browse: Callable[..., Page]) -> None:
    page = browse(token=place.token, script=False)
    page.goto(f"{place.site.url}/alerts/new?graphId={graph}")
    page.get_by_label("Threshold", exact=True).fill("2000")
    page.get_by_label("Checked at").fill("0 * * * *")
    page.get_by_role("button", name="Backtest").click()
    expect(page.locator(SENTENCE)).to_contain_text("1 notification")
    assert page.get_by_label("Threshold", exact=True).input_value() == "2000"
    expect(page.locator("#slide-1")).to_be_hidden()
