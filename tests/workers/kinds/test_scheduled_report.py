"""`kpi.schedule`: what is asked for whom, what holds a report back, and what its readers get."""

import io
import threading
import zipfile
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from pydantic import ValidationError
from pypdf import PdfReader

from tests.workers.kinds.contexts import GRAPH, SLOT, SOURCE, Book, Journal, context
from workers.artifacts import Artifact
from workers.kinds import report_mail
from workers.kinds.report_asking import ASKED_AT_ONCE
from workers.kinds.scheduled_report import KIND, Params, groups_of, run
from workers.outcome import Done, Later, Outcome, Rejected
from workers.sources import Column, Question, SourceRefused, SourceUnavailable, Table

ALERT = UUID(int=5)
BY_DAY: dict[str, Any] = {"time_dimension": "day", "grain": "day", "unit": "€"}


def params_of(**fields: Any) -> Params:
    given = {
        "alertId": str(ALERT),
        "alertName": "Revenue",
        "recipients": ["ann@example.com", "bob@example.com"],
        "graphId": str(GRAPH),
    }
    return Params.model_validate(given | fields)


class Days:
    """A source of a figure a day up to yesterday, whose figures are those of the reader's region."""

    def __init__(self, last: date | None = None, error: Exception | None = None) -> None:
        self.asked: list[Question] = []
        self._last = last or (SLOT - timedelta(days=1)).date()
        self._error = error

    def query(self, question: Question, *, timeout_seconds: float, row_cap: int) -> Table:  # noqa: ARG002 - a source's signature
        self.asked.append(question)
        if self._error is not None:
            raise self._error
        region = len(question.context.get("region", ""))
        rows = [(self._last - timedelta(days=days), Decimal(1000 * region + 100 - days)) for days in range(9, -1, -1)]
        return Table((Column("day", "date", "date"), Column("value", "numeric", "number")), list(rows), None, 1.0)


def sent(source: Days, book: Book | None = None, params: Params | None = None, **more: Any) -> Outcome:
    journal = Journal(source, book or Book(**BY_DAY))
    return run(context(params or params_of(), journal=journal, **more))


def done(outcome: Outcome) -> Done:
    assert isinstance(outcome, Done)
    return outcome


def test_a_report_says_its_figures_their_change_and_how_old_they_are() -> None:
    found = done(sent(Days(), params=params_of(attachmentType="pdf")))
    assert (found.result["outcome"], found.result["notified"]) == ("sent", True)
    assert found.result["graphs"][0] | {"graphId": ""} == {
        "graphId": "",
        "graphVersion": 3,
        "name": "Seats",
        "value": "100",
        "before": "99",
        "rows": 10,
    }
    [message] = found.messages
    assert message.to == ("ann@example.com", "bob@example.com")
    assert message.subject == "Revenue: Sat 21 Nov 2026"
    for text in (message.text, message.html):
        assert all(said in text for said in ("Seats", "€100", "1%", "the day before", "2026-11-20", "Data as of"))
    assert [file.content_id for file in message.attachments] == ["", "chart"]
    pdf = PdfReader(io.BytesIO(message.attachments[0].content))
    assert "Revenue" in pdf.pages[0].extract_text()
    assert 'src="cid:chart"' in message.html


@pytest.mark.parametrize("form", ["excel", "csv", "json", "html", "png", "none"])
def test_it_travels_in_each_form(form: str) -> None:
    [message] = done(sent(Days(), params=params_of(attachmentType=form))).messages
    files = [file for file in message.attachments if not file.content_id]
    assert len(files) == (form != "none")
    if form == "excel":
        book = openpyxl.load_workbook(io.BytesIO(files[0].content))
        assert [row[1] for row in book["Seats"].iter_rows(values_only=True)][-1] == 100
    if form == "csv":
        assert files[0].content.decode("utf-8-sig").splitlines()[-1] == "2026-11-20,100"


def test_readers_of_one_context_are_asked_for_once_and_nobody_sees_anothers_figures() -> None:
    regions = ["n", "so", "wes", "east"]
    people = {region: [f"{region}{number}@example.com" for number in range(5)] for region in regions}
    audiences = [{"recipients": people[region], "context": {"region": region}} for region in regions]
    # The same context, said apart, is one all the same.
    audiences.append({"recipients": ["late@example.com"], "context": {"region": "n"}})
    params = params_of(audiences=audiences, recipients=["all@example.com"])
    assert [len(group.recipients) for group in groups_of(params, ["all@example.com"])] == [1, 6, 5, 5, 5]
    source = Days()
    messages = done(sent(source, params=params)).messages
    # A few are asked at once, so the source hears them in any order.
    asked = sorted(question.context.get("region", "") for question in source.asked)
    assert asked == sorted(["", *regions])
    assert sorted(to for message in messages for to in message.to) == sorted(
        ["all@example.com", "late@example.com", *(each for found in people.values() for each in found)]
    )
    for message in messages[1:]:
        region = next(each for each in regions if message.to[0].partition("@")[0] == f"{each}0")
        own = f"€{1000 * len(region) + 100:,}"
        assert own in message.html
        assert f"region = {region}" in message.html
        others = {f"€{1000 * len(each) + 100:,}" for each in regions} - {own}
        assert not any(other in message.html for other in others)


