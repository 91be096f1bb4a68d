"""`python -m bench.page_gallery FOLDER [NAME ...]`: a picture of every page of the dashboard, of a Tocsin worth showing.

Each is looked at before it is kept: what isn't worth showing is a fault of the page.
"""

import argparse
import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from bench.shown import Shown, shown

CHROMIUM = "/usr/bin/chromium"
MOST_BYTES = 120_000
COLOURS = (160, 96, 64, 32)
DESK = {"width": 1180, "height": 760}
PHONE = {"width": 390, "height": 780}
TALLEST = 1500

# A picture's name, and its page; what is in braces is an id of `Fill`'s.
PAGES = {
    "overview": "/",
    "runs": "/runs",
    "run": "/runs/{run}",
    "run-dead": "/runs/{dead}",
    "run-files": "/runs/{exported}",
    "deliveries": "/deliveries",
    "delivery": "/deliveries/{delivery}",
    "dead-letters": "/dead-letters",
    "dead-letters-list": "/dead-letters/list",
    "dead-letters-replay": "/dead-letters/replay?kind=http.call",
    "dead-letter": "/dead-letters/{letter}",
    "schedules": "/schedules",
    "schedule": "/schedules/{schedule}?month=2027-03",
    "schedule-changes": "/schedules/{paused}/changes",
    "schedule-new": "/schedules/new?kind=http.call",
    "schedule-edit": "/schedules/{schedule}/edit",
    "schedule-backfill": "/schedules/{schedule}/backfill",
    "alerts": "/alerts",
    "alert": "/alerts/{alert}",
    "alert-segments": "/alerts/{segments}?days=1",
    "alert-edit": "/alerts/{alert}/edit",
    "alert-new-report": "/alerts/new?type=schedule",
    "reports": "/reports",
    "report": "/reports/{report}",
    "report-edit": "/reports/{report}/edit",
    "report-definitions": "/reports/definitions",
    "report-definition": "/reports/definitions/{definition}",
    "pulses": "/pulses",
    "pulse": "/pulses/{pulse}",
    "pulse-edit": "/pulses/{pulse}/edit",
    "crew": "/crew",
    "crew-endpoints": "/crew/endpoints",
    "crew-endpoint": "/crew/endpoints/{endpoint}",
    "crew-users": "/crew/users",
    "crew-answers": "/crew/answers",
    "crew-import": "/crew/users/import",
    "sources": "/sources",
    "source": "/sources/{source}",
    "source-new": "/sources/new",
    "graphs": "/graphs",
    "graph": "/graphs/{orders}",
    "graph-edit": "/graphs/{orders}/edit",
    "dashboards": "/dashboards",
    "dashboard": "/dashboards/{dashboard}",
    "channels": "/channels",
    "channel": "/channels/{channel}",
    "templates": "/templates",
    "template-edit": "/templates/{template}/edit",
    "calendars": "/calendars",
    "calendar": "/calendars/{calendar}",
    "silences": "/silences",
    "silence-new": "/silences/new?alertId={alert}",
    "suppressions": "/suppressions",
    "webhooks": "/webhooks",
    "webhook": "/webhooks/{webhook}",
    "limits": "/limits",
    "members": "/members",
    "tokens": "/tokens",
    "audit-log": "/audit-log",
    "settings": "/settings",
    "api": "/docs",
    "api-operation": "/docs/create_schedule",
}
OPERATORS = {"processes": "/processes", "tenants": "/tenants", "audit-log-operator": "/audit-log/operator"}
DARK = ("overview", "alert", "schedule", "run")
POCKET = ("overview", "alert", "runs", "schedules")
# What a button of the page answers, by the picture's name.
PRESSED = {"graph": "Show its figures", "source": "Test the connection"}


class Shot(NamedTuple):
    """A picture to be taken: its file's name, its path, who looks, and on what."""

    name: str
    path: str
    token: str
    size: dict[str, int]
    is_dark: bool = False


def shots(site: Shown) -> Iterator[Shot]:
    """All pictures."""
    for name, path in PAGES.items():
        yield Shot(name, path.format(**site.ids), site.token, DESK)
    for name, path in OPERATORS.items():
        yield Shot(name, path, site.operator, DESK)
    for name in DARK:
        yield Shot(f"{name}-dark", PAGES[name].format(**site.ids), site.token, DESK, is_dark=True)
    for name in POCKET:
        yield Shot(f"{name}-phone", PAGES[name].format(**site.ids), site.token, PHONE)


def take(browser: Browser, site: Shown, shot: Shot, folder: Path) -> int:
    """Keeps the picture, and returns its size in bytes."""
    context = browser.new_context(
        viewport=shot.size,  # type: ignore[arg-type]  # a TypedDict of the same shape
        color_scheme="dark" if shot.is_dark else "light",
        extra_http_headers={"Authorization": f"Bearer {shot.token}"},
        timezone_id="Europe/Madrid",
        locale="en-GB",
        reduced_motion="reduce",
    )
    try:
        page = context.new_page()
        answer = page.goto(site.url + shot.path)
        assert answer, shot
        assert answer.ok, f"{shot.path} answered {answer.status}"
        if shot.name in PRESSED:
            with page.expect_navigation():
                page.get_by_role("button", name=PRESSED[shot.name]).click()
        if shot.name == "run-files":
            # A headless browser shows no PDF; the page of the same report it does.
            page.locator("main details[open] > summary").first.click()
            page.locator("main summary", has_text=".html").click()
            page.frame_locator("main details[open] iframe").locator("body").wait_for()
        if "/edit" in shot.path and "/alerts/" in shot.path:
            page.locator("#backtest svg").first.wait_for()
        content = _small(_seen(page, shot.size))
    finally:
        context.close()
    (folder / f"{shot.name}.png").write_bytes(content)
    return len(content)


def _seen(page: Page, size: dict[str, int]) -> bytes:
    """The page from its top, as tall as it is, so that what sticks to the window's edges lies where it belongs."""
    height = page.evaluate("Math.ceil(document.querySelector('main').getBoundingClientRect().bottom + scrollY)")
    page.set_viewport_size({"width": size["width"], "height": max(size["height"], min(height, TALLEST))})
    return page.screenshot(animations="disabled")


def _small(content: bytes) -> bytes:
    """The picture in so few colours that it is small enough."""
    with Image.open(io.BytesIO(content)) as picture:
        plain = picture.convert("RGB")
    out = io.BytesIO()
    for colours in COLOURS:
        out = io.BytesIO()
        plain.quantize(colours, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
        if out.tell() <= MOST_BYTES:
            break
    return out.getvalue()


def main() -> None:
    """Takes all pictures, or those that are named."""
    parser = argparse.ArgumentParser(prog="python -m bench.page_gallery", description="Pictures of every page.")
    parser.add_argument("folder", type=Path, help="where they go")
    parser.add_argument("names", nargs="*", help="those alone")
    told = parser.parse_args()
    told.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tocsin-pictures-", dir="/var/tmp", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o755)
        with shown(Path(home), print) as site, sync_playwright() as tool:
            browser = tool.chromium.launch(executable_path=CHROMIUM, chromium_sandbox=os.geteuid() != 0)
            sizes = [
                take(browser, site, shot, told.folder)
                for shot in shots(site)
                if not told.names or shot.name in told.names
            ]
            browser.close()
    print(f"{len(sizes)} pictures, {sum(sizes) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
