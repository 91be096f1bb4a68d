from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.workers.alerting.made import at, policy, told, walk
from workers.alerting.check import check
from workers.alerting.machine import StateRow
from workers.alerting.notify import Facts, QuietHours, Silence, end_of_quiet
from workers.alerting.series import WHOLE, Graph, read

LOW, HIGH = 50, 150
AWAY: Any = ...


def codes(rule: Any, values: list[Any], facts: dict[int, Facts] | None = None) -> list[str]:
    return [each.notice.code + ("!" if each.notice.is_told else "") for each in walk(rule, values, facts=facts)]


@pytest.mark.parametrize(
    ("fields", "values", "expected"),
    [
        ({}, [LOW, HIGH, HIGH, LOW, LOW], ["quiet", "fired!", "quiet", "resolved!", "quiet"]),
        ({"notify": {"resolved": False}}, [HIGH, LOW, HIGH], ["fired!", "quiet", "fired!"]),
        ({"guards": {"forSeconds": 300}}, [HIGH, HIGH, LOW], ["pending", "fired!", "resolved!"]),
        ({"notify": {"repeatSeconds": 600}}, [HIGH] * 6, ["fired!", "quiet", "repeated!", "quiet", "repeated!", "quiet"]),
        ({"notify": {"escalateByPercent": 20}}, [110, 120, 132, 130, 200], ["fired!", "quiet", "escalated!", "quiet", "escalated!"]),
        ({"notify": {"escalateAt": [120, 140]}}, [110, 125, 126, 150, 125, 150], ["fired!", "escalated!", "quiet", "escalated!", "quiet", "quiet"]),
        ({"notify": {"escalateAt": [120]}}, [150, 160], ["fired!", "quiet"]),
        ({"condition": "LESS_THAN", "notify": {"escalateAt": [50, 20]}}, [90, 40, 10], ["fired!", "escalated!", "escalated!"]),
        ({"notify": {"minSecondsBetweenNotices": 900}}, [HIGH, LOW, HIGH, LOW, LOW], ["fired!", "held", "quiet", "resolved!", "quiet"]),
        ({}, [None, HIGH, None, AWAY, LOW], ["no_data", "fired!", "no_data", "could_not_check", "resolved!"]),
        ({"guards": {"noData": "message"}}, [None, None, LOW], ["no_data!", "no_data", "resolved!"]),
        ({"guards": {"noData": "message", "forSeconds": 300}}, [None, None, LOW], ["no_data", "no_data!", "resolved!"]),
        ({"guards": {"onError": "message"}}, [HIGH, AWAY, HIGH], ["fired!", "could_not_check!", "resolved!"]),
        ({"guards": {"onError": "message"}}, [AWAY, HIGH, LOW], ["could_not_check!", "fired!", "resolved!"]),
        ({"guards": {"onError": "message"}, "notify": {"resolved": False}}, [AWAY, LOW, AWAY], ["could_not_check!", "quiet", "could_not_check!"]),
        ({"notify": {"repeatSeconds": 300}}, [HIGH, AWAY, HIGH], ["fired!", "could_not_check", "repeated!"]),
    ],
)  # fmt: skip
def test_people_are_told_what_they_do_not_know(fields: dict[str, Any], values: list[Any], expected: list[str]) -> None:
    assert codes(policy(100, **fields), values) == expected


QUIET = {"quietHours": {"timezone": "UTC", "windows": [{"from": "12:05", "until": "12:20"}]}}


def test_what_quiet_hours_held_is_told_when_they_end_if_it_still_holds() -> None:
    decisions = walk(policy(100, notify=QUIET), [LOW, HIGH, HIGH, HIGH, HIGH, LOW])
    assert told(decisions) == [(4, "fired"), (5, "resolved")]
    assert decisions[1].notice.code == "held"
    assert decisions[1].notice.next_chance == at(4)
    assert decisions[1].notice.sentence == "not told, held until 2026-11-02T12:20:00Z: 150 is above 100"
    assert decisions[4].notice.sentence == "firing, fired at 2026-11-02T12:05:00Z: 150 is above 100"


def test_what_came_and_went_while_it_was_quiet_is_one_sentence() -> None:
    decisions = walk(policy(100, notify=QUIET), [LOW, HIGH, LOW, LOW, LOW, LOW])
    assert told(decisions) == [(4, "resolved")]
    assert decisions[4].notice.sentence == (
        "fired from 2026-11-02T12:05:00Z to 2026-11-02T12:10:00Z, nobody was told, and is back to normal: 50 is not above 100"
    )
    again = walk(policy(100, notify=QUIET), [LOW, HIGH, LOW, LOW, HIGH])
    assert told(again) == [(4, "fired")]
    assert again[4].notice.sentence.endswith(
        "; before, it fired from 2026-11-02T12:05:00Z to 2026-11-02T12:10:00Z and nobody was told"
    )


