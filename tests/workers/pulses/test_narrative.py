"""Every number of a text against a real evidence: what is proved, what is no figure, what nothing proves."""

import json
import random
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workers.pulses.made import SLOT, evidence
from workers.alerting import words
from workers.formats.numbers import Style, axis_labels, number, percentage, rounded, united, with_unit
from workers.formats.page import signed
from workers.formats.report import Column, Section, figure
from workers.pulses.evidence import Evidence, gather
from workers.pulses.narrative import MOST_CLAIMS, Checker, check

CHECKER = Checker(evidence())

# Each number of the sentence in its order: v verified, e exempt, u unverified.
SENTENCES = [
    # A level is a cell, in the precision that it is written with.
    ("Revenue was €12,345.67.", "v"),
    ("Revenue was €12,345.7.", "v"),
    ("Revenue was €12,346.", "v"),
    ("Revenue was €12,345.", "u"),
    ("Revenue was €12,345.68.", "u"),
    ("Revenue was 12,345.67 €.", "v"),
    ("Revenue was 12,345.67 euros.", "v"),
    ("Revenue was EUR 12,345.67.", "v"),
    ("Revenue was 12 345.67 EUR.", "v"),
    ("Revenue was 12'345.67 EUR.", "v"),
    ("Revenue was 12.345,67 €.", "v"),
    ("Revenue was 12.345,67 € with 494 orders.", "vv"),
    ("Revenue was 12,345.67.", "v"),
    ("Revenue was €12.3k.", "v"),
    ("Revenue was €12.35k.", "v"),
    ("Revenue was €12.4k.", "u"),
    ("Revenue was €12 thousand.", "v"),
    ("Revenue was €15 thousand.", "u"),
    ("Revenue was about €12,300.", "v"),
    ("Revenue was roughly €12,000.", "v"),
    ("Revenue was about €13,500.", "u"),
    ("Revenue was just over €12,300.", "v"),
    ("Revenue was nearly €12,400.", "v"),
    ("Revenue was over €12,400.", "u"),
    ("Revenue was almost €12,300.", "u"),
    ("Revenue was €12.3 million.", "u"),
    ("Revenue was €12.3M.", "u"),
    ("There were 494 orders.", "v"),
    ("There were 495 orders.", "u"),
    ("There were four hundred and ninety-four orders.", "v"),
    ("There were four hundred and ninety-five orders.", "u"),
    ("Orders: **494**.", "v"),
    ("Orders: `494`.", "v"),
    ("Orders: 4**9**4.", "v"),
    ("Orders: **4**95.", "u"),
    ("Conversion was 2.98%.", "v"),
    ("Conversion was 2.98 percent.", "v"),
    ("Conversion was 2.98 per cent.", "v"),
    ("Conversion was 3%.", "v"),
    ("Conversion was 2.9%.", "u"),
    ("Conversion was 29.8‰.", "u"),
    # Units.
    ("Revenue was $12,345.67.", "u"),
    ("Revenue was 12,345.67 dollars.", "u"),
    ("Revenue was USD 12,345.67.", "u"),
    ("Revenue was £12.3k.", "u"),
    ("There were 12,345.67 orders.", "u"),
    ("There were €494.", "u"),
    ("Conversion was 2.98.", "u"),
    ("Orders stood at 494%.", "u"),
    ("It took 494 ms.", "u"),
    ("It took 494 days.", "u"),
    ("There were 12,345.67 visitors.", "u"),
    # Moves and their direction.
    ("Revenue rose by 12%.", "v"),
    ("Revenue rose 12.0%.", "v"),
    ("Revenue rose by 12.03%.", "u"),
    ("Revenue rose by 12.02%.", "v"),
    ("Revenue rose by 13%.", "u"),
    ("Revenue was up 12 %.", "v"),
    ("Revenue was up by 12 percent.", "v"),
    ("Revenue fell by 12%.", "u"),
    ("Revenue was down 12%.", "u"),
    ("Revenue dropped 12%.", "u"),
    ("▲ 12%", "v"),
    ("▼ 12%", "u"),
    ("Revenue: +12%.", "v"),
    ("Revenue: −12%.", "u"),  # noqa: RUF001
    ("Revenue: -12%.", "u"),
    ("A 12% increase in revenue.", "v"),
    ("A 12% decline in revenue.", "u"),
    ("Revenue was 12% higher.", "v"),
    ("Revenue was 12% lower.", "u"),
    ("Revenue was 12% above the day before.", "v"),
    ("Revenue was 12% below the day before.", "u"),
    ("Revenue rose sharply by about 12%.", "v"),
    ("Revenue rose by €1,325.17.", "v"),
    ("Revenue rose by €1.3k.", "v"),
    ("Revenue fell by €1,325.17.", "u"),
    ("Revenue grew 12% (€1,325.17).", "vv"),
    ("Revenue rose 12% to €12,345.67.", "vv"),
    ("Revenue fell to €12,345.67.", "u"),
    ("Revenue rose from €11,020.50 to €12,345.67.", "vv"),
    ("Revenue rose from €12,345.67 to €11,020.50.", "vu"),
    ("Revenue was €12,345.67, up from €11,020.50.", "vv"),
    ("Revenue was €12,345.67, down from €11,020.50.", "vu"),
    ("Revenue did not rise by 12%.", "u"),
    ("Revenue grew by 20% since 1 October.", "ve"),
    ("Revenue fell by 20% since 1 October.", "ue"),
    ("Orders rose by 53.", "v"),
    ("There were 53 more orders than the day before.", "v"),
    ("There were 53 fewer orders than the day before.", "u"),
    ("Orders changed by 12%.", "v"),
    ("Conversion fell by 0.53 points.", "v"),
    ("Conversion fell by 0.53 percentage points.", "v"),
    ("Conversion fell by 53 basis points.", "v"),
    ("Conversion fell by 0.53 pp.", "v"),
    ("Conversion fell by 0.53%.", "u"),
    ("Conversion rose by 0.53 points.", "u"),
    ("Conversion fell by 15%.", "v"),
    ("Conversion fell to 2.98%.", "v"),
    ("Conversion rose to 2.98%.", "u"),
    ("Revenue doubled.", "u"),
    ("Revenue tripled.", "u"),
    ("Revenue halved.", "u"),
    ("Signups rose by a third.", "u"),
    ("Free signups are up a quarter from July.", "v"),
    ("Free signups rose by 25% from July.", "v"),
    # Sums, means, shares, multiples.
    ("Revenue came to €150,772.67 in all.", "v"),
    ("Revenue came to €150,772.68 in all.", "u"),
    ("The mean was €10,769.48 a day.", "v"),
    ("The four regions sold 9,145 units.", "vv"),
    ("The five regions sold 9,145 units.", "uv"),
    ("North made 47% of all units.", "v"),
    ("North made 48% of all units.", "u"),
    ("South made 47% of all units.", "u"),
    ("Nearly half of the units came from North.", "v"),
    ("More than half of the units came from North.", "u"),
    ("A quarter of the units came from South.", "u"),
    ("27% came from South.", "v"),
    ("North sold 1.75 times as much as South.", "v"),
    ("North sold 2.5x as much as South.", "u"),
    ("North sold 1,853 more units than South.", "v"),
    ("North sold 1,853 fewer units than South.", "v"),
    ("North beat South by 1,853 units.", "v"),
    ("Revenue was up €1,325 (12%), but down 3.5% from 12 October.", "vvve"),
    ("Signups were 240 in September.", "v"),
    ("Paid signups were 150 in September.", "u"),
    ("Free made 62.5% of the signups.", "v"),
    ("Paid made 62.5% of the signups.", "u"),
    ("In the last 7 days revenue came to €79,066.17.", "vv"),
    ("In the last 7 days revenue came to €79,066.92.", "vu"),
    # Of whom or of when.
    ("North sold 4,321 units.", "v"),
    ("South sold 4,321 units.", "u"),
    ("North and South sold 4,321 and 2,468 units.", "vv"),
    ("On 13 October revenue was €11,020.50.", "ev"),
    ("On 2 October revenue was €11,250.", "eu"),
    ("On 10 October revenue was €11,250.", "ev"),
    ("Orders were 12,345.67.", "u"),
    ("On 3 October revenue was €12,345.67.", "eu"),
    ("Revenue was €12,345.67 on 3 October.", "ue"),
    ("Revenue was €12,345.67 on 2026-10-03.", "ue"),
    ("Revenue was €12,345.67 on October 14th.", "ve"),
    ("Revenue was €12,345.67 on 14 September.", "ue"),
    ("Revenue was €12,345.67 in September.", "u"),
    ("Revenue in Q3 was €12,345.67.", "eu"),
    ("In October revenue was €12,345.67.", "v"),
    ("On 14 October revenue rose from €11,020.50 to €12,345.67.", "evv"),
    ("Revenue rose to €12,345.67 from €11,020.50 on 13 October.", "vve"),
    ("In the last 14 days revenue summed to €12,345.67.", "vu"),
    ("Signups were 150 in September.", "u"),
    ("Free signups were 150 in September.", "v"),
    ("4,321 units were sold.", "u"),
    ("The best region sold 4,321 units.", "v"),
    ("In the last 14 days revenue summed to €150,772.67.", "vv"),
    ("Revenue was zero.", "u"),
    ("Revenue was ½ of the day before.", "uu"),
    ("There were ④⑨⑤ orders.", "uuu"),
    # Signs.
    ("The profit was -520.", "v"),
    ("The profit was −520.", "v"),  # noqa: RUF001
    ("The profit was (520).", "v"),
    ("The profit was minus 520.", "v"),
    ("There was a loss of 520.", "v"),
    ("The profit was 520.", "u"),
    ("Refunds were -€731.40.", "u"),
    # What is no figure.
    ("On 14 October 2026 at 08:00 all was well.", "ee"),
    ("On 2026-10-14 all was well.", "e"),
    ("October 12th was quiet.", "e"),
    ("1. First.\n2. Second.", "ee"),
    ("In Q3 2026 all was well.", "e"),
    ("Between 9 am and 5 pm.", "ee"),
    ("In 2026 all was well.", "e"),
    ("In 2019 all was well.", "u"),
    ("Model 3 sold 999 units.", "ev"),
    ("Model 4 sold 999 units.", "uu"),
    ("See [this](https://example.org/2024/99) now.", "e"),
    ("Two things stand out.", "e"),
    ("One of them is North.", ""),
    ("The top 3 are North, South and East.", "v"),
    ("The top 3 are North and South.", "u"),
    ("Here are 2 items:\n\n- this\n- that", "v"),
    ("Here are 3 items:\n\n- this\n- that", "u"),
    ("The last 14 days were good.", "v"),
    ("The last 400 days were good.", "u"),
    ("It was the 3rd largest.", "e"),
    ("It was the 99th largest.", "u"),
    # Ranges, lists, other scripts, nonsense.
    ("Orders were 441–494.", "vv"),  # noqa: RUF001
    ("Orders were 441-600.", "vu"),
    ("Conversion was 2.98–3.51%.", "vv"),  # noqa: RUF001
    ("Orders: ٤٩٤.", "v"),
    ("Orders: ٤٩٥.", "u"),
    ("Revenue rose by ١٢٪.", "v"),
    ("Orders: ４９４.", "v"),  # noqa: RUF001
    ("Orders: 4\u200b94.", "v"),
    ("Orders: &#52;94.", "v"),
    ("Orders: 1.2.3.", "u"),
    ("Orders: 494万.", "u"),
    ("Orders: 494xyz.", "u"),
    ("Orders: 1[2](https://x.example)3.", "uuu"),
    ("| Region | Units |\n|---|---|\n| North | 4,321 |\n| South | 4,321 |", "vu"),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "verdicts"), SENTENCES)
