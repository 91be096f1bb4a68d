from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workers.alerting.made import FIVE_MINUTES, at, figure, policy, states, told, walk
from workers.alerting.check import check
from workers.alerting.machine import as_json, from_json
from workers.alerting.notify import Facts
from workers.alerting.series import WHOLE

K, P, F, R, N, E = "ok", "pending", "firing", "recovering", "no_data", "error"
LOW, MID, HIGH = 50, 95, 150  # below the recovery limit of 90, between it and the threshold of 100, above
NONE: Any = None
AWAY: Any = ...


@pytest.mark.parametrize(
    ("guards", "values", "expected"),
    [
        ({}, [LOW, HIGH, HIGH, LOW], [K, F, F, K]),
        ({"forSeconds": 600}, [HIGH, HIGH, HIGH, LOW, HIGH], [P, P, F, K, P]),
        ({"forSeconds": 600}, [HIGH, HIGH, LOW, HIGH, HIGH, HIGH], [P, P, K, P, P, F]),
        ({"matches": {"n": 2, "of": 3}}, [HIGH, LOW, HIGH, LOW, HIGH], [P, P, F, K, P]),
        ({"matches": {"n": 2, "of": 3}}, [HIGH, LOW, LOW, LOW, HIGH], [P, P, P, K, P]),
        ({"recoverThreshold": 90}, [MID, HIGH, MID, MID, LOW, MID], [K, F, F, F, K, K]),
        ({"keepFiringForSeconds": 600}, [HIGH, LOW, LOW, LOW, LOW], [F, R, R, K, K]),
        ({"keepFiringForSeconds": 600}, [HIGH, LOW, HIGH, LOW, LOW, LOW], [F, R, F, R, R, K]),
        ({"keepFiringForSeconds": 600, "recoverThreshold": 90}, [HIGH, MID, LOW, MID, MID], [F, F, R, R, K]),
        # Without an answer: keep what it was, count it as one of the two, or say so.
        ({}, [HIGH, NONE, AWAY, LOW, NONE], [F, F, F, K, K]),
        ({"noData": "alert"}, [LOW, NONE, LOW], [K, F, K]),
        ({"noData": "alert", "forSeconds": 300}, [NONE, NONE, LOW], [P, F, K]),
        ({"noData": "ok"}, [HIGH, NONE, HIGH], [F, K, F]),
        ({"noData": "message"}, [HIGH, NONE, NONE, HIGH, NONE, LOW], [F, N, N, F, N, K]),
        ({"noData": "message"}, [NONE, AWAY, LOW], [N, N, K]),
        ({"onError": "message"}, [AWAY, NONE, LOW], [E, E, K]),
        ({"onError": "message", "noData": "message"}, [AWAY, NONE, HIGH], [E, N, F]),
        ({"onError": "alert", "noData": "keep"}, [AWAY, NONE, LOW], [F, F, K]),
    ],
)
def test_each_guard_lets_through_what_it_says(guards: dict[str, Any], values: list[Any], expected: list[str]) -> None:
    assert states(walk(policy(100, guards=guards), values)) == expected


def test_an_interruption_without_an_answer_neither_ripens_nor_resets_what_is_pending() -> None:
    rule = policy(100, guards={"forSeconds": 600})
    assert states(walk(rule, [HIGH, NONE, AWAY, AWAY, HIGH])) == [P, P, P, P, F]


def test_every_move_is_told_once_with_its_state_before_and_after() -> None:
    moves = [each.transition for each in walk(policy(100, guards={"keepFiringForSeconds": 300}), [LOW, HIGH, LOW, LOW])]
    found: Any = [(move.before, move.after, move.at, move.value) for move in moves if move is not None]
    assert found == [(K, F, at(1), 150), (F, R, at(2), 50), (R, K, at(3), 50)]