def test_a_silence_holds_for_its_alert_its_segments_and_its_time() -> None:
    rule = policy(100)
    silence = Silence(at(0), at(2), "a", "*", "moving house")
    silent = Facts(alert_id="a", silences=[silence])
    decisions = walk(rule, [HIGH, HIGH, HIGH], facts=dict.fromkeys(range(3), silent))
    assert [each.notice.code for each in decisions] == ["silenced", "silenced", "fired"]
    assert decisions[0].notice.next_chance == at(2)
    assert codes(rule, [HIGH], {0: Facts(alert_id="b", silences=[silence])}) == ["fired!"]
    assert Facts(silences=[Silence(at(0), at(1), segment="shop *")]).silenced_until("shop 3", at(0)) == at(1)
    assert Facts(silences=[Silence(at(0), at(1), segment="shop *")]).silenced_until("web", at(0)) is None


def test_what_fired_before_a_silence_and_ended_in_it_is_resolved_after_it() -> None:
    silent = Facts(snoozed_until=at(2))
    assert codes(policy(100), [HIGH, LOW, LOW], {1: silent}) == ["fired!", "silenced", "resolved!"]
    assert codes(policy(100), [HIGH, LOW, LOW], {0: silent}) == ["silenced", "quiet", "quiet"]


def test_an_acknowledgement_stops_reminders_until_the_next_firing_and_never_the_end() -> None:
    rule = policy(100, notify={"repeatSeconds": 300, "escalateAt": [200]})
    known = Facts(acknowledged=(("*", at(1)),))
    values = [HIGH, HIGH, 250, LOW, HIGH, HIGH]
    assert codes(rule, values, dict.fromkeys(range(1, 6), known)) == [
        "fired!", "acknowledged", "acknowledged", "resolved!", "fired!", "repeated!",
    ]  # fmt: skip


def test_what_a_gate_held_says_so() -> None:
    (decision,) = walk(policy(100), [HIGH], facts={0: Facts(gated="revenue is not above 10,000")})
    assert decision.notice.code == "gated"
    assert decision.notice.sentence == "not told, revenue is not above 10,000: 150 is above 100"


def test_the_next_chance_is_named_where_it_is_known() -> None:
    pending, *_ = walk(policy(100, guards={"forSeconds": 600}), [HIGH])
    assert pending.notice.next_chance == at(2)
    fired, later = walk(policy(100, notify={"repeatSeconds": 600}), [HIGH, HIGH])
    assert (fired.notice.next_chance, later.notice.next_chance) == (at(2), at(2))


MADRID = ZoneInfo("Europe/Madrid")


@pytest.mark.parametrize(
    ("window", "now", "end"),
    [
        ({"from": "22:00", "until": "07:00"}, "2026-11-20T23:00", "2026-11-21T07:00"),
        ({"from": "22:00", "until": "07:00"}, "2026-11-20T07:00", "2026-11-20T07:00"),
        ({"from": "22:00", "until": "07:00"}, "2026-11-20T06:59", "2026-11-20T07:00"),
        ({"from": "22:00", "until": "07:00", "weekdays": ["fri"]}, "2026-11-21T03:00", "2026-11-21T07:00"),
        ({"from": "22:00", "until": "07:00", "weekdays": ["sat"]}, "2026-11-21T03:00", "2026-11-21T03:00"),
        ({"from": "00:00", "until": "00:00", "weekdays": ["sat", "sun"]}, "2026-11-21T03:00", "2026-11-23T00:00"),
        # The night in March that has no 02:30: it ends at 03:30 on the wall.
        ({"from": "22:00", "until": "02:30"}, "2027-03-28T01:00", "2027-03-28T03:30"),
        ({"from": "22:00", "until": "02:30"}, "2026-10-25T01:00", "2026-10-25T02:30"),
    ],
)
def test_quiet_hours_end_by_the_clock_on_the_wall(window: dict[str, Any], now: str, end: str) -> None:
    hours = QuietHours.model_validate({"timezone": "Europe/Madrid", "windows": [window]})
    instants = [datetime.fromisoformat(each).replace(tzinfo=MADRID).astimezone(UTC) for each in (now, end)]
    assert end_of_quiet(hours, instants[0]) == instants[1]


def test_each_segment_has_its_own_state_and_one_that_vanished_has_no_data() -> None:
    rule = policy(100, guards={"noData": "message"})
    rows: dict[str, StateRow] = {}
    graph = Graph("v", None, ("shop",))
    seen = []
    for place, table in enumerate([[("a", 150), ("b", 50)], [("a", 150), ("b", 150)], [("b", 50)], []]):
        decisions = check(rule, read(["shop", "v"], table, graph, None), rows, Facts(), at(place))
        rows = {segment: each.row for segment, each in decisions.items()}
        seen.append({segment: each.notice.code for segment, each in decisions.items()})
    assert seen == [
        {"a": "fired", "b": "quiet"},
        {"a": "quiet", "b": "fired"},
        {"b": "resolved", "a": "no_data"},
        {"b": "no_data", "a": "no_data"},
    ]
    assert rows["a"].alarm == "firing"
    assert rows["a"].slot == at(3)
    assert at(3) - at(2) == timedelta(minutes=5)