def test_each_number_has_its_verdict(sentence: str, verdicts: str) -> None:
    checked = CHECKER.check(sentence)
    told = "".join(claim.verdict[0] for claim in checked.claims)
    assert told == verdicts, [(claim.text, claim.verdict, claim.why) for claim in checked.claims]


UNITS = ("", "€", "$", "%", "ms", "orders")
AMOUNTS = st.decimals(Decimal("-1e9"), Decimal("1e9"), places=4).filter(lambda value: abs(value) > 1)


def _of(*values: Decimal, unit: str = "", decimals: int | None = None) -> Evidence:
    columns = (Column("name"), Column("figure", "number", "Figure", unit, decimals=decimals))
    return gather(SLOT, [Section("Figures", columns, [(f"row {at}", value) for at, value in enumerate(values)])])


@pytest.mark.parametrize(
    ("sentence", "verdicts"),
    [
        ("It was 12,360 thousand.", "v"),
        ("It was 12.4 million.", "v"),
        ("It was 12,361 thousand.", "u"),
        ("It was 12,360 million.", "u"),
    ],
)
def test_a_figure_in_thousands_is_told_in_thousands(sentence: str, verdicts: str) -> None:
    checked = Checker(_of(Decimal(12360), unit="thousand")).check(f"{sentence[:-1]} in row 0.")
    assert "".join(claim.verdict[0] for claim in checked.claims if claim.verdict != "exempt") == verdicts


