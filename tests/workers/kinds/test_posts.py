"""What channels are told of a check and of a report: the same as the mail, in one state that opens and closes a pager."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.workers.kinds import test_scheduled_report as report
from tests.workers.kinds import test_threshold_alert as alert
from tests.workers.kinds.contexts import SLOT, Book
from workers.outcome import ChannelMessage, ChannelRef, Done

SLACK, PAGER = UUID(int=1), UUID(int=2)
TOLD: Any = [{"id": str(SLACK), "type": "slack"}, {"id": str(PAGER), "type": "pagerduty"}]


def told(done: Done) -> ChannelMessage:
    [message] = done.posts
    assert message.to == (ChannelRef(SLACK, "slack"), ChannelRef(PAGER, "pagerduty"))
    return message


def checked(answer: Any, before: str | None, **params: Any) -> Done:
    book = Book({"": alert._known(before)} if before else {})
    return alert._checked(answer, book, alert._params(channels=TOLD, **params))


@pytest.mark.parametrize(
    ("before", "value", "state", "severity", "title"),
    [
        ("ok", 150, "firing", "critical", "Alert: Unsold seats is 150"),
        ("firing", 50, "resolved", "info", "Recovered: Unsold seats is 50"),
    ],
)
def test_a_check_tells_what_its_mail_tells(before: str, value: int, state: str, severity: str, title: str) -> None:
    done = checked(alert._table((value,)), before)
    message = told(done)
    assert (message.state, message.severity, message.title) == (state, severity, title)
    assert message.title == done.messages[0].subject
    assert (message.thread, message.subject) == (str(alert.ALERT), "Unsold seats")
    [item] = message.items
    assert (item.name, item.value, item.is_open) == ("", str(value), state == "firing")
    began = SLOT if before == "ok" else alert.BEFORE
    assert (item.since, item.until) == (began, None if state == "firing" else SLOT)


def test_a_check_that_tells_nobody_tells_no_channel() -> None:
    assert checked(alert._table((150,)), "firing").posts == ()


def test_an_alert_may_tell_channels_alone() -> None:
    done = checked(alert._table((150,)), "ok", recipients=[])
    assert done.messages == ()
    told(done)


def test_no_data_is_a_warning_that_lasts_until_it_is_checked_again() -> None:
    guards = {"guards": {"noData": "message"}}
    silent = checked(alert._table(), "ok", **guards)
    message = told(silent)
    assert (message.state, message.severity) == ("firing", "warning")
    assert message.title.startswith("No data: ")


def test_a_pager_is_closed_once_nothing_that_is_known_is_wrong() -> None:
    names = ("value", "region")
    graph = {"segment_by": ["region"]}
    both = Book({"north": alert._known("firing"), "south": alert._known("firing")}, **graph)
    rows = alert._table((50, "north"), (150, "south"), names=names)
    one = told(alert._checked(rows, both, alert._params(channels=TOLD)))
    assert (one.state, one.title) == ("firing", "Unsold seats: 1 still, 1 recovered")
    assert [(item.name, item.is_open) for item in one.items] == [("south", True), ("north", False)]
    last = Book({"north": alert._known("ok"), "south": alert._known("firing")}, **graph)
    rows = alert._table((50, "north"), (50, "south"), names=names)
    assert told(alert._checked(rows, last, alert._params(channels=TOLD))).state == "resolved"


def test_a_report_tells_its_headline_figures_of_no_context() -> None:
    params = report.params_of(
        channels=TOLD,
        audiences=[{"recipients": ["ann@example.com", "bob@example.com"], "context": {"region": "north"}}],
    )
    done = report.done(report.sent(report.Days(), params=params))
    message = told(done)
    assert len(done.messages) == 1
    assert (message.state, message.thread) == ("note", "")
    assert message.title == done.messages[0].subject
    [item] = message.items
    assert (item.name, item.value) == ("Seats", "€100")
    assert "the day before" in item.text
    assert "2 recipients and 2 channels" in done.result["sentence"]


def test_a_report_may_tell_channels_alone() -> None:
    done = report.done(report.sent(report.Days(), params=report.params_of(channels=TOLD, recipients=[])))
    assert done.messages == ()
    assert told(done).items[0].value == f"€{Decimal(100)}"
