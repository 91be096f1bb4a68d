"""`kpi.threshold`: what a check of a real table decides, keeps and tells; the judging itself is shown in alerting/."""

import html
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from tests.workers.kinds.contexts import GRAPH, RUN, SLOT, SOURCE, Answering, Book, Journal, context
from tests.workers.wire import LOOPBACK
from workers.alerting import machine
from workers.alerting.chart import Point
from workers.alerting.machine import FORGOTTEN_AFTER, StateRow
from workers.alerting.notify import Silence
from workers.alerting.policy import Policy
from workers.branding import Branding
from workers.kinds.threshold_alert import KIND, Params, run
from workers.outcome import Done, Later, Message, Outcome, Rejected
from workers.sources import Column, Postgres, Question, RowCap, SourceRefused, SourceUnavailable, Table

ALERT = UUID(int=5)
BEFORE = SLOT - timedelta(hours=2)
AS_OF = SLOT + timedelta(seconds=3)


def _params(**fields: Any) -> Params:
    given_fields = {
        "alertId": str(ALERT),
        "alertName": "Unsold seats",
        "recipients": ["ops@example.com"],
        "graphId": str(GRAPH),
        "condition": "GREATER_THAN",
        "thresholdValue": "100",
    }
    return Params.model_validate(given_fields | fields)


def _table(*rows: tuple[Any, ...], names: tuple[str, ...] = ("value",)) -> Table:
    return Table(tuple(Column(name, "numeric", "number") for name in names), list(rows), AS_OF, 1.0)


def _known(state: str, slot: datetime = BEFORE) -> StateRow:
    is_firing = state == "firing"
    return StateRow(
        state,  # type: ignore[arg-type]  # one of the states
        BEFORE,
        slot=slot,
        alarm="firing" if is_firing else "ok",
        firing_since=BEFORE if is_firing else None,
        is_told=is_firing,
    )


def _done(outcome: Outcome) -> Done:
    assert isinstance(outcome, Done)
    return outcome


def _moves(done: Done) -> list[tuple[datetime, str, str]]:
    return [(move.slot_at, move.moved_from, move.state) for kept in done.alert_states for move in kept.moves]


def _checked(answer: Table | Exception, book: Book, params: Params | None = None, **more: Any) -> Done:
    outcome = run(context(params or _params(), journal=Journal(Answering(answer), book), **more))
    assert isinstance(outcome, Done)
    return outcome


@pytest.mark.parametrize(
    ("before", "value", "state", "code", "subject"),
    [
        (None, 150, "firing", "fired", "Alert: Unsold seats is 150"),
        (None, 50, "ok", "quiet", None),
        ("ok", 150, "firing", "fired", "Alert: Unsold seats is 150"),
        ("ok", 50, "ok", "quiet", None),
        ("firing", 150, "firing", "quiet", None),
        ("firing", 50, "ok", "resolved", "Recovered: Unsold seats is 50"),
    ],
)
def test_a_change_is_told_and_kept_as_a_move(
    before: str | None, value: int, state: str, code: str, subject: str | None
) -> None:
    done = _checked(_table((value,)), Book({"": _known(before)} if before else {}))
    assert done.result["outcome"] == code
    assert [message.subject for message in done.messages] == ([subject] if subject else [])
    [kept] = done.alert_states
    assert (kept.segment, kept.state, kept.value) == ("", state, Decimal(value))
    assert _moves(done) == ([] if state == (before or "ok") else [(SLOT, before or "ok", state)])
    assert machine.from_json(dict(kept.memory)).slot == SLOT


def test_no_data_keeps_the_state_and_says_so() -> None:
    for table in (_table(), _table((None,)), _table((float("nan"),))):
        done = _checked(table, Book({"": _known("firing")}))
        assert (done.result["outcome"], done.messages) == ("no_data", ())
        assert [(kept.state, kept.moves) for kept in done.alert_states] == [("firing", ())]