@given(AMOUNTS, st.sampled_from(UNITS), st.sampled_from([None, 0, 1, 2]))
@settings(max_examples=50, deadline=None)
def test_a_cell_in_any_of_the_houses_formats_is_verified(value: Decimal, unit: str, decimals: int | None) -> None:
    column = Column("figure", "number", "Figure", unit, decimals=decimals)
    checker = Checker(_of(value, unit=unit, decimals=decimals))
    others = [words.rough(value, Style(unit))]
    if unit in ("€", "$"):
        # Money that is rounded to ten cents is written with two decimals, and claims more than it knows.
        others = [axis_labels([value.quantize(Decimal(1))], unit)[0]]
    for told in (
        figure(value, column),
        signed(figure(value, column)),
        united(number(value), unit),
        united(rounded(value, 2), unit),
        with_unit(value, Style(unit)),
        *others,
    ):
        checked = checker.check(f"The figure was {told}.")
        assert [claim.verdict for claim in checked.claims] == ["verified"], (told, checked.claims)


@given(AMOUNTS, st.sampled_from(UNITS), st.sampled_from([0, 1, 2]), st.integers(2, 50), st.booleans())
@settings(max_examples=50, deadline=None)
def test_a_cell_that_is_off_by_more_than_its_rounding_is_not(
    value: Decimal, unit: str, decimals: int, steps: int, is_more: bool
) -> None:
    off = Decimal(steps).scaleb(-decimals) * (1 if is_more else -1)
    told = united(rounded(value + off, decimals), unit)
    checked = check(f"The figure was {told}.", _of(value, unit=unit))
    assert [claim.verdict for claim in checked.claims] == ["unverified"], checked.claims


