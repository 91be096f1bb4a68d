"""The story that docs/first-alert.md tells a stranger: from an empty tenant to the first mail of an alert of one's own."""

import re
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.pages.stories.conftest import Story

TOLD = Path(__file__).parents[3] / "docs" / "first-alert.md"
PATIENCE = 180.0
QUERY = "select date_trunc('day', at) as day, count(*) as value from sample.activities group by 1 order by 1"


def said(words: str) -> str:
    """The words, which the document has too."""
    assert words in TOLD.read_text(), f"docs/first-alert.md does not say {words!r}"
    return words


def test_an_alert_is_made_from_nothing_to_its_first_mail(
    story: Story, browse: Callable[..., Page], record_property: Callable[[str, object], None]
) -> None:
    page = browse()
    page.on("dialog", lambda dialog: dialog.accept())
    began = time.monotonic()
    page.goto(story.url + story.sign_in_path())
    expect(page.get_by_text(said("The link works once."))).to_be_visible()
    page.get_by_role("button", name=said("Sign in")).click()
    expect(page.get_by_role("heading", name=said("First steps"))).to_be_visible()

    page.get_by_role("link", name=said("Create a source")).click()
    page.get_by_label("Name").fill("Sample data")
    page.get_by_label("Address").fill(story.whole.figures)
    page.get_by_role("button", name=said("Make the source")).click()
    expect(page.locator(".said")).to_have_text(said("The source Sample data is made."))
    page.get_by_role("button", name=said("Test the connection")).click()
    expect(page.locator(".said")).to_contain_text(said("It answered in"))

    page.get_by_role("link", name=said("Make a graph of it")).click()
    page.get_by_label("Name").fill("Activity a day")
    page.get_by_label("Query").fill(said(QUERY))
    page.get_by_label(said("Column of the time")).fill("day")
    page.get_by_label(said("Each period is a")).select_option("day")
    page.get_by_role("button", name=said("Make the graph")).click()
    expect(page.locator(".said")).to_have_text(said("The graph Activity a day is made."))
    page.get_by_role("button", name=said("Show its figures")).click()
    expect(page.locator(".drawn svg")).to_be_visible()

    page.get_by_role("link", name=said("Make an alert")).click()
    page.get_by_label("Name").fill("Quiet day")
    page.get_by_label("Condition").first.select_option(label=said("is below"))
    page.get_by_label("Threshold", exact=True).fill("30")
    page.get_by_label("Checked at").fill(said("0 9 * * *"))
    # The weekends of the past: the sample data is quiet then.
    sentence = page.locator("#backtest .told")
    expect(sentence).to_have_text(re.compile(r"In the last 90 days: ([5-9]|1\d) notifications, \d+ resolved"))
    page.get_by_label("Threshold", exact=True).fill(said("1000"))
    expect(sentence).to_contain_text(said("1 notification, 0 resolved"))
    page.get_by_label("People").fill(said("you@example.com"))
    page.get_by_role("button", name=said("Make the alert")).click()
    expect(page.locator(".said")).to_have_text(said("The alert Quiet day is made."))

    page.get_by_role("button", name=said("Check now")).click()
    expect(page.locator(".said")).to_have_text(said("It runs now; who is told is told."))
    got = page.locator("section.card", has=page.get_by_role("heading", name=said("Who got what")))
    expect(got.get_by_role("listitem")).to_have_text(re.compile(r"you@example\.com.*sent"), timeout=30_000)
    took = time.monotonic() - began
    page.get_by_role("button", name="Check now").click()
    expect(page.locator(".strip .good")).to_have_count(2, timeout=30_000)
    # Firing is no news.
    [mail] = story.mails_to("you@example.com")
    assert "Quiet day" in str(mail.message["Subject"])
    record_property("seconds from the first page to the first mail", round(took, 1))
    assert took < PATIENCE
