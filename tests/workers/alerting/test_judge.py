from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.workers.alerting.made import MADRID, days, figure, policy
from workers.alerting.judge import judge
from workers.alerting.lookback import window
from workers.alerting.periods import Grain
from workers.alerting.policy import Policy
from workers.alerting.series import WHOLE, Graph, Reading, read
from workers.formats.numbers import Style

SLOT = datetime(2026, 11, 21, 8, tzinfo=UTC)  # 2026-11-20 is the last whole day
WEEK = [10, 10, 10, 10, 10, 10, 10]


def answer(rule: Policy, reading: Reading, slot: datetime = SLOT, as_of: datetime | None = None) -> tuple[str, str]:
    finding = judge(rule, reading.series[WHOLE], slot, as_of)
    return finding.answer, finding.sentence.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("condition", "fields", "holding"),
    [
        ("GREATER_THAN", {}, [11, 20, 21]),
        ("greater_than_or_equal", {}, [10, 11, 20, 21]),
        ("LESS_THAN", {}, [9]),
        ("LESS_THAN_OR_EQUAL", {}, [9, 10]),
        ("EQUAL", {}, [10]),
        ("NOT_EQUAL", {}, [9, 11, 20, 21]),
        ("BETWEEN", {"thresholdHigh": 20}, [10, 11, 20]),
        ("OUTSIDE", {"thresholdHigh": 20}, [9, 21]),
    ],
)
def test_each_condition_holds_for_what_it_says(condition: str, fields: dict[str, Any], holding: list[int]) -> None:
    rule = policy(10, condition=condition, **fields)
    assert [value for value in (9, 10, 11, 20, 21) if answer(rule, figure(value))[0] == "holds"] == holding


@pytest.mark.parametrize(
    ("values", "fields", "expected"),
    [
        # What a figure itself may be.
        ([12], {}, ("holds", "12 is above 10")),
        (["12.50"], {}, ("holds", "12.5 is above 10")),
        ([None], {}, ("no_data", "the value for 2026-11-19T23:00:00Z is NULL or NaN")),
        ([float("nan")], {}, ("no_data", "the value for 2026-11-19T23:00:00Z is NULL or NaN")),
        (["n/a"], {}, ("could_not_check", "the value is no number but the text 'n/a'")),
        ([], {}, ("no_data", "there is no row for 2026-11-19T23:00:00Z")),
        ([5, ...], {}, ("no_data", "there is no row for 2026-11-19T23:00:00Z")),
        # What it is compared with.
        ([8, 20], {"measure": "change"}, ("holds", "20 against 8 (the period before): the change of +12 is above 10")),
        (
            [8, 9],
            {"measure": "percentChange"},
            ("holds", "9 against 8 (the period before): the change of +12.5% is above 10%"),
        ),
        (
            [3, 4],
            {"measure": "percentChange"},
            ("holds", "4 against 3 (the period before): the change of +33.33% is above 10%"),
        ),
        (
            # Two decimals would put it on its limit.
            [100_000, 110_001],
            {"measure": "percentChange"},
            ("holds", "110,001 against 100,000 (the period before): the change of +10.001% is above 10%"),
        ),
        (
            [-8, -9],
            {"measure": "percentChange", "condition": "LESS_THAN", "thresholdValue": -10},
            ("holds", "-9 against -8 (the period before): the change of -12.5% is below -10%"),
        ),
        (
            [..., 9],
            {"measure": "change"},
            (
                "could_not_check",
                "there is nothing to compare with: the period before (2026-11-18T23:00:00Z) has no row",
            ),
        ),
        (
            [None, 9],
            {"measure": "change"},
            (
                "could_not_check",
                "there is nothing to compare with: the period before (2026-11-18T23:00:00Z): its value is NULL or NaN",
            ),
        ),
        ([None, None], {"measure": "change"}, ("no_data", "the value for 2026-11-19T23:00:00Z is NULL or NaN")),
        # From zero.
        ([0, 9], {"measure": "percentChange"}, ("holds", "new: 9 after 0 (the period before)")),
        ([0, -9], {"measure": "percentChange"}, ("does_not", "new: -9 after 0 (the period before)")),
        ([0, 0], {"measure": "percentChange"}, ("does_not", "no change: 0 after 0 (the period before)")),
        (
            [0, 9],
            {"measure": "percentChange", "zeroBase": "skip"},
            ("does_not", "9 after 0 (the period before) has no percentage"),
        ),
        (
            [0, 0],
            {"measure": "percentChange", "zeroBase": "fire"},
            ("holds", "0 after 0 (the period before) has no percentage, and counts as crossing"),
        ),
        # Floors.
        (
            [2, 4],
            {"measure": "percentChange", "minimumChange": 5},
            ("does_not", "a change of 2 is below 5"),
        ),
        (
            [2, 40],
            {"measure": "percentChange", "minimumBase": 5},
            ("does_not", "2 is too small to compare with: it takes 5"),
        ),
        # Further away.
        (
            [*WEEK, 30],
            {"measure": "change", "baseline": "sameLastWeek"},
            ("holds", "30 against 10 (the same period last week): the change of +20 is above 10"),
        ),
        (
            [1, 2, 3, 30],
            {"measure": "change", "baseline": "rollingMean", "baselinePeriods": 4},
            ("holds", "30 against 2 (the mean of 3 periods before): the change of +28 is above 10"),
        ),
        (
            [3, 30],
            {"measure": "change", "baseline": "rollingMean", "baselinePeriods": 4},
            ("could_not_check", "there is nothing to compare with: 1 of the 4 periods before have a value"),
        ),
        (
            [10, *WEEK[1:], 14, *WEEK[1:], 40],
            {"measure": "change", "baseline": "forecast", "season": "dayOfWeek"},
            ("holds", "40 against 18 (the forecast from 2 seasons): the change of +22 is above 10"),
        ),
        (
            [*WEEK, 40],
            {"measure": "change", "baseline": "forecast", "season": "dayOfWeek"},
            ("could_not_check", "there is nothing to forecast from: 1 seasons before have a value, it takes 2"),
        ),
        # Anomalies.
        (
            [9, 10, 11, 10, 9, 11, 10, None, 99],
            {"measure": "anomaly", "condition": "OUTSIDE", "thresholdValue": 3},
            ("could_not_check", "7 earlier periods have a value, it takes 8"),
        ),
        (
            [9, 10, 11, 10, 9, 11, 10, 12, 14],
            {"measure": "anomaly", "condition": "OUTSIDE", "thresholdValue": 3},
            ("holds", "14 is outside 7 to 13: 10 is the median of 8 periods before, the median deviation from it 1"),
        ),
        (
            [10] * 8 + [11],
            {"measure": "anomaly", "thresholdValue": 3},
            ("holds", "11 is above 10: 10 is the median of 8 periods before, the median deviation from it 0"),
        ),
        (
            [10] * 8 + [11],
            {"measure": "anomaly", "thresholdValue": 3, "minimumChange": 2},
            ("does_not", "a change of 1 is below 2"),
        ),
        # The absence of data, and its age.
        ([], {"measure": "noData", "thresholdValue": None}, ("holds", "there is no row for 2026-11-19T23:00:00Z")),
        ([1], {"measure": "noData", "thresholdValue": None}, ("does_not", "there is a value, 1")),
        (
            ["n/a"],
            {"measure": "noData", "thresholdValue": None},
            ("could_not_check", "the value is no number but the text 'n/a'"),
        ),
        (
            [1, ..., None],
            {"measure": "freshness", "thresholdValue": 86400},
            ("holds", "the age of the data, 205,200 s, is above 86,400 s"),
        ),
    ],
)
def test_each_outcome_is_its_own_and_says_why(
    values: list[Any], fields: dict[str, Any], expected: tuple[str, str]
) -> None:
    rule = Policy.model_validate({"thresholdValue": 10, **fields})
    assert answer(rule, days(values)) == expected


