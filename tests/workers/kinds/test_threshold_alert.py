import html
from datetime import datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.workers.kinds.contexts import RUN, SLOT, Journal, context
from tests.workers.wire import LOOPBACK
from workers.alerting.conditions import CONDITIONS
from workers.alerting.words import number, with_unit
from workers.branding import Branding
from workers.kind import KnownState
from workers.kinds.threshold_alert import KIND, Params, Slot, evaluate, record, render, run, states
from workers.outcome import AlertState, Done, Later, Rejected
from workers.sources import Column, Postgres, Question, SourceUnavailable, Table

ALERT = UUID(int=5)
BEFORE = SLOT - timedelta(hours=2)
AS_OF = SLOT + timedelta(seconds=3)
HERE = Slot(SLOT.astimezone(ZoneInfo("Europe/Paris")), "Europe/Paris", RUN)


def _params(**fields: Any) -> Params:
    given_fields = {
        "alertId": str(ALERT),
        "alertName": "Unsold seats",
        "recipients": ["ops@example.com"],
        "source": "warehouse",
        "query": "select 1",
        "condition": "GREATER_THAN",
        "thresholdValue": "100",
    }
    return Params.model_validate(given_fields | fields)


def _table(*rows: tuple[Any, ...], names: tuple[str, ...] = ("value",)) -> Table:
    return Table(tuple(Column(name, "numeric") for name in names), list(rows), AS_OF, 1.0)


def _known(state: str) -> KnownState:
    return KnownState(state, Decimal(1), BEFORE)


@pytest.mark.parametrize(
    ("condition", "holds", "fails"),
    [
        ("GREATER_THAN", ["10.01", "11"], ["10", "9"]),
        ("GREATER_THAN_OR_EQUAL", ["10", "10.0"], ["9.999999999999999999999999999999"]),
        ("LESS_THAN", ["9.99", "-1"], ["10", "11"]),
        ("LESS_THAN_OR_EQUAL", ["10.00", "9"], ["10.01"]),
        ("EQUAL", ["10", "10.000", "1E+1"], ["10.0001"]),
        ("NOT_EQUAL", ["10.0001"], ["10", "10.0"]),
        ("BETWEEN", ["10", "15", "20"], ["9.99", "20.01"]),
        ("OUTSIDE", ["9.99", "20.01"], ["10", "15", "20"]),
    ],
)
def test_each_condition_holds_where_its_name_says(condition: str, holds: list[str], fails: list[str]) -> None:
    high = "20" if condition in ("BETWEEN", "OUTSIDE") else None
    params = _params(condition=condition, thresholdValue="10", thresholdHigh=high)
    for values, state in ((holds, "firing"), (fails, "ok")):
        for value in values:
            assert evaluate(_table((Decimal(value),)), params, None, SLOT).state == state


def test_a_range_may_end_at_zero() -> None:
    params = _params(condition="BETWEEN", thresholdValue="-10", thresholdHigh="0")
    assert evaluate(_table((Decimal(-5),)), params, None, SLOT).state == "firing"
    assert evaluate(_table((Decimal(1),)), params, None, SLOT).state == "ok"


@pytest.mark.parametrize(
    ("before", "value", "state", "is_told", "since", "says"),
    [
        (None, 150, "firing", True, SLOT, "message: 150 is above 100"),
        (None, 50, "ok", False, SLOT, "no message: first evaluation, and 50 is not above 100"),
        ("ok", 150, "firing", True, SLOT, "message: 150 is above 100"),
        ("ok", 50, "ok", False, BEFORE, "no message: still ok since 2026-11-21T06:30:00Z"),
        ("firing", 150, "firing", False, BEFORE, "no message: still firing since 2026-11-21T06:30:00Z"),
        ("firing", 50, "ok", True, SLOT, "message: recovered, 50 is no longer above 100"),
        ("firing", None, "no_data", False, BEFORE, "no message: the value is NULL"),
        (None, None, "no_data", False, SLOT, "no message: the value is NULL"),
    ],
)
def test_a_message_goes_out_on_change_alone(
    before: str | None, value: int | None, state: str, is_told: bool, since: datetime, says: str
) -> None:
    verdict = evaluate(_table((value,)), _params(), _known(before) if before else None, SLOT)
    assert (verdict.state, verdict.is_told, verdict.since, verdict.reason) == (state, is_told, since, says)
    assert verdict.previous_state == before


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (_table(), "no row"),
        (_table((1,), (2,)), "more than one row"),
        (_table((None,)), "NULL"),
        (_table(("12",)), "no number but str"),
        (_table((True,)), "no number but bool"),
        (_table((SLOT,)), "no number but datetime"),
        (_table((Decimal("NaN"),)), "NaN"),
        (_table((Decimal("Infinity"),)), "Infinity"),
        (_table((float("nan"),)), "nan"),
        (_table((float("-inf"),)), "-inf"),
    ],
)
def test_a_table_without_one_number_is_no_data_and_what_was_known_holds(table: Table, says: str) -> None:
    verdict = evaluate(table, _params(), _known("firing"), SLOT)
    assert (verdict.state, verdict.value, verdict.is_told) == ("no_data", None, False)
    assert says in verdict.reason
    assert states(verdict, ALERT) == ()