def test_a_source_that_refuses_keeps_every_state_and_is_one_trouble_of_its_owner() -> None:
    book = Book({"": _known("firing")})
    done = _checked(SourceRefused("no such table"), book)
    assert (done.result["outcome"], done.messages, done.alert_states) == ("could_not_check", (), ())
    assert "no such table" in done.result["sentence"]
    assert book.told == [f"{GRAPH} fails: no such table"]


def test_a_source_that_is_away_is_asked_again_and_is_a_trouble_at_the_last_attempt() -> None:
    book = Book({"": _known("ok")})
    away = Answering(SourceUnavailable("it is away"))
    assert run(context(_params(), journal=Journal(away, book))) == Later(None, "it is away")
    assert book.told == []
    _checked(SourceUnavailable("it is away"), book, is_last_attempt=True)
    assert book.told == [f"{SOURCE} fails: it is away"]


def test_a_notice_of_an_error_is_remembered_so_that_it_comes_once() -> None:
    params = _params(guards={"onError": "message"})
    first = _checked(SourceRefused("no such table"), Book({"": _known("ok")}), params)
    assert (first.result["outcome"], len(first.messages)) == ("could_not_check", 1)
    row = machine.from_json(dict(first.alert_states[0].memory))
    later = SLOT + timedelta(minutes=5)
    again = _checked(SourceRefused("no such table"), Book({"": row}), params, slot_at=later)
    assert (again.messages, again.alert_states[0].state) == ((), "error")


def test_what_was_missed_is_given_up_when_it_is_too_much_to_ask_for_at_once() -> None:
    class Full(Answering):
        def query(self, question: Question, *, timeout_seconds: float, row_cap: int) -> Table:
            table = super().query(question, timeout_seconds=timeout_seconds, row_cap=row_cap)
            if len(self.asked) == 1:
                raise RowCap("too many rows", table)
            return table

    book = Book({"": _known("ok", SLOT - timedelta(days=4))}, time_dimension="day", grain="day")
    book.missed = [SLOT - timedelta(days=days) for days in (3, 2, 1)]
    outcome = run(context(_params(), journal=Journal(Full(_days(50, 50, 50, 50, 150)), book)))
    assert isinstance(outcome, Done)
    assert (outcome.result["outcome"], outcome.result["slotsMadeUpFor"], outcome.result["slotsGivenUp"]) == (
        "fired",
        0,
        3,
    )
    assert book.told == []


def test_an_error_that_the_policy_counts_as_an_alarm_fires() -> None:
    params = _params(guards={"onError": "alert"})
    done = _checked(SourceRefused("no such table"), Book({"": _known("ok")}), params)
    assert (done.result["outcome"], len(done.messages)) == ("fired", 1)
    assert _moves(done) == [(SLOT, "ok", "firing")]


def _days(*values: int | None) -> Table:
    """A figure a day, up to the day before the slot."""
    rows = [((SLOT - timedelta(days=len(values) - at)).date(), value) for at, value in enumerate(values)]
    return _table(*rows, names=("day", "value"))


def test_slots_that_nobody_could_check_are_judged_once_the_source_answers() -> None:
    book = Book({"": _known("ok", SLOT - timedelta(days=4))}, time_dimension="day", grain="day", is_failing=True)
    book.missed = [SLOT - timedelta(days=days) for days in (3, 2, 1)]
    source = Answering(_days(50, 50, 150, 150, 50))
    outcome = run(context(_params(), journal=Journal(source, book)))
    assert isinstance(outcome, Done)
    assert outcome.result["slotsMadeUpFor"] == 3
    assert book.told == [f"{SOURCE} answers"]
    # It fired and was back while nobody looked: one message says both.
    assert outcome.result["outcome"] == "resolved"
    assert len(outcome.messages) == 1
    assert "nobody was told, and is back to normal" in outcome.result["sentence"]
    # Both moves are kept, each at the slot that it is of.
    assert _moves(outcome) == [
        (SLOT - timedelta(days=2), "ok", "firing"),
        (SLOT, "firing", "ok"),
    ]
    [asked] = source.asked
    assert asked.start is not None
    assert asked.start <= SLOT - timedelta(days=4)


