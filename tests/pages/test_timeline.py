"""The timeline as a picture: what stands on the line, what hangs under it, and where each column leads."""

import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest

from api.charts.timeline import Column, draw, told

NOW = datetime(2026, 11, 23, 9, 10, tzinfo=UTC)
HALF = timedelta(minutes=30)
FIRST = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def columns(**parts: dict[str, int]) -> list[Column]:
    """A whole timeline; `at_5` names what is in its fifth column."""
    return [
        Column(FIRST + number * HALF, FIRST + (number + 1) * HALF, parts.get(f"at_{number}", {}))
        for number in range(97)
    ]


def bars(svg: str) -> list[tuple[str, float, float]]:
    """Each bar's class, top and height."""
    root = ElementTree.fromstring(svg)
    return [
        (each.attrib["class"], float(each.attrib["y"]), float(each.attrib["height"]))
        for each in root.iter("rect")
        if each.attrib["class"] != "touch"
    ]


def test_what_rang_stands_on_the_line_and_what_did_not_hangs_under_it() -> None:
    found = bars(draw(columns(at_5={"on_time": 80, "late": 20, "dead": 10, "skipped": 5}), NOW))
    line = 136.0
    assert [name for name, _, _ in found] == ["good", "warn", "bad", "pale"]
    (_, top, tall), (_, late_top, late_tall), (_, dead_top, dead_tall), (_, skip_top, _) = found
    assert top + tall == pytest.approx(line)
    assert tall == pytest.approx(4 * late_tall, abs=0.2)
    assert late_top + late_tall == pytest.approx(top, abs=0.2)
    assert dead_top > line
    assert skip_top == pytest.approx(dead_top + dead_tall, abs=0.2)


def test_one_dead_run_among_many_thousands_is_seen() -> None:
    found = bars(draw(columns(at_5={"on_time": 90_000}, at_6={"on_time": 1, "dead": 1}), NOW))
    assert min(tall for _, _, tall in found) >= 2.5


def test_no_bar_leaves_the_picture() -> None:
    found = bars(draw(columns(at_5={"on_time": 3, "late": 1, "skipped": 10_000_000, "dead": 1, "cancelled": 1}), NOW))
    assert all(top >= 16 and top + tall <= 136 + 44 + 1.1 for _, top, tall in found)


def test_a_column_leads_to_its_runs_and_one_to_come_to_the_schedules() -> None:
    svg = draw(columns(at_5={"on_time": 1}, at_60={"ahead": 4}), NOW)
    paths = re.findall(r'<a href="([^"]+)"', svg)
    assert paths == ["/runs?from=2026-11-22T11%3A30%3A00Z&amp;to=2026-11-22T11%3A59%3A59.999Z", "/schedules"]


def test_the_picture_says_what_it_shows_to_who_does_not_see_it() -> None:
    svg = draw(columns(at_5={"on_time": 1200, "dead": 2}, at_60={"ahead": 4}), NOW)
    assert "1,200 on time" in svg
    assert "2 dead" in svg
    assert "4 are to come" in svg
    assert 'class="now"' in svg


def test_a_column_with_nothing_is_not_drawn_and_an_empty_day_is_a_line() -> None:
    assert bars(draw(columns(), NOW)) == []


def test_a_column_says_in_words_what_became_of_its_slots() -> None:
    column = Column(FIRST, FIRST + HALF, {"on_time": 3_000, "late": 0, "skipped": 2}, is_least=True)
    assert told(column) == "09:00 to 09:30 UTC: 3,000 or more on time, 2 or more skipped"