@given(st.decimals(1, 10_000, places=2), st.decimals(1, 10_000, places=2))
@settings(max_examples=50, deadline=None)
def test_a_change_between_two_days_is_verified_in_its_direction_alone(before: Decimal, now: Decimal) -> None:
    percent = abs(now - before) / before * 100
    if percent < 1:
        return
    days = (Column("day", "date"), Column("value", "number", "Revenue", "€"))
    rows = [(SLOT.date().replace(day=1), before), (SLOT.date().replace(day=2), now)]
    checker = Checker(gather(SLOT, [Section("Revenue", days, rows)]))
    right, wrong = ("rose", "fell") if now > before else ("fell", "rose")
    tenth = percent.quantize(Decimal("0.1"), ROUND_HALF_UP)
    for told in (percentage(percent), f"{tenth} %", f"{round(percent)} percent"):
        assert [claim.verdict for claim in checker.check(f"Revenue {right} by {told}.").claims] == ["verified"]
        assert [claim.verdict for claim in checker.check(f"Revenue {wrong} by {told}.").claims] == ["unverified"]


# How often a number that was drawn at random is right by accident, in percent: docs/narrative.md has what was measured.
DRAWN = [
    ("Revenue was €{}.", lambda draw: f"{draw.uniform(8_000, 13_000):,.2f}", 0.1),
    ("Revenue was €{}.", lambda draw: f"{draw.uniform(8_000, 13_000):,.0f}", 1.0),
    ("There were {} orders.", lambda draw: f"{draw.randint(300, 550)}", 8.0),
    ("Revenue rose by {}%.", lambda draw: f"{draw.uniform(0, 40):.1f}", 3.0),
    ("Revenue rose by {}%.", lambda draw: f"{draw.randint(1, 40)}", 13.0),
    ("North made {}% of the units.", lambda draw: f"{draw.randint(1, 99)}", 2.0),
    ("It was {}.", lambda draw: f"{draw.uniform(1, 100_000):,.0f}", 1.0),
]


@pytest.mark.parametrize(("sentence", "drawn", "most"), DRAWN)
def test_a_random_number_is_seldom_right_by_accident(sentence: str, drawn: Any, most: float) -> None:
    draw = random.Random(20_261_015)
    texts = [sentence.format(drawn(draw)) for _ in range(300)]
    right = sum(CHECKER.check(text).claims[0].verdict == "verified" for text in texts)
    assert right / 3 <= most


def test_the_record_of_a_check_is_json_and_names_the_cells() -> None:
    checked = CHECKER.check("Revenue was €12,345.67. It tripled.")
    kept = json.loads(json.dumps(checked.record))
    first, second = kept["claims"]
    assert kept["counts"] == {"verified": 1, "exempt": 0, "unverified": 1}
    assert kept["evidenceHash"] == evidence().hash
    assert first["sentence"] == "Revenue was €12,345.67."
    assert checked.markdown[slice(*first["span"])] == "€12,345.67"
    assert first["cells"] == [{"graph": "Revenue", "column": "Revenue", "row": "2026-10-14", "value": "€12,345.67"}]
    assert (second["verdict"], second["cells"]) == ("unverified", [])


def test_more_numbers_than_are_looked_at_are_unverified() -> None:
    checked = CHECKER.check("There were 494 orders. " * (MOST_CLAIMS + 1))
    assert [checked.claims[at].verdict for at in (0, MOST_CLAIMS)] == ["verified", "unverified"]
