"""What a run knows, kept and read again; what changed since; what is made of it without a model."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.workers.pulses.made import DAYS, REVENUE, SLOT, days, evidence, graph, part, parts
from workers.formats.report import Column, Section
from workers.pulses.changes import Notable, changes, is_notable
from workers.pulses.clear import as_read, clear
from workers.pulses.evidence import MOST_BYTES, MOST_ROWS, Evidence, gather, read
from workers.pulses.fallback import escape, fallback
from workers.pulses.narrative import check
from workers.pulses.page import make
from workers.pulses.settle import MARK, settle


def test_an_evidence_is_read_again_as_it_was() -> None:
    found = evidence()
    again = read(found.json)
    assert again.answers == found.answers
    assert (again.json, again.hash) == (found.json, found.hash)


def test_the_hash_is_another_for_another_figure() -> None:
    other = parts()
    other[0] = part(
        graph("Revenue", unit="€", decimals=2, time_dimension="day", grain="day"), DAYS, days([*REVENUE[:-1], 1])
    )
    assert gather(SLOT, other).hash != evidence().hash


def test_numbers_keep_every_digit_and_what_is_none_is_none() -> None:
    columns = (Column("at", "instant"), Column("n", "number", decimals=0), Column("ok", "boolean"))
    at = datetime(2026, 10, 14, 23, 30, tzinfo=UTC)
    found = gather(SLOT, [Section("S", columns, [(at, Decimal("1.10"), True), (None, float("nan"), None)])])
    (answer,) = read(found.json).answers
    # Times are in the pulse's zone, and what has none stands first.
    assert answer.rows[0] == (None, None, None)
    assert answer.rows[1][0].isoformat() == "2026-10-15T01:30:00+02:00"  # type: ignore[union-attr]
    assert (str(answer.rows[1][1]), answer.rows[1][2], answer.columns[1].decimals) == ("1.10", True, 0)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"slot":"2026-10-15T08:00:00","answers":[1]}', '{"slot":"x","answers":[]}']
)
def test_what_is_no_evidence_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(text)


def test_too_much_is_cut_to_the_newest_and_then_has_no_total() -> None:
    many = [
        (SLOT.replace(tzinfo=UTC, year=1990 + at // 300, month=1 + at // 28 % 12, day=1 + at % 28), Decimal(at))
        for at in range(900)
    ]
    unique = sorted(dict(many).items())
    found = gather(SLOT, [Section("Long", (Column("at", "instant"), Column("n", "number")), unique)])
    (answer,) = found.answers
    assert len(answer.rows) == MOST_ROWS
    assert answer.rows[-1][1] == unique[-1][1]
    assert not answer.is_whole
    wide = [
        Section(f"S{at}", (Column("name"), Column("n", "number")), [("x" * 200, Decimal(n)) for n in range(400)])
        for at in range(8)
    ]
    assert len(gather(SLOT, wide).json.encode()) <= MOST_BYTES


def _now(**figures: Decimal) -> Evidence:
    columns = (Column("name"), Column("sales", "number", "Sales", "€"))
    return gather(SLOT, [Section("By region", columns, list(figures.items()))])


def test_what_changed_is_told_the_largest_first() -> None:
    before = _now(North=Decimal(100), South=Decimal(50), East=Decimal(7), West=Decimal(9))
    now = _now(North=Decimal(110), South=Decimal(25), East=Decimal(7), Centre=Decimal(3))
    assert changes(before, now) == [
        "By region · Centre · Sales is new: €3.",
        "By region · West · Sales is gone: it was €9.",
        "By region · South · Sales: €25, was €50 (▼ 50%).",
        "By region · North · Sales: €110, was €100 (▲ 10%).",
    ]
    assert changes(None, now) == []
    assert changes(now, now) == []


def test_a_new_day_is_held_against_the_newest_of_the_last_one() -> None:
    later = parts()
    later[0] = part(
        graph("Revenue", unit="€", decimals=2, time_dimension="day", grain="day"), DAYS, days([*REVENUE, 6172.83])
    )
    assert changes(evidence(), gather(SLOT, later)) == ["Revenue: €6,172.83, was €12,345.67 (▼ 50%)."]


@pytest.mark.parametrize(
    ("now", "policy", "is_worth"),
    [
        ({"North": 104}, Notable(), False),
        ({"North": 105}, Notable(), True),
        ({"North": 95}, Notable(), True),
        ({"North": 104}, Notable(percent=Decimal(1)), True),
        ({"North": 100, "South": 1}, Notable(), True),
        ({"North": 100, "South": 1}, Notable(is_names=False), False),
        ({"North": 100}, Notable(percent=Decimal(0)), False),
    ],
)
def test_only_what_moved_enough_is_worth_a_mail(now: dict[str, int], policy: Notable, is_worth: bool) -> None:
    found = _now(**{name: Decimal(value) for name, value in now.items()})
    assert is_notable(_now(North=Decimal(100)), found, policy) == is_worth
    assert is_notable(None, found, policy)


def test_a_report_without_a_model_says_so_first_and_its_numbers_are_true() -> None:
    before = gather(SLOT, parts()[:2])
    told = fallback(evidence(), "the model gave no answer in 60 seconds", before)
    assert told.splitlines()[0] == (
        "*This report was made from the figures alone, by a fixed form: the model gave no answer in 60 seconds.*"
    )
    assert [claim.text for claim in check(told, evidence()).unverified] == ["60"]
    assert "| North | 4,321 |" in told
    assert "**€12,345.67** (2026-10-14), ▲ 12% beside €11,020.50 the time before." in told
    assert "No graph gave any figures." in fallback(Evidence(SLOT, ()), "x")


HOSTILE = (
    "![x](https://evil.example/a)", "[x](https://evil.example)", "<img src=x>", "**bold** _it_ `code`", "a | b", "# head",
    "- item", "1. item", "&lt;b&gt; &#91;x](https://evil.example)", "```chart", "=== ---", "a\n\nb", "\u202eevil\u200b", "https://evil.example",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_of_the_data_is_shown_and_means_nothing(text: str) -> None:
    shown = clear(text.replace("\n", " ")).strip()
    for told in (escape(text), f"- {escape(text)}", f"| {escape(text)} | 1 |"):
        block = f"| a | b |\n|---|---|\n{told}" if told.startswith("|") else told
        assert shown in as_read(block) or " ".join(shown.split()) in as_read(block)
        page = make(block, evidence())
        assert not any(mark in page.html for mark in ("<a", "<img", "<strong", "<em", "<code", "<pre", "<h1"))


def test_the_fallback_shows_hostile_names_as_they_are() -> None:
    rows = [(text, Decimal(at)) for at, text in enumerate(HOSTILE)]
    found = gather(SLOT, [Section("![g](https://evil.example/g)", (Column("name"), Column("n", "number")), rows)])
    page = make(fallback(found, "it is late"), found, ["https://tocsin.example"])
    assert not any(mark in page.html for mark in ("<a", "<img", 'evil.example"', "<strong", "<code"))
    assert {note.partition(":")[0] for note in page.notes} == {"an address was left out"}


MADE_UP = """# Sales of 99,998