GUARDS = st.fixed_dictionaries(
    {},
    optional={
        "forSeconds": st.sampled_from([0, 300, 900]),
        "recoverThreshold": st.sampled_from([90, 100]),
        "keepFiringForSeconds": st.sampled_from([0, 300, 900]),
        "noData": st.sampled_from(["alert", "ok", "keep", "message"]),
        "onError": st.sampled_from(["alert", "ok", "keep", "message"]),
    },
)
MATCHES = st.sampled_from([None, {"n": 1, "of": 1}, {"n": 2, "of": 3}, {"n": 3, "of": 3}])
VALUES = st.lists(st.sampled_from([LOW, MID, HIGH, HIGH * 2, NONE, AWAY]), max_size=30)
NOTIFY = st.fixed_dictionaries(
    {},
    optional={
        "repeatSeconds": st.sampled_from([600, 1500]),
        "escalateByPercent": st.just(20),
        "escalateAt": st.just([120, 200]),
        "resolved": st.booleans(),
        "minSecondsBetweenNotices": st.sampled_from([0, 900]),
        "quietHours": st.just({"timezone": "UTC", "windows": [{"from": "12:10", "until": "12:40"}]}),
    },
)


def rule_of(guards: dict[str, Any], matches: Any, notify: dict[str, Any]) -> Any:
    if matches is not None:
        guards = {**{name: value for name, value in guards.items() if name != "forSeconds"}, "matches": matches}
    return policy(100, guards=guards, notify=notify)


@settings(max_examples=100, deadline=None)
@given(GUARDS, MATCHES, NOTIFY, VALUES)
def test_a_slot_judged_twice_changes_nothing_and_a_row_survives_its_json(
    guards: dict[str, Any], matches: Any, notify: dict[str, Any], values: list[Any]
) -> None:
    rule = rule_of(guards, matches, notify)
    for place, decision in enumerate(walk(rule, values)):
        assert from_json(as_json(decision.row)) == decision.row
        for value in (LOW, HIGH):
            again = check(rule, figure(value), {WHOLE: decision.row}, Facts(), at(place))[WHOLE]
            assert again.row == decision.row
            assert again.transition is None
            assert not again.notice.is_told


@settings(max_examples=100, deadline=None)
@given(GUARDS, MATCHES, NOTIFY, VALUES)
def test_nothing_is_told_twice_and_what_fired_is_always_resolved(
    guards: dict[str, Any], matches: Any, notify: dict[str, Any], values: list[Any]
) -> None:
    guards = {
        name: "keep" if name in ("noData", "onError") and value == "message" else value
        for name, value in guards.items()
    }
    rule = rule_of(guards, matches, notify)
    quiet_end = [LOW] * 12  # long enough for every guard, wait and quiet hour to pass
    decisions = walk(rule, [*values, *quiet_end])
    known = "ok"
    for place, decision in enumerate(decisions):
        notice = decision.notice
        assert notice.sentence
        assert notice.next_chance is None or notice.next_chance > at(place)
        if not notice.is_told:
            continue
        if notice.code == "fired":
            assert known == "ok" or not rule.notify.resolved
            known = "firing"
        elif notice.code == "resolved":
            assert known == "firing" or "nobody was told" in notice.sentence
            known = "ok"
        else:
            assert notice.code in ("repeated", "escalated")
            assert known == "firing"
    assert decisions[-1].row.state == "ok"
    assert known == "ok" or not rule.notify.resolved
    times = [at(place) for place, _ in told(decisions)]
    gap = timedelta(seconds=rule.notify.min_seconds_between_notices)
    assert all(after - before >= gap for before, after in pairwise(times))
    if rule.notify.quiet_hours:
        assert not [time for time in times if (12, 10) <= (time.hour, time.minute) < (12, 40)]


@given(st.lists(st.sampled_from([MID, 99, 101, 105]), min_size=40, max_size=60))
@settings(max_examples=50, deadline=None)
def test_a_value_that_flaps_for_a_day_is_one_fired_and_one_resolved(flapping: list[int]) -> None:
    rule = policy(100, guards={"matches": {"n": 3, "of": 5}, "recoverThreshold": 90, "keepFiringForSeconds": 1800})
    told_codes = [code for _, code in told(walk(rule, [LOW, HIGH, HIGH, HIGH, *flapping, *[LOW] * 10]))]
    assert told_codes == ["fired", "resolved"]


def test_an_older_slot_changes_nothing() -> None:
    (decision,) = walk(policy(100), [HIGH])
    earlier = check(policy(100), figure(LOW), {WHOLE: decision.row}, Facts(), at(0) - FIVE_MINUTES)[WHOLE]
    assert earlier.row == replace(decision.row)
