"""How an alert's figures and thresholds are drawn: nothing is lost at an edge, and a threshold holds from check to check."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from api.charts import alert_course, backtest
from api.charts.alert_course import Course, Place
from api.charts.frame import BOTTOM, HEIGHT, RIGHT, TOP, WIDTH, reach_of
from workers.alerting.backtest import Backtest, Point

FIRST = datetime(2026, 11, 23, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def course(*checks: tuple[int, int | None]) -> str:
    """The picture of a check an hour: its figure and its threshold."""
    places = [
        Place(FIRST + HOUR * number, Decimal(figure), None if limit is None else Decimal(limit), None)
        for number, (figure, limit) in enumerate(checks)
    ]
    return alert_course.draw(Course(FIRST, FIRST + HOUR * len(checks), places, [], [], []), UTC)


def limit_in(picture: str) -> list[tuple[float, float]]:
    """The points of the threshold's line."""
    [found] = re.findall(r'<polyline class="limit" points="([^"]+)"', picture)
    points = [each.split(",") for each in found.split()]
    return [(float(x), float(y)) for x, y in points]


def test_the_figure_of_a_single_check_is_a_dot_and_its_threshold_a_line_within_the_picture() -> None:
    picture = course((14, 1000))
    [(x, y, radius)] = re.findall(r'<circle class="dot" cx="([\d.]+)" cy="([\d.]+)" r="(\d+)"', picture)
    assert 2 * int(radius) >= 8, "a phone shows it at four fifths"
    (begin, at), (end, same) = limit_in(picture)
    assert at == same
    assert TOP < at < float(y) < HEIGHT - BOTTOM
    assert (begin, end) == (float(x), WIDTH - RIGHT)
    # A phone shows the newest third.
    assert begin > WIDTH * 0.7
    assert 'class="edge"' not in picture


@pytest.mark.parametrize(("limit", "label"), [(1000, "threshold 1,000 ↑"), (-1000, "threshold -1,000 ↓")])
def test_a_threshold_far_beyond_the_figures_is_named_at_its_edge_and_does_not_press_them_flat(
    limit: int, label: str
) -> None:
    picture = course((10, limit), (14, limit), (12, limit))
    assert label in picture
    [line] = re.findall(r'<polyline class="line" points="([^"]+)"', picture)
    heights = [float(each.split(",")[1]) for each in line.split()]
    assert max(heights) - min(heights) > (HEIGHT - TOP - BOTTOM) / 2


def test_both_thresholds_of_a_band_are_named_at_the_edge_behind_which_they_are() -> None:
    points = {"": [Point(FIRST + HOUR * n, Decimal(10 + n), Decimal(500), Decimal(900)) for n in range(5)]}
    handles = {"low": Decimal(500), "high": Decimal(900)}
    picture = backtest.draw(Backtest((), [], [], Counter(), [], points, {}, ()), "", UTC, handles)
    assert "thresholds 500 and 900 ↑" in picture
    assert 'data-field="high"' in picture


def test_a_threshold_that_was_changed_is_a_step_and_no_ramp() -> None:
    points = limit_in(course((50, 90), (60, 90), (70, 91), (80, 91)))
    assert len({y for _, y in points}) == 2
    assert all(before[0] == after[0] or before[1] == after[1] for before, after in pairwise(points))


def test_a_threshold_within_reach_of_the_figures_is_in_the_frame() -> None:
    figures = [Decimal(100), Decimal(110)]
    low, high = reach_of(figures, [Decimal(200), Decimal(1000)])
    assert low < 100
    assert 200 < high < 300
    assert reach_of([Decimal(14)], [Decimal(1000)])[1] > 1000
    assert reach_of([Decimal(0)], []) == pytest.approx((-0.12, 0.12))
