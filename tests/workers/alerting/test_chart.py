"""The picture in an alert's mail: which windows it shows, what is drawn of them, and that nothing it is given breaks it."""

from datetime import timedelta
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workers.alerting.made import MADRID, START, days, policy
from workers.alerting.chart import MOST_POINTS, STATES, Picture, Point, draw, is_worth_it, points_of
from workers.alerting.judge import judge
from workers.alerting.series import WHOLE
from workers.formats.numbers import Style

DAY = timedelta(days=1)


def picture(points: list[Point], condition: str = "GREATER_THAN") -> Picture:
    return Picture(points, Style("<&"), MADRID, condition, is_by_day=True)


def test_what_checks_recorded_stands_before_what_was_asked_and_the_newest_is_its_own() -> None:
    reading = days([10, 20, 30, 40])
    slot = START + 19 * DAY
    found = judge(policy(35), reading.series[WHOLE], slot, None)
    starts = list(reading.series[WHOLE].starts)
    assert found.start == starts[-1]
    earlier = [
        Point(starts[0] - DAY, Decimal(5), Decimal(35), Decimal(35), "ok"),
        Point(starts[1], Decimal(21), Decimal(35), Decimal(35), "pending"),
        Point(starts[-1], Decimal(39), Decimal(35), Decimal(35), "ok"),
    ]
    points = points_of(policy(35), found, "firing", slot, earlier, reading.series[WHOLE])
    assert [(str(point.number), point.state) for point in points] == [
        ("5", "ok"), ("10", ""), ("21", "pending"), ("30", ""), ("40", "firing"),
    ]  # fmt: skip
    # A change is no figure: of what was not checked nothing is known.
    of_change = policy(5, measure="change")
    points = points_of(
        of_change, judge(of_change, reading.series[WHOLE], slot, None), "firing", slot, [], reading.series[WHOLE]
    )
    assert [point.number for point in points] == [10]
    assert not is_worth_it(points)


def test_it_shows_the_newest_windows() -> None:
    reading = days(list(range(100)))
    slot = START + 19 * DAY
    found = judge(policy(35), reading.series[WHOLE], slot, None)
    points = points_of(policy(35), found, "ok", slot, [], reading.series[WHOLE])
    assert [point.number for point in points] == list(range(100 - MOST_POINTS, 100))


@pytest.mark.parametrize(
    ("condition", "bands"),
    [("GREATER_THAN", 1), ("LESS_THAN_OR_EQUAL", 1), ("BETWEEN", 1), ("OUTSIDE", 2), ("EQUAL", 0)],
)
def test_the_side_that_alarms_is_tinted_and_each_state_has_its_mark(condition: str, bands: int) -> None:
    points = [
        Point(START + place * DAY, Decimal(place), Decimal(2), Decimal(3), state) for place, state in enumerate(STATES)
    ]
    drawn = draw(picture(points, condition))
    assert drawn.count('fill="#fdecec"') == bands * len(points)
    for color, name in STATES.values():
        assert color in drawn
        assert f">{name}<" in drawn


numbers = st.one_of(st.none(), st.decimals(-(10**15), 10**15, places=3))


@given(st.lists(st.tuples(numbers, numbers, st.sampled_from(["", *STATES])), min_size=2, max_size=MOST_POINTS))
def test_whatever_was_measured_is_drawn_within_the_picture(
    given: list[tuple[Decimal | None, Decimal | None, str]],
) -> None:
    points = [
        Point(START + place * DAY, number, limit, None if limit is None else limit + 1, state)
        for place, (number, limit, state) in enumerate(given)
    ]
    if not is_worth_it(points):
        return
    for each in ElementTree.fromstring(draw(picture(points, "OUTSIDE"))).iter():
        for name in ("y", "y1", "y2", "cy"):
            assert -1 <= float(each.get(name, 0)) <= 225
        assert float(each.get("height", 0)) >= 0
