import json
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest

from tests.workers.alerting.made import START, at, figure, policy, told, walk
from workers.alerting.backtest import NoSuggestion, backtest, suggest_threshold, summary
from workers.alerting.check import Decision, check
from workers.alerting.machine import StateRow
from workers.alerting.notify import Facts
from workers.alerting.plot import plot
from workers.alerting.record import MAX_SEGMENTS, record
from workers.alerting.series import Graph, Reading, read
from workers.formats.numbers import Style

HOUR = timedelta(hours=1)
# Three humps of different heights, hourly.
HUMPS = [*[50] * 20, *[120] * 5, *[50] * 20, *[150] * 8, *[50] * 20, *[200] * 3, *[50] * 20]


def history(values: list[Any], segments: tuple[str, ...] = ()) -> tuple[Reading, list[datetime]]:
    rows = [((START + HOUR * place).isoformat(), value, *segments) for place, value in enumerate(values)]
    graph = Graph("v", "t", ("shop",) if segments else (), "hour")
    return read(["t", "v", "shop"], rows, graph, None), [START + HOUR * (place + 1) for place in range(len(values))]


def test_a_backtest_tells_what_the_checks_told_one_by_one() -> None:
    rule = policy(100, guards={"forSeconds": 3600, "keepFiringForSeconds": 7200}, notify={"repeatSeconds": 7200})
    reading, slots = history(HUMPS)
    done = backtest(rule, reading, slots)
    lone = walk(rule, HUMPS, every=HOUR)
    assert [(notice.at - slots[0], notice.code) for notice in done.notices] == [
        (place * HOUR, code) for place, code in told(lone)
    ]
    found = summary(done)
    assert (found["fired"], found["resolved"], found["checks"]) == (3, 3, len(HUMPS))
    assert found["longestFiringSeconds"] == 9 * 3600
    assert found["longestFiring"] == "9 h"
    assert json.loads(json.dumps(found)) == found


def test_a_firing_that_lasts_to_the_end_is_counted_and_not_over() -> None:
    reading, slots = history([50, 150, 150])
    (firing,) = backtest(policy(100), reading, slots).firings
    assert (firing.began, firing.ended, firing.is_over) == (slots[1], slots[2], False)


def test_several_segments_of_one_slot_are_one_message() -> None:
    rows = [((START + HOUR * place).isoformat(), 150, shop) for place in range(2) for shop in ("a", "b")]
    reading = read(["t", "v", "shop"], rows, Graph("v", "t", ("shop",), "hour"), None)
    done = backtest(policy(100), reading, [START + HOUR, START + 2 * HOUR])
    assert (len(done.notices), done.messages) == (2, 1)


@pytest.mark.parametrize(("wanted", "least", "most"), [(2, 150, 200), (4, 120, 150), (6, 50, 120), (0, 200, 200)])
def test_a_threshold_is_suggested_that_makes_no_more_than_wanted(wanted: int, least: int, most: int) -> None:
    reading, slots = history(HUMPS)
    found = suggest_threshold(policy(1), reading, slots, wanted)
    assert found.messages <= wanted
    assert least <= found.threshold <= most
    under = policy(1, condition="LESS_THAN")
    mirrored, _ = history([-value for value in HUMPS])
    assert suggest_threshold(under, mirrored, slots, wanted).threshold == -found.threshold


def test_no_threshold_is_suggested_where_there_is_none() -> None:
    reading, slots = history(HUMPS)
    with pytest.raises(NoSuggestion, match="a threshold is suggested for GREATER_THAN"):
        suggest_threshold(policy(1, condition="EQUAL"), reading, slots, 3)
    with pytest.raises(NoSuggestion, match="no check of this span gives a number"):
        suggest_threshold(policy(1), Reading({}), slots, 3)
    always = policy(1, match="any", also=[{"condition": "LESS_THAN", "thresholdValue": 60}])
    with pytest.raises(NoSuggestion, match="other conditions of the rule fire"):
        suggest_threshold(always, reading, slots, 0)