SHOPS = Graph("v", None, ("shop",))


@pytest.mark.parametrize(
    ("graph", "as_of", "fields", "code"),
    [
        (SHOPS, None, {"measure": "noData"}, "fired"),
        (SHOPS, at(9), {"measure": "freshness", "thresholdValue": 60}, "no_data"),
        (Graph("v", "d", ("shop",), "day"), at(9), {"measure": "freshness", "thresholdValue": 60}, "fired"),
        (Graph("v", "d", ("shop",), "day"), None, {"measure": "noData"}, "fired"),
    ],
)
def test_a_segment_that_vanished_is_judged_as_one_without_a_row(
    graph: Graph, as_of: datetime | None, fields: dict[str, Any], code: str
) -> None:
    rule = policy(**({"thresholdValue": None} | fields))
    table = read(["shop", "d", "v"], [("a", at(0), 1)], graph, as_of)
    for reading in (table, table._replace(series={})):
        decision = check(rule, reading, {"b": StateRow("ok", at(0), at(0))}, Facts(), at(1))["b"]
        assert decision.notice.code == code


@pytest.mark.parametrize("is_split", [True, False])
@pytest.mark.parametrize(
    ("fields", "value", "expected"),
    [
        ({"guards": {"keepFiringForSeconds": 3600}}, HIGH, [["fired!"], ["resolved!"], []]),
        ({"guards": {"onError": "message"}}, AWAY, [["could_not_check!"], ["resolved!"], []]),
        ({"guards": {"forSeconds": 3600}}, HIGH, [["pending"], ["quiet"], []]),
        ({"notify": {"resolved": False}}, HIGH, [["fired!"], ["quiet"], []]),
        ({"notify": {"minSecondsBetweenNotices": 500}}, HIGH, [["fired!"], ["held"], ["resolved!"], []]),
        ({}, LOW, [["quiet"], []]),
    ],
)
def test_what_was_known_of_a_graph_that_is_split_another_way_now_ends_and_is_told_once(
    is_split: bool, fields: dict[str, Any], value: Any, expected: list[list[str]]
) -> None:
    rule = policy(100, **fields)
    whole, split = read(["v"], [(LOW,)], Graph("v"), None), read(["shop", "v"], [("a", LOW)], SHOPS, None)
    after, segment = (split, WHOLE) if is_split else (whole, "a")
    cells = [(value,)] if is_split else [("a", value)]
    before: Any = read(["v"] if is_split else ["shop", "v"], cells, Graph("v") if is_split else SHOPS, None)
    rows: dict[str, StateRow] = {segment: StateRow("ok", at(0))}
    seen = []
    for place, _ in enumerate(expected):
        reading = after if place else "the source is away" if value is AWAY else before
        decisions = check(rule, reading, rows, Facts(), at(place))
        rows |= {name: each.row for name, each in decisions.items()}
        notices = [each.notice for name, each in decisions.items() if name == segment]
        seen.append([each.code + ("!" if each.is_told else "") for each in notices])
        assert not [each for each in notices if place and not each.sentence.endswith("no longer split that way")]
    assert seen == expected
    assert rows[segment].state == "ok"


def test_a_source_that_is_away_brings_back_nothing_of_how_the_graph_was_split_before() -> None:
    rule = policy(100, guards={"onError": "alert"})
    over, living = StateRow("ok", at(0), at(1)), StateRow("ok", at(0), at(2))
    assert list(check(rule, "away", {WHOLE: over, "a": living, "b": living}, Facts(), at(3))) == ["a", "b"]
    assert list(check(rule, "away", {WHOLE: living, "a": over}, Facts(), at(3))) == [WHOLE]
    assert list(check(rule, "away", {"a": living, "b": over}, Facts(), at(3))) == ["a", "b"]


def test_a_segment_that_is_silent_for_long_is_over_until_it_is_back() -> None:
    rule = policy(100)
    table = read(["shop", "v"], [("a", LOW), ("b", LOW)], SHOPS, None)
    without = read(["shop", "v"], [("a", LOW)], SHOPS, None)
    rows: dict[str, StateRow] = {}
    for day, reading, expected in (
        (0, table, ["a", "b"]),
        (1, without, ["a", "b"]),
        (91, without, ["a", "b"]),
        (92, without, ["a"]),
        (93, "the source is away", ["a"]),
        (94, table, ["a", "b"]),
        (95, without, ["a", "b"]),
    ):
        decisions = check(rule, reading, rows, Facts(), at(0) + timedelta(days=day))
        assert sorted(decisions) == expected, day
        rows |= {name: each.row for name, each in decisions.items()}
    firing = {"b": replace(rows["b"], alarm="firing", silent_since=at(0), slot=at(0) + timedelta(days=200))}
    assert "b" in check(rule, without, rows | firing, Facts(), at(0) + timedelta(days=300))