def test_the_value_is_the_column_of_that_name_or_else_the_first() -> None:
    for names, row in ((("month", "VALUE"), ("2026-11", 7)), (("total", "month"), (7, "2026-11"))):
        assert evaluate(_table(row, names=names), _params(), None, SLOT).value == 7


def test_a_float_is_taken_as_it_is_written() -> None:
    params = _params(condition="EQUAL", thresholdValue=0.1)
    assert params.threshold_value == Decimal("0.1")
    assert evaluate(_table((0.1,)), params, None, SLOT).state == "firing"


@given(st.lists(st.integers(90, 110) | st.none(), max_size=30))
def test_messages_alternate_between_alert_and_recovery(values: list[int | None]) -> None:
    known: KnownState | None = None
    told: list[str] = []
    for index, value in enumerate(values):
        verdict = evaluate(_table((value,)), _params(), known, SLOT + timedelta(minutes=index))
        for kept in states(verdict, ALERT):
            known = KnownState(kept.state, kept.value, kept.since)
        told += [verdict.state] if verdict.is_told else []
    assert told == ["firing", "ok"] * (len(told) // 2) + ["firing"] * (len(told) % 2)


def test_the_record_says_what_was_decided_and_why() -> None:
    verdict = evaluate(_table((Decimal("150.50"),)), _params(unit="seats"), _known("ok"), SLOT)
    assert record(verdict) == {
        "value": "150.50",
        "unit": "seats",
        "condition": "GREATER_THAN",
        "thresholdValue": "100",
        "thresholdHigh": None,
        "previousState": "ok",
        "state": "firing",
        "since": "2026-11-21T08:30:00Z",
        "notified": True,
        "reason": "message: 150.5 is above 100",
        "dataAsOf": "2026-11-21T08:30:03Z",
    }


class Answering:
    """A source that gives one table, or one error, to every query."""

    def __init__(self, answer: Table | Exception) -> None:
        self._answer = answer

    def query(self, question: Question, *, timeout_seconds: float, row_cap: int) -> Table:  # noqa: ARG002 - a source's signature
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


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


@pytest.mark.parametrize(("value", "before"), [(Decimal("1234567.5"), "ok"), (Decimal("12.25"), "firing")])
def test_a_mail_says_what_happened_where_and_since_when_in_the_schedules_zone(value: Decimal, before: str) -> None:
    verdict = evaluate(_table((value,)), _params(unit="seats", recipients=["a@x.com", "b@x.com"]), _known(before), SLOT)
    message = render(verdict, HERE, Branding())
    shown = with_unit(value, "seats")
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
        assert ("no longer above" in text) is not is_firing
    assert not page.tags & {"script", "img", "link", "style", "form", "iframe"}
    assert not page.attributes & {"src", "href", "class"}


def test_a_name_is_never_markup_and_never_a_template() -> None:
    name = '<script>alert(1)</script> {{ 7*7 }} & "co"'
    message = render(evaluate(_table((150,)), _params(alertName=name, unit="<b>"), None, SLOT), HERE, Branding())
    assert "<script>" not in message.html
    assert html.escape("<script>", quote=False) in message.html
    assert "{{ 7*7 }}" in message.html
    assert name in message.text
    assert name in message.subject


def test_a_mail_bears_its_tenants_branding_and_no_markup_of_it() -> None:
    brand = Branding("A & <b>Co</b>", "#ffd400", "Line <1>\n{{ 7*7 }}")
    message = render(evaluate(_table((150,)), _params(), None, SLOT), HERE, brand)
    assert message.text.endswith("\n\n-- \nA & <b>Co</b>\nLine <1>\n{{ 7*7 }}\n")
    page = _Text(message.html)
    assert all(said in page.text for said in ("A & <b>Co</b>", "Line <1>", "{{ 7*7 }}"))
    assert "background:#ffd400;border-bottom:1px solid #e4e7ec;color:#000000" in message.html
    assert not page.tags & {"b", "script", "img", "link", "style", "form", "iframe"}
    assert not page.attributes & {"src", "href", "class"}


def test_a_mail_of_a_tenant_without_branding_has_no_band_and_no_footer() -> None:
    message = render(evaluate(_table((150,)), _params(), None, SLOT), HERE, Branding())
    assert message.text.endswith(f"\nRun {RUN}\n")
    assert "border-bottom" not in message.html


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("1", "1"),
        ("1.500", "1.5"),
        ("1E+3", "1,000"),
        ("1234567.891", "1,234,567.891"),
        ("-9876543210", "-9,876,543,210"),
        ("42.333333333333333333", "42.333333"),
        ("0.00000012345678", "0.000000123457"),
        ("1E-30", "0." + "0" * 29 + "1"),
        ("1E+5000", "1.000000E+5000"),
        ("100", "100"),
    ],
)
def test_a_number_is_written_as_people_write_it(value: str, shown: str) -> None:
    assert number(Decimal(value)) == shown


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_any_number_can_be_written_shortly(value: Decimal) -> None:
    assert 0 < len(number(value)) <= 120