def test_segments_have_states_of_their_own_and_one_mail() -> None:
    rows = [("north", 150), ("south", 50), ("west", 120), ("east", 130)]
    book = Book({"south": _known("firing"), "west": _known("firing")}, segment_by=["region"])
    done = _checked(_table(*rows, names=("region", "value")), book, _params(recipients=["a@x.com", "b@x.com"]))
    assert {kept.segment: kept.state for kept in done.alert_states} == {
        "north": "firing",
        "south": "ok",
        "west": "firing",
        "east": "firing",
    }
    assert done.result["members"] == {"new": ["north", "east"], "still": ["west"], "recovered": ["south"]}
    [message] = done.messages
    assert message.to == ("a@x.com", "b@x.com")
    assert message.subject == "Unsold seats: 2 new, 1 still, 1 recovered"
    for text in (message.text, _Text(message.html).text):
        assert all(name in text for name in ("north", "south", "west", "east"))


def test_what_is_over_makes_no_slot_be_made_up_for_again_and_again() -> None:
    ended = SLOT - timedelta(days=200)
    silent = replace(_known("ok", ended), silent_since=ended - FORGOTTEN_AFTER)
    split = _known("ok", ended)
    for segment, row in (("west", silent), ("", split)):
        book = Book({"north": _known("ok"), segment: row}, segment_by=["region"])
        book.missed = [ended + timedelta(days=1)]
        done = _checked(_table(("north", 50), names=("region", "value")), book)
        assert done.result["slotsMadeUpFor"] == 0
        assert [kept.segment for kept in done.alert_states] == ["north"]


@pytest.mark.parametrize(
    ("graph", "value", "threshold", "subject", "sentence"),
    [
        ({"unit": "€", "decimals": 0}, "1234.56", "1000", "is €1,235", "€1,235 is above €1,000"),
        # What somebody set is not rounded, and no figure is written on its limit that is beyond it.
        ({"unit": "€", "decimals": 0}, "1234.56", "999.5", "is €1,235", "€1,235 is above €999.5"),
        ({"unit": "€", "decimals": 0}, "1000.25", "1000", "is €1,000", "€1,000.25 is above €1,000"),
        ({"format": "percent", "decimals": 1}, "0.12345", "0.1", "is 12.3%", "12.3% is above 10.0%"),
        ({"format": "duration"}, "7503", "3600", "is 2 h 5 min 3 s", "2 h 5 min 3 s is above 1 h"),
    ],
)
def test_figures_are_written_as_the_graph_says(
    graph: dict[str, Any], value: str, threshold: str, subject: str, sentence: str
) -> None:
    done = _checked(_table((Decimal(value),)), Book({"": _known("ok")}, **graph), _params(thresholdValue=threshold))
    [message] = done.messages
    said = [
        text.replace("\N{NO-BREAK SPACE}", " ") for text in (message.subject, done.result["sentence"], message.text)
    ]
    assert said[0].endswith(subject)
    assert said[1] == sentence
    assert sentence in said[2]
    assert done.result["segments"][0]["value"] == value


def test_a_mail_shows_how_the_figure_went_out_of_what_was_asked_and_recorded_already() -> None:
    book = Book({"": _known("ok", SLOT - timedelta(days=1))}, time_dimension="day", grain="day", unit="€")
    days = [(SLOT - timedelta(days=ago)).replace(hour=0, minute=0) - timedelta(hours=1) for ago in range(5, 0, -1)]
    book.checked = {"": [Point(days[0], Decimal(40), Decimal(100), Decimal(100), "ok")]}
    source = Answering(_days(50, 60, 70, 150))
    outcome = _done(run(context(_params(), journal=Journal(source, book))))
    assert len(source.asked) == 1
    [message] = outcome.messages
    [picture] = message.attachments
    assert (picture.content_id, picture.content_type, picture.content[:4]) == ("chart", "image/png", b"\x89PNG")
    assert 'src="cid:chart"' in message.html
    assert "The last 5 windows, 1 of them firing; the newest: €150" in message.html
    # The same figures make the same bytes, as a retry needs.
    again = _done(run(context(_params(), journal=Journal(source, book))))
    assert again.messages[0].attachments == message.attachments
    # One figure alone is no course of time.
    assert _mail(150).attachments == ()


