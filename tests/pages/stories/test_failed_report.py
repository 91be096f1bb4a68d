"""Somebody finds out why a report failed, mends it, and has it sent: once to each."""

from playwright.sync_api import Page, expect

from tests.pages.stories.conftest import BROKEN, GOOD, Story

PEOPLE = ("ann.failed@example.com", "bob.failed@example.com")


def test_a_failed_report_is_found_understood_mended_and_sent_to_nobody_twice(story: Story, page: Page) -> None:
    story.dead_run("Weekly activity", *PEOPLE)
    page.goto(story.url)
    expect(page.locator(".verdict")).to_have_class("verdict bad")
    needs = page.locator("section", has=page.get_by_role("heading", name="What needs you"))
    needs.get_by_role("link", name="Weekly activity", exact=True).click()
    page.locator(".strip a.bad").first.click()

    expect(page.locator(".refused")).to_contain_text('relation "nowhere" does not exist')
    run = page.url
    page.get_by_role("navigation").get_by_role("link", name="Graphs").click()
    page.get_by_role("link", name="Activities").click()
    page.get_by_role("link", name="Edit").click()
    expect(page.get_by_label("Query")).to_have_value(BROKEN)
    page.get_by_label("Query").fill(GOOD)
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Show its figures").click()
    expect(page.locator("p.figure")).to_contain_text("newest")

    page.goto(run)
    page.get_by_role("button", name="Try again").click()
    messages = page.locator("section", has=page.get_by_role("heading", name="Messages"))
    expect(messages.locator("tbody .state.good")).to_have_count(2, timeout=30_000)
    assert [mail.recipients for mail in story.mails_to(*PEOPLE)] == [(each,) for each in PEOPLE]
    # What succeeded is not offered to be tried again.
    expect(page.get_by_role("button", name="Try again")).to_have_count(0)
    page.goto(story.url)
    expect(page.locator("#live")).not_to_contain_text("Its runs die", timeout=40_000)