def test_a_few_contexts_are_asked_at_once_and_no_more_and_the_first_that_fails_ends_it() -> None:
    together, most = threading.Barrier(ASKED_AT_ONCE), 0
    asking: set[str] = set()

    class Slow(Days):
        def query(self, question: Question, *, timeout_seconds: float, row_cap: int) -> Table:
            nonlocal most
            if region := question.context.get("region"):
                asking.add(region)
                most = max(most, len(asking))
                # Nobody is answered until four are asking, so one after another would never end.
                together.wait(timeout_seconds)
                asking.discard(region)
                if region == self.fails:
                    raise SourceRefused("no such region")
            return super().query(question, timeout_seconds=timeout_seconds, row_cap=row_cap)

        fails = ""

    audiences = [{"recipients": [f"{at}@example.com"], "context": {"region": "r" * at}} for at in range(1, 9)]
    source = Slow()
    messages = done(sent(source, params=params_of(audiences=audiences))).messages
    assert (len(messages), len(source.asked), most) == (9, 9, ASKED_AT_ONCE)
    assert [message.to[0] for message in messages[1:]] == [f"{at}@example.com" for at in range(1, 9)]
    failing = Slow()
    failing.fails = "rr"
    assert isinstance(sent(failing, params=params_of(audiences=audiences[:4])), Rejected)


@pytest.mark.parametrize(
    ("gate", "outcome", "says"),
    [
        ({"expression": "seats > 99"}, "sent", "sent to 2"),
        ({"expression": "seats > 10000"}, "gated", "`seats > 10000` is false"),
        ({"expression": "value / 0 > 1"}, "could_not_check", "can't be decided"),
        ({"expression": "graphs['Seats'].percentChange > 1 && rows == 10"}, "sent", "sent"),
        ({"conditions": [{"condition": "GREATER_THAN", "thresholdValue": 10_000}]}, "gated", "is not above 10,000"),
        (
            {
                "match": "any",
                "conditions": [
                    {"condition": "GREATER_THAN", "thresholdValue": 10_000},
                    {"of": "rows", "condition": "EQUAL", "thresholdValue": 10},
                ],
            },
            "sent",
            "sent",
        ),
    ],
)
def test_a_gate_lets_it_out_or_holds_it_and_says_why(gate: Mapping[str, Any], outcome: str, says: str) -> None:
    book = Book(**BY_DAY)
    found = done(sent(Days(), book, params_of(gatingCondition=gate)))
    assert found.result["outcome"] == outcome
    assert says in found.result["sentence"]
    assert bool(found.messages) is (outcome == "sent")
    assert book.told == (["Revenue was not sent"] if outcome == "could_not_check" else [])


def test_what_has_not_changed_since_it_was_sent_is_not_sent_again() -> None:
    params, book = params_of(gatingCondition={"onlyIfChanged": True}), Book(**BY_DAY)
    [state] = done(sent(Days(), book, params)).alert_states
    book.kept = dict(state.memory)
    again = done(sent(Days(), book, params))
    assert (again.result["outcome"], again.messages, again.alert_states) == ("gated", (), ())
    other = done(sent(Days((SLOT - timedelta(days=2)).date()), book, params))
    assert other.result["outcome"] == "sent"


def test_late_figures_are_waited_for_then_sent_as_they_are_or_skipped() -> None:
    late = (SLOT - timedelta(days=4)).date()
    freshness = {"maxAgeSeconds": 86_400, "waitSeconds": 7200}
    waiting = sent(Days(late), params=params_of(freshness=freshness))
    assert isinstance(waiting, Later)
    assert waiting.delay_seconds == 90
    assert "its figures are 3 d" in waiting.why
    after: dict[str, Any] = {"started_at": SLOT + timedelta(hours=2)}
    as_it_is = done(sent(Days(late), params=params_of(freshness=freshness), **after))
    assert as_it_is.result["outcome"] == "sent"
    assert "Late data: its figures are 3 d" in as_it_is.messages[0].html
    book = Book(**BY_DAY)
    skipped = done(sent(Days(late), book, params_of(freshness=freshness | {"otherwise": "skip"}), **after))
    assert (skipped.result["outcome"], skipped.messages, book.told) == ("stale", (), ["Revenue was not sent"])
    fresh = done(sent(Days(), params=params_of(freshness=freshness)))
    assert fresh.result["outcome"] == "sent"


def test_a_source_without_an_answer_is_its_owners_trouble_and_nobodys_mail_and_a_refused_query_is_a_dead_letter() -> (
    None
):
    book = Book(**BY_DAY)
    assert isinstance(sent(Days(error=SourceUnavailable("away")), book), Later)
    found = done(sent(Days(error=SourceUnavailable("away")), book, is_last_attempt=True))
    assert (found.result["outcome"], found.messages) == ("could_not_check", ())
    assert "away" in found.result["sentence"]
    refused = sent(Days(error=SourceRefused("no table")), book)
    assert isinstance(refused, Rejected)
    assert "no table" in refused.why
    assert [each.partition(" ")[0] for each in book.told] == [str(SOURCE), str(GRAPH)]