Revenue was €12,345.67. It will be €99,999! Fine.

- North sold 4,321. South sold 99,997.
- All 99,996 of them.

| Region | 99,995 |
|---|---|
| North | 4,321 |
| South | 99,994 |
"""


def test_unverified_numbers_are_marked_in_every_form_of_the_page() -> None:
    settled = settle(check(MADE_UP, evidence()), "mark", evidence())
    page = make(settled.markdown, evidence())
    words = " ".join(str(cell) for section in page.sections for row in section.rows for cell in row)
    words += " ".join(
        section.name + " ".join(column.heading for column in section.columns) for section in page.sections
    )
    for number in ("99,998", "€99,999", "99,997", "99,996", "99,995", "99,994"):
        for form in (settled.markdown, page.html, page.text, words):
            assert f"{number}{MARK}" in form
    assert f"4,321{MARK}" not in page.text


def test_sentences_with_unverified_numbers_are_dropped_and_nothing_else() -> None:
    settled = settle(check(MADE_UP, evidence()), "drop", evidence())
    assert settled.markdown == (
        "Revenue was €12,345.67. Fine.\n\n- North sold 4,321.\n\n"
        f"| Region | 99,995{MARK} |\n|---|---|\n| North | 4,321 |\n"
    )
    assert settled.sentences[1] == "It will be €99,999!"


def test_what_a_model_is_asked_to_write_again_comes_with_its_true_cells_as_data() -> None:
    settled = settle(check("South sold 99,997 units.", evidence()), "drop", evidence())
    assert '1. "South sold 99,997 units."' in settled.prompt
    assert '{"graph": "Sales by region", "column": "Units", "row": "South", "value": "2,468"}' in settled.prompt
    assert "North" not in settled.prompt


def test_a_true_text_is_left_as_it_is() -> None:
    checked = check("Revenue was €12,345.67.\n", evidence())
    assert settle(checked, "drop", evidence()) == ("Revenue was €12,345.67.\n", (), "")


@pytest.mark.parametrize("policy", ["mark", "drop"])
def test_settling_leaves_no_number_unmarked_that_nothing_proves(policy: Any) -> None:
    settled = settle(check(MADE_UP, evidence()), policy, evidence())
    for claim in check(settled.markdown, evidence()).unverified:
        assert settled.markdown.startswith(MARK, claim.span.end)


def test_a_section_is_cut_to_the_columns_that_are_kept() -> None:
    columns = tuple(Column(f"c{at}", "number") for at in range(60))
    found = gather(SLOT, [replace(Section("Wide", columns, [tuple(range(60))]))])
    assert len(found.answers[0].columns) == len(found.answers[0].rows[0]) == 40