@pytest.mark.parametrize(
    ("unit", "shown"),
    [
        ("", "-12.5"),
        ("%", "-12.5%"),
        ("€", "-€12.5"),
        ("days", "-12.5\N{NO-BREAK SPACE}days"),
        ("EUR", "-12.5\N{NO-BREAK SPACE}EUR"),
    ],
)
def test_a_unit_stands_where_it_is_expected(unit: str, shown: str) -> None:
    assert with_unit(Decimal("-12.5"), unit) == shown


@pytest.mark.parametrize("condition", ["greater_than", "Greater_Than", " GREATER_THAN "])
def test_a_condition_is_read_in_any_case(condition: str) -> None:
    assert _params(condition=condition).condition == "GREATER_THAN"


@pytest.mark.parametrize(
    "fields",
    [
        {"recipients": []},
        {"recipients": ["a@x.com"] * 101},
        {"recipients": ["a@x.com, b@x.com"]},
        {"recipients": ["a@x.com\r\nBcc: b@x.com"]},
        {"recipients": ["A <a@x.com>"]},
        {"recipients": "a@x.com"},
        {"condition": "NEAR"},
        {"condition": 1},
        {"thresholdValue": "NaN"},
        {"thresholdValue": "Infinity"},
        {"thresholdValue": "much"},
        {"thresholdValue": "1E+400"},
        {"thresholdValue": None},
        {"thresholdHigh": "200"},
        {"condition": "BETWEEN"},
        {"condition": "OUTSIDE", "thresholdHigh": "99"},
        {"alertName": ""},
        {"alertName": "x" * 201},
        {"alertName": "a\r\nb"},
        {"unit": "x" * 21},
        {"unit": "a\nb"},
        {"source": ""},
        {"query": ""},
        {"unknown": 1},
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_saved(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        _params(**fields)


def test_a_recipient_named_twice_is_told_once() -> None:
    assert _params(recipients=["a@x.com", "b@x.com", "a@X.com"]).recipients == ["a@x.com", "b@x.com"]


def test_params_come_back_as_saved() -> None:
    params = _params(condition="BETWEEN", thresholdHigh="100.10", unit="%")
    assert Params.model_validate_json(params.model_dump_json(by_alias=True)) == params
    assert set(Params.model_json_schema()["properties"]["condition"]["enum"]) == set(CONDITIONS)
    assert (KIND.name, KIND.queue, KIND.is_gated_only) == ("kpi.threshold", "alerts", True)


def test_a_run_reads_a_real_database_and_returns_record_message_and_state(empty_database: str) -> None:
    source = Postgres(empty_database, allowed=LOOPBACK)
    params = _params(query="select count(*) as value from generate_series(1, 150)", unit="seats")
    outcome = run(context(params, journal=Journal(source, _known("ok"))))
    assert isinstance(outcome, Done)
    assert outcome.result["value"] == "150"
    assert [message.to for message in outcome.messages] == [("ops@example.com",)]
    assert outcome.alert_states == (AlertState(ALERT, "", "firing", Decimal(150), SLOT),)
    again = run(context(params, journal=Journal(source, KnownState("firing", Decimal(150), SLOT))))
    assert isinstance(again, Done)
    assert again.messages == ()
    assert again.result["reason"] == "no message: still firing since 2026-11-21T08:30:00Z"


def test_a_run_whose_query_gives_many_rows_is_no_data(empty_database: str) -> None:
    source = Postgres(empty_database, allowed=LOOPBACK)
    outcome = run(context(_params(query="select generate_series(1, 100000)"), journal=Journal(source)))
    assert isinstance(outcome, Done)
    assert outcome.result["reason"] == "no message: the query gives more than one row"


def test_a_run_whose_query_is_wrong_is_rejected_and_whose_database_is_away_comes_later(empty_database: str) -> None:
    source = Postgres(empty_database, allowed=LOOPBACK)
    assert isinstance(run(context(_params(query="selec"), journal=Journal(source))), Rejected)
    assert isinstance(run(context(_params(), journal=Journal())), Rejected)

    assert run(context(_params(), journal=Journal(Answering(SourceUnavailable("it is away"))))) == Later(
        None, "it is away"
    )


def test_an_alert_that_nobody_remembers_is_told_each_time() -> None:
    outcome = run(
        context(
            _params().model_copy(update={"alert_id": None}),
            journal=Journal(Answering(_table((150,))), _known("firing")),
        )
    )
    assert isinstance(outcome, Done)
    assert len(outcome.messages) == 1
    assert outcome.alert_states == ()