def test_a_dashboard_that_is_gone_is_rejected() -> None:
    book = Book()
    book.graphs = lambda *_: []  # type: ignore[method-assign]  # nothing is left of it
    assert isinstance(sent(Days(), book), Rejected)


def test_names_and_figures_are_never_markup() -> None:
    name = '<script>alert(1)</script> {{ 7*7 }} & "co"'
    messages = done(sent(Days(), Book(name=name, **BY_DAY), params_of(alertName=name, attachmentType="html"))).messages
    files = [file.content.decode() for file in messages[0].attachments if not file.content_id]
    for page in (messages[0].html, *files):
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page


def test_segments_are_columns_beside_each_other() -> None:
    class Regions(Days):
        def query(self, question: Question, *, timeout_seconds: float, row_cap: int) -> Table:
            table = super().query(question, timeout_seconds=timeout_seconds, row_cap=row_cap)
            rows = [(day, region, value) for day, value in table.rows for region in ("north", "south")]
            columns = (table.columns[0], Column("region", "text", "text"), table.columns[1])
            return Table(columns, rows, None, 1.0)

    book = Book(segment_by=["region"], **BY_DAY)
    [message] = done(sent(Regions(), book, params_of(attachmentType="csv"))).messages
    lines = message.attachments[0].content.decode("utf-8-sig").splitlines()
    assert "north" in lines[0]
    assert lines[-1] == "2026-11-20,100,100"
    assert "€200" in message.html


@pytest.mark.parametrize(
    "fields",
    [
        {"gatingCondition": {}},
        {"gatingCondition": {"conditions": [{"condition": "BETWEEN", "thresholdValue": 1}]}},
        {"gatingCondition": {"expression": ""}},
        {"freshness": {"maxAgeSeconds": -1}},
        {"freshness": {"maxAgeSeconds": 1, "otherwise": "pray"}},
        {"attachmentType": "docx"},
        {"periods": 0},
        {"audiences": [{"recipients": [], "context": {"a": "b"}}]},
        {"unheard": 1},
    ],
)
def test_what_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        params_of(**fields)


def test_the_kind_is_made_at_its_own_endpoint_alone() -> None:
    assert (KIND.name, KIND.queue, KIND.is_gated_only, KIND.made_at) == (
        "kpi.schedule",
        "reports",
        True,
        "/api/kpi-alerts",
    )


def test_a_file_too_large_for_a_mail_is_kept_and_linked_one_for_each_context(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_mail, "BUDGET_BYTES", 100)
    journal = Journal(Days(), Book(**BY_DAY))
    journal.files = {}
    north = [{"recipients": ["n@example.com"], "context": {"region": "n"}}]
    params = params_of(attachmentType="csv", audiences=north)

    outcome = done(run(context(params, journal=journal)))

    messages = outcome.messages
    first, second = "revenue-2026-11-21.csv.zip", "2-revenue-2026-11-21.csv.zip"
    assert list(journal.files) == [first, second]
    for number, (message, name) in enumerate(zip(messages, (first, second), strict=True), 1):
        assert [file.content_id for file in message.attachments] == ["chart"]
        assert f'href="https://tocsin.example.com/f/{number}"' in message.html
        assert f"https://tocsin.example.com/f/{number}" in message.text
        with zipfile.ZipFile(io.BytesIO(journal.files[name])) as files:
            assert files.namelist() == ["revenue-2026-11-21.csv"]

    assert outcome.result["tooLarge"] == [{"file": first, "became": "linked"}, {"file": second, "became": "linked"}]


def test_a_file_too_large_for_a_mail_that_no_store_keeps_is_missed_in_the_mail_and_in_the_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(report_mail, "BUDGET_BYTES", 100)
    without = done(sent(Days(), params=params_of(attachmentType="csv")))
    [message] = without.messages
    name = "revenue-2026-11-21.csv.zip"
    for told in (message.text, message.html):
        assert f"{name} is too large for a mail, and was left out" in " ".join(told.split())
        assert "/f/" not in told
    assert [file.content_id for file in message.attachments] == ["chart"]
    assert without.result["tooLarge"] == [{"file": name, "became": "left out: ARTIFACT_URL is not set"}]
    assert done(sent(Days(), params=params_of())).result["tooLarge"] == []


def test_a_file_that_is_kept_and_has_no_link_is_not_told_as_if_it_had_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_mail, "BUDGET_BYTES", 100)
    monkeypatch.setattr(Journal, "keep", lambda *_: Artifact(UUID(int=1), "x.csv.zip", "csv", "application/zip", 1, ""))
    [noted] = done(sent(Days(), params=params_of(attachmentType="csv"))).result["tooLarge"]
    assert noted["became"] == "kept, without a link: TOCSIN_URL or TOCSIN_SECRET_KEYS is not set"