def test_a_silence_holds_the_message_and_not_the_state() -> None:
    book = Book({"": _known("ok")})
    book.silences = [Silence(BEFORE, SLOT + timedelta(hours=1))]
    done = _checked(_table((150,)), book)
    assert (done.result["outcome"], done.messages) == ("silenced", ())
    assert [kept.state for kept in done.alert_states] == ["firing"]


def test_a_slot_that_was_judged_is_judged_no_other_way_again() -> None:
    first = _checked(_table((150,)), Book({"": _known("ok")}))
    row = machine.from_json(dict(first.alert_states[0].memory))
    again = _checked(_table((50,)), Book({"": row}))
    assert (again.messages, again.alert_states[0].moves) == ((), ())
    assert machine.from_json(dict(again.alert_states[0].memory)) == row


def test_an_alert_whose_graph_is_gone_is_rejected() -> None:
    book = Book()
    book.is_there = False
    outcome = run(context(_params(), journal=Journal(Answering(_table((1,))), book)))
    assert outcome == Rejected("its graph was deleted")


def test_a_run_reads_a_real_database(empty_database: str) -> None:
    source = Postgres(empty_database, allowed=LOOPBACK)
    book = Book(query="select count(*) as value from generate_series(1, 150)", unit="seats")
    outcome = run(context(_params(), journal=Journal(source, book)))
    assert isinstance(outcome, Done)
    assert outcome.result["segments"][0]["value"] == "150"
    assert (outcome.result["ruleVersion"], outcome.result["graphVersion"]) == (7, 3)
    assert [message.to for message in outcome.messages] == [("ops@example.com",)]
    many = run(context(_params(), journal=Journal(source, Book(query="select generate_series(1, 100000)"))))
    assert isinstance(many, Done)
    assert "more than 20,000 rows in the window" in many.result["sentence"]