def test_the_period_under_way_is_judged_only_where_that_is_asked_for() -> None:
    reading = days([50, 5], last="2026-11-21")
    assert answer(policy(10), reading) == ("holds", "50 is above 10")
    so_far = policy(10, completePeriodsOnly=False)
    assert answer(so_far, reading) == ("does_not", "5 is not above 10 (so far: the period is under way)")


def test_a_period_that_the_data_does_not_reach_to_the_end_of_is_not_whole() -> None:
    reading = days([50, 5])
    assert answer(policy(10), reading)[0] == "does_not"
    assert answer(policy(10), reading, as_of=SLOT - timedelta(hours=12))[0] == "holds"


def test_figures_that_come_late_are_judged_as_many_periods_later() -> None:
    assert answer(policy(10, lagPeriods=1), days([50, 5])) == ("holds", "50 is above 10")


def test_nothing_after_the_slot_is_looked_at() -> None:
    rule = policy(3, measure="anomaly", condition="OUTSIDE")
    past = [9, 10, 11, 10, 9, 11, 10, 12, 14]
    known = judge(rule, days(past).series[WHOLE], SLOT, None)
    told = judge(rule, days([*past, 1000, 2000, 3000], last="2026-11-23").series[WHOLE], SLOT, None)
    assert (known.answer, known.low, known.high, known.value) == (told.answer, told.low, told.high, told.value)


@pytest.mark.parametrize("hour", [21, 22])
def test_a_day_is_whole_at_local_midnight_in_summer_as_in_winter(hour: int) -> None:
    summer = days([50, 5], last="2026-07-02")
    found = answer(policy(10), summer, datetime(2026, 7, 2, hour, tzinfo=UTC))
    assert found[0] == ("holds" if hour == 21 else "does_not")
    winter = days([50, 5], last="2026-12-02")
    assert answer(policy(10), winter, datetime(2026, 12, 2, 22, 59, tzinfo=UTC))[0] == "holds"
    assert answer(policy(10), winter, datetime(2026, 12, 2, 23, tzinfo=UTC))[0] == "does_not"


