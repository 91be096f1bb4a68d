"""Messages in a tenant's words: what a template may speak of, what is sent with it, and what happens where it fails."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from tests.workers.kinds.contexts import GRAPH, SLOT, Answering, Book, Journal, context
from workers.kinds import scheduled_report, threshold_alert, wording
from workers.kinds.purposes import PURPOSES, paths_of
from workers.outcome import Done, Message
from workers.sources import Column, Table
from workers.templating import apart
from workers.templating.template import Template

TEMPLATE = UUID(int=9)
OF_ALL = {
    "alertId": str(UUID(int=5)),
    "alertName": "Revenue",
    "recipients": ["ann@example.com"],
    "graphId": str(GRAPH),
    "templateId": str(TEMPLATE),
}
BY_DAY: dict[str, Any] = {"time_dimension": "day", "grain": "day", "unit": "€"}
DAYS = [(date(2026, 11, 20) - timedelta(days=back), Decimal(100 - back)) for back in range(10)]


@pytest.mark.parametrize("purpose", PURPOSES)
def test_what_a_template_may_speak_of_is_what_the_samples_have(purpose: str) -> None:
    sorts: dict[str, set[str]] = {}
    for made in PURPOSES[purpose].samples().values():
        for path, sort in paths_of(made.context).items():
            sorts.setdefault(path, set()).add(sort)
    assert sorts.keys() == PURPOSES[purpose].fields.keys()
    # Each is of one sort, which some sample shows.
    assert {path: found for path, found in sorts.items() if len(found - {"nothing"}) != 1} == {}


def book_of(template: Template | None, **graph: Any) -> Book:
    book = Book(**graph)
    if template is not None:
        book.templates[TEMPLATE] = template
    return book


def template(subject: str | None = None, text: str | None = None, html: str | None = None) -> Template:
    return Template(TEMPLATE, "ours", 4, subject, text, html)


def alerted(book: Book) -> Done:
    table = Table((Column("value", "numeric", "number"),), [(Decimal(150),)], SLOT, 1.0)
    params = threshold_alert.Params.model_validate({**OF_ALL, "condition": "GREATER_THAN", "thresholdValue": 100})
    found = threshold_alert.run(context(params, journal=Journal(Answering(table), book)))
    assert isinstance(found, Done)
    return found


def reported(book: Book, **fields: Any) -> Done:
    table = Table((Column("day", "date", "date"), Column("value", "numeric", "number")), DAYS, None, 1.0)
    params = scheduled_report.Params.model_validate({**OF_ALL, **fields})
    found = scheduled_report.run(context(params, journal=Journal(Answering(table), book)))
    assert isinstance(found, Done)
    return found


def test_what_a_run_gives_a_template_is_what_the_samples_have(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Mapping[str, Any]] = []

    def keep(message: Message, _sources: Any, context: Mapping[str, Any], **_: Any) -> Message:
        given.append(context)
        return message

    monkeypatch.setattr(wording, "worded", keep)
    alerted(book_of(template()))
    reported(book_of(template(), **BY_DAY), attachmentType="csv")
    for context_, purpose in zip(given, ("kpi.threshold", "kpi.schedule"), strict=True):
        known: dict[str, str] = {}
        for made in PURPOSES[purpose].samples().values():
            known |= {path: sort for path, sort in paths_of(made.context).items() if sort != "nothing"}
        found = paths_of(context_)
        assert found.keys() <= known.keys()
        assert {path: sort for path, sort in found.items() if sort not in ("nothing", known[path])} == {}
        # What is no list's is always there.
        assert {path for path in known if "[]" not in path} <= found.keys()


def test_an_alert_is_told_in_the_words_of_its_template() -> None:
    ours = template(
        "{{ members[0].figure | number(1) }} on {{ graph }}",
        "{{ alert }}: {{ members[0].value }} at {{ slot_at | time }} in {{ timezone }}",
        "<p>{{ alert }}</p><img src='https://evil.example/x'>",
    )
    book = book_of(ours)
    found = alerted(book)
    [message] = found.messages
    assert (message.subject, message.text) == ("150.0 on Seats", "Revenue: 150 at 09:30 in Europe/Paris")
    assert "<body>\n<p>Revenue</p><img>\n</body>" in message.html
    assert message.actions == ("acknowledge", "snooze", "not_useful", "unsubscribe")
    assert found.result["template"] == {"templateId": str(TEMPLATE), "version": 4, "problem": None}
    assert book.told == []


def test_what_a_template_leaves_out_is_in_our_words() -> None:
    [message] = alerted(book_of(template(subject="Look"))).messages
    assert message.subject == "Look"
    assert "Revenue" in message.text
    assert "Run " in message.text
    assert "Threshold crossed" in message.html


def test_a_template_that_fails_sends_our_words_and_its_owner_is_told() -> None:
    # No sample has a figure of a hundred and more.
    book = book_of(template("Look", "{{ 1 / (members[0].figure - 150) }}"))
    found = alerted(book)
    [message] = found.messages
    assert (message.subject, "Threshold crossed" in message.text) == ("Alert: Revenue is 150", True)
    problem = found.result["template"]["problem"]
    assert problem.startswith("text, line 1: can't be made: ")
    assert book.told == ["The template ours was not used"]


def test_a_run_waits_for_a_process_no_longer_than_it_has_time_to_send(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    def never(timeout: float) -> bool:
        waited.append(timeout)
        return False

    monkeypatch.setattr(apart, "_ROOM", SimpleNamespace(acquire=never))
    found = alerted(book_of(template("{{ alert }}")))
    assert [message.subject for message in found.messages] == ["Alert: Revenue is 150"]
    assert "no process to render it was free" in found.result["template"]["problem"]
    [seconds] = waited
    assert 1 <= seconds <= 150


def test_a_template_that_is_gone_sends_our_words_and_the_record_says_so() -> None:
    found = alerted(book_of(None))
    assert [message.subject for message in found.messages] == ["Alert: Revenue is 150"]
    assert found.result["template"] == {"templateId": str(TEMPLATE), "version": None, "problem": "it was deleted"}


def test_a_report_is_worded_once_for_each_context_and_keeps_its_files() -> None:
    html = (
        "{% for tile in tiles %}<b>{{ tile.value }}</b>{% endfor %}{% if has_chart %}<img src='cid:chart'>{% endif %}"
    )
    ours = template("{{ report }} of {{ slot_at | date }}", "{{ notes | join }} {{ attached | join }}", html)
    audiences = [{"recipients": ["bob@example.com"], "context": {"region": "north"}}]
    found = reported(book_of(ours, **BY_DAY), attachmentType="csv", audiences=audiences)
    one, two = found.messages
    assert {one.subject, two.subject} == {"Revenue of Sat 21 Nov 2026"}
    assert one.text.strip() == "revenue-2026-11-21.csv"
    assert two.text == "Filtered by: region = north. revenue-2026-11-21.csv"
    assert '<b>€100</b><img src="cid:chart">' in one.html
    assert [each.content_id for each in one.attachments] == ["", "chart"]


def test_a_picture_that_the_page_does_not_show_stays_behind() -> None:
    [message] = reported(book_of(template(html="<p>{{ report }}</p>"), **BY_DAY), attachmentType="csv").messages
    assert [each.content_id for each in message.attachments] == [""]


def test_what_stands_in_the_data_is_never_a_template() -> None:
    book = book_of(template("{{ graph }}", "{{ graph }}", "{{ graph }}"), name="<b>{{ 7*7 }}</b>{% if")
    [message] = alerted(book).messages
    assert message.subject == message.text == "<b>{{ 7*7 }}</b>{% if"
    assert "&lt;b&gt;{{ 7*7 }}&lt;/b&gt;{% if" in message.html