class _Text(HTMLParser):
    """Collects a page's text and the tags and attributes that it uses."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def _mail(value: int, before: str = "ok", brand: Branding | None = None, **fields: Any) -> Message:
    journal = Journal(Answering(_table((value,))), Book({"": _known(before)}, unit=fields.pop("unit", "")))
    journal.brand = brand or Branding()
    outcome = run(context(_params(**fields), journal=journal))
    assert isinstance(outcome, Done)
    [message] = outcome.messages
    return message


@pytest.mark.parametrize(("value", "before"), [(1_234_567, "ok"), (12, "firing")])
def test_a_mail_says_what_happened_where_and_since_when_in_the_schedules_zone(value: int, before: str) -> None:
    message = _mail(value, before, unit="seats", recipients=["a@x.com", "b@x.com"])
    shown = f"{value:,}\N{NO-BREAK SPACE}seats"
    is_firing = before == "ok"
    assert message.to == ("a@x.com", "b@x.com")
    assert message.subject == f"{'Alert' if is_firing else 'Recovered'}: Unsold seats is {shown}"
    page = _Text(message.html)
    for text in (message.text, page.text):
        for fact in (
            "Unsold seats",
            shown,
            "above 100\N{NO-BREAK SPACE}seats",
            "21 Nov 2026, 09:30",
            "Europe/Paris",
            str(RUN),
        ):
            assert fact in text
        assert ("is not above" in text) is not is_firing
    assert not page.tags & {"script", "img", "link", "style", "form", "iframe"}
    assert not page.attributes & {"src", "href", "class"}


@pytest.mark.parametrize(
    ("grain", "start", "said"),
    [
        ("hour", datetime(2026, 11, 21, 7, tzinfo=UTC), "Sat 21 Nov 2026, 08:00 to 09:00"),
        ("day", date(2026, 11, 20), "Fri 20 Nov 2026"),
        ("week", date(2026, 11, 9), "Mon 9 Nov 2026 to Sun 15 Nov 2026"),
        ("month", date(2026, 10, 1), "October 2026"),
        ("quarter", date(2026, 7, 1), "Q3 2026"),
        ("year", date(2025, 1, 1), "2025"),
    ],
)
def test_a_mail_says_which_period_its_figure_is_of(grain: str, start: date, said: str) -> None:
    source = Answering(_table((start, 150), names=("day", "value")))
    book = Book({"": _known("ok")}, time_dimension="day", grain=grain)
    [message] = _done(run(context(_params(), journal=Journal(source, book)))).messages
    assert f"Period     {said}\n" in message.text
    assert f">{said}</td>" in message.html


def test_a_recovery_says_how_long_it_lasted_and_each_instant_is_on_the_readers_clock() -> None:
    message = _mail(12, "firing")
    assert "Lasted     2 h, since Sat 21 Nov 2026, 07:30\n" in message.text
    assert "Since " not in message.text
    book = Book({"": _known("ok", SLOT - timedelta(days=4))}, time_dimension="day", grain="day")
    book.missed = [SLOT - timedelta(days=days) for days in (3, 2, 1)]
    [told] = _done(run(context(_params(), journal=Journal(Answering(_days(50, 50, 150, 150, 50)), book)))).messages
    for text in (told.text, told.html):
        assert "Fired from Thu 19 Nov 2026, 09:30 to Sat 21 Nov 2026, 09:30, nobody was told" in text


def test_a_name_is_never_markup_and_never_a_template() -> None:
    name = '<script>alert(1)</script> {{ 7*7 }} & "co"'
    message = _mail(150, alertName=name, unit="<b>")
    assert "<script>" not in message.html
    assert html.escape("<script>", quote=False) in message.html
    assert "{{ 7*7 }}" in message.html
    assert name in message.text
    assert name in message.subject


def test_a_mail_bears_its_tenants_branding_and_no_markup_of_it() -> None:
    message = _mail(150, brand=Branding("A & <b>Co</b>", "#ffd400", "Line <1>\n{{ 7*7 }}"))
    assert message.text.endswith("\n\n-- \nA & <b>Co</b>\nLine <1>\n{{ 7*7 }}\n")
    page = _Text(message.html)
    assert all(said in page.text for said in ("A & <b>Co</b>", "Line <1>", "{{ 7*7 }}"))
    assert "background:#ffd400;border-bottom:1px solid #e4e7ec;color:#000000" in message.html
    assert not page.tags & {"b", "script", "img", "link", "style", "form", "iframe"}


def test_a_mail_of_a_tenant_without_branding_has_no_band_and_no_footer() -> None:
    message = _mail(150)
    assert message.text.endswith(f"\nRun {RUN}\n")
    assert "border-bottom" not in message.html


@pytest.mark.parametrize(
    "fields",
    [
        {"recipients": []},
        {"recipients": ["a@x.com"] * 1001},
        {"recipients": ["a@x.com, b@x.com"]},
        {"recipients": ["a@x.com\r\nBcc: b@x.com"]},
        {"recipients": ["A <a@x.com>"]},
        {"recipients": "a@x.com"},
        {"alertName": ""},
        {"alertName": "x" * 201},
        {"alertName": "a\r\nb"},
        {"graphId": None},
        {"thresholdValue": None},
        {"unknown": 1},
    ],
)
def test_what_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        _params(**fields)


def test_params_come_back_as_saved_and_hold_the_whole_policy() -> None:
    params = _params(condition="BETWEEN", thresholdHigh="100.10", guards={"forSeconds": 60}, recipients=["a@x.com"] * 2)
    assert Params.model_validate_json(params.model_dump_json(by_alias=True)) == params
    assert params.recipients == ["a@x.com"]
    policy = {"condition": "BETWEEN", "thresholdValue": "100", "thresholdHigh": "100.10", "guards": {"forSeconds": 60}}
    assert params.policy == Policy.model_validate(policy)
    assert (KIND.name, KIND.queue, KIND.is_gated_only) == ("kpi.threshold", "alerts", True)