def test_readings_without_a_grain_are_judged_by_the_last_one() -> None:
    rows = [(f"2026-11-21T0{hour}:00:00Z", value) for hour, value in enumerate([1, 2, 30])]
    reading = read(["t", "v"], rows, Graph("v", "t"), None)
    assert answer(policy(10, measure="change"), reading)[1].startswith("30 against 2 (the reading before)")
    assert answer(policy(3600, measure="freshness"), reading)[1].startswith("the age of the data, 21,600 s")
    early = datetime(2026, 11, 20, tzinfo=UTC)
    assert answer(policy(10), reading, early) == ("no_data", "there is no row")


def test_a_figure_without_a_time_has_no_past_and_the_age_that_the_source_tells() -> None:
    assert answer(policy(1, measure="change"), figure(5))[0] == "could_not_check"
    assert answer(policy(1, measure="anomaly"), figure(5))[0] == "could_not_check"
    age = policy(3600, measure="freshness")
    assert answer(age, figure(5)) == ("could_not_check", "nothing says how old the data is")
    assert answer(age, figure(5), as_of=SLOT - timedelta(hours=2))[0] == "holds"


DAY = 86400


@pytest.mark.parametrize("grain", ["hour", "day", "month", None])
@pytest.mark.parametrize(
    "fields",
    [
        {"thresholdValue": 10 * DAY},
        {"thresholdValue": 1, "notify": {"escalateAt": [10 * DAY]}},
        {"thresholdValue": 1, "thresholdHigh": 60 * DAY, "condition": "OUTSIDE"},
        {"thresholdValue": DAY, "condition": "LESS_THAN", "guards": {"recoverThreshold": 90 * DAY}},
        {"thresholdValue": 0},
    ],
)
def test_data_that_has_no_row_in_the_window_is_older_than_every_limit(
    grain: Grain | None, fields: dict[str, Any]
) -> None:
    rule = Policy.model_validate({"measure": "freshness", **fields})
    graph = Graph("v", "t", (), grain, MADRID)
    looked_at = window(rule, graph, SLOT)
    assert looked_at is not None
    rows = [(looked_at.start - timedelta(seconds=1), 5)]
    for table in ([], [(None, 1)], [(SLOT + timedelta(days=40), 1)]):
        # The source was read just now, which says nothing of how old its rows are.
        found = judge(rule, read(["t", "v"], table, graph, SLOT).series[WHOLE], SLOT, SLOT)
        known = judge(rule, read(["t", "v"], rows, graph, SLOT).series[WHOLE], SLOT, SLOT)
        assert found.number is not None
        assert known.number is not None
        assert max(rule.threshold_value or 0, rule.threshold_high or 0) < found.number <= known.number
        assert (found.answer, found.stays, found.level) == (known.answer, known.stays, known.level)
        assert "the age of the data, at least " in found.sentence


def test_an_age_beyond_what_is_looked_at_is_no_data() -> None:
    rule = policy(500 * DAY, measure="freshness")
    assert answer(rule, days([]), as_of=SLOT) == ("no_data", "there is no figure as far back as is looked")
    looked_at = window(rule, Graph("v", "t", (), "day", MADRID), SLOT)
    assert looked_at is not None
    assert timedelta(days=400) < SLOT - looked_at.start < timedelta(days=404)


NULL = {"measure": "change", "thresholdValue": 0}


@pytest.mark.parametrize(
    ("match", "also", "expected"),
    [
        ("all", [{"thresholdValue": 5}], ("holds", "50 is above 10 and 50 is above 5")),
        ("all", [{"thresholdValue": 99}], ("does_not", "50 is not above 99")),
        ("any", [{"thresholdValue": 99}], ("holds", "50 is above 10")),
        (
            "all",
            [NULL],
            (
                "could_not_check",
                "there is nothing to compare with: the period before (2026-11-18T23:00:00Z) has no row",
            ),
        ),
        ("all", [NULL, {"thresholdValue": 99}], ("does_not", "50 is not above 99")),
        ("any", [NULL], ("holds", "50 is above 10")),
        (
            "all",
            [{"match": "any", "conditions": [{"thresholdValue": 99}, {"thresholdValue": 40}]}],
            ("holds", "50 is above 10 and 50 is above 40"),
        ),
    ],
)
def test_conditions_are_joined_and_what_decides_alone_decides(
    match: str, also: list[Any], expected: tuple[str, str]
) -> None:
    assert answer(policy(10, match=match, also=also), days([50])) == expected


def test_a_unit_stands_with_each_figure() -> None:
    graph = Graph("v", "d", (), "day", style=Style("€"))
    reading = read(["d", "v"], [("2026-11-19", 1000), ("2026-11-20", 1500)], graph, None)
    assert answer(policy(1400), reading)[1] == "€1,500 is above €1,400"
    assert answer(policy(400, measure="change"), reading)[1].endswith("the change of +€500 is above €400")


def test_a_number_of_any_size_can_be_judged_and_told() -> None:
    for value in ("1e300", "-1e300", "1e-300", "123456789012345678901234567890.5", "0"):
        for measure in ("change", "percentChange", "anomaly"):
            finding = judge(policy(1, measure=measure), days([Decimal(2)] * 9 + [value]).series[WHOLE], SLOT, None)
            assert finding.sentence