def test_a_record_says_why_for_each_segment_the_weightiest_first() -> None:
    graph = Graph("v", None, ("shop",), style=Style("€"))
    rule = policy(100, guards={"noData": "message"})
    rows: dict[str, StateRow] = {}
    decisions: dict[str, Decision] = {}
    for place, table in enumerate([[("a", 150), ("b", 150), ("c", 50)], [("a", 150), ("b", 50), ("c", 170)]]):
        decisions = check(rule, read(["shop", "v"], table, graph, START), rows, Facts(), at(place))
        rows = {segment: each.row for segment, each in decisions.items()}
    kept = record(rule, 7, decisions, at(1), ("a note",))
    assert json.loads(json.dumps(kept)) == kept
    assert kept["outcome"] == "fired"
    assert kept["sentence"] == "c: €170 is above €100 (2 further segments)"
    assert kept["members"] == {"new": ["c"], "still": ["a"], "recovered": ["b"]}
    assert kept["outcomes"] == {"fired": 1, "resolved": 1, "quiet": 1}
    assert (kept["ruleVersion"], kept["dataAsOf"], kept["notes"]) == (7, "2026-11-02T12:00:00Z", ["a note"])
    first = kept["segments"][0]
    assert (first["segment"], first["value"], first["thresholdLow"], first["previousState"]) == (
        "c",
        "170",
        "100",
        "ok",
    )
    assert kept["rule"] == {"thresholdValue": "100", "guards": {"noData": "message"}}


def test_a_record_of_very_many_segments_is_cut_and_says_so() -> None:
    table = [(f"s{number}", 50) for number in range(MAX_SEGMENTS + 5)]
    decisions = check(policy(100), read(["s", "v"], table, Graph("v", None, ("s",)), None), {}, Facts(), at(0))
    kept = record(policy(100), 1, decisions, at(0))
    assert (len(kept["segments"]), kept["segmentsLeftOut"]) == (MAX_SEGMENTS, 5)
    assert record(policy(100), 1, {}, at(0))["sentence"] == "the table has no segment"


def test_a_source_that_cannot_be_read_and_a_column_that_is_missing_could_not_be_checked() -> None:
    for reading in ("the source is away", read(["w"], [(1,)], Graph("v"), None)):
        kept = record(policy(100), 1, check(policy(100), reading, {}, Facts(), at(0)), at(0))
        assert kept["outcome"] == "could_not_check"
        assert not kept["notified"]
    assert check(policy(1), figure(5), {}, Facts(), at(0))[""].notice.code == "fired"


def test_a_picture_is_one_for_light_and_dark_with_the_firings_and_the_notices() -> None:
    reading, slots = history(HUMPS)
    picture = plot(
        backtest(policy(100), reading, slots), ZoneInfo("Europe/Madrid"), title="Sales < goal & more", style=Style("€")
    )
    drawn = ET.fromstring(picture)
    name = "{http://www.w3.org/2000/svg}"
    assert "prefers-color-scheme: dark" in picture
    assert drawn.findtext(f"{name}title") == "Sales < goal & more"
    classes = [each.get("class") for each in drawn.iter()]
    assert (classes.count("firing"), classes.count("fired"), classes.count("resolved")) == (3, 3, 3)
    assert "no check gave a number" in plot(backtest(policy(1), Reading({}), []), UTC)


def test_a_picture_of_very_many_checks_stays_small_and_keeps_its_highest_point() -> None:
    values = [50 + place % 7 for place in range(6000)]
    values[3210] = 400
    reading, slots = history(values)
    picture = plot(backtest(policy(300), reading, slots), UTC)
    assert len(picture) < 60_000
    heights = [float(pair.split(",")[1]) for each in ET.fromstring(picture).iter() if each.get("class") == "line" for pair in str(each.get("points")).split()]  # fmt: skip
    assert heights.count(min(heights)) == 1
