from typing import Any

import pytest
from pydantic import ValidationError

from tests.workers.alerting.made import policy
from workers.alerting.policy import Policy, needs

WINDOW = {"from": "22:00", "until": "07:00"}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"thresholdValue": None}, "thresholdValue is missing: value takes a number"),
        ({"thresholdValue": "NaN"}, "finite number"),
        ({"treshold": 1}, "Extra inputs are not permitted"),
        ({"condition": "ABOVE"}, "takes one of GREATER_THAN, "),
        ({"thresholdHigh": 5}, "thresholdHigh goes with BETWEEN and OUTSIDE alone"),
        ({"condition": "BETWEEN"}, "BETWEEN takes a thresholdHigh that is not below thresholdValue"),
        ({"condition": "OUTSIDE", "thresholdHigh": 1}, "OUTSIDE takes a thresholdHigh that is not below"),
        ({"measure": "noData", "thresholdValue": 1}, "thresholdValue goes with every measure but noData"),
        ({"measure": "anomaly", "condition": "EQUAL"}, "anomaly takes OUTSIDE, GREATER_THAN or LESS_THAN"),
        ({"measure": "anomaly", "thresholdValue": -3}, "anomaly takes OUTSIDE, GREATER_THAN or LESS_THAN"),
        ({"baseline": "sameLastWeek"}, "baseline goes with change and percentChange alone"),
        ({"measure": "change", "baselinePeriods": 3}, "baselinePeriods goes with the baselines rollingMean and forecast"),
        ({"measure": "change", "season": "hourOfDay"}, "season goes with the measure anomaly and the baseline forecast"),
        ({"minimumBase": 3}, "minimumChange and minimumBase go with change"),
        ({"measure": "change", "minimumChange": 0}, "takes a number above 0"),
        ({"guards": {"forSeconds": 60, "matches": {"n": 1, "of": 2}}}, "forSeconds and matches exclude each other"),
        ({"guards": {"matches": {"n": 3, "of": 2}}}, "n takes a number that is not above of"),
        ({"guards": {"recoverThreshold": 101}}, "recoverThreshold takes a number on the good side"),
        ({"condition": "LESS_THAN", "guards": {"recoverThreshold": 99}}, "recoverThreshold takes a number on the good side"),
        ({"condition": "EQUAL", "guards": {"recoverThreshold": 99}}, "recoverThreshold goes with GREATER_THAN"),
        ({"measure": "anomaly", "guards": {"recoverThreshold": 101}}, "recoverThreshold takes a k above 0"),
        ({"condition": "EQUAL", "notify": {"escalateAt": [1]}}, "notify.escalateAt goes with"),
        ({"condition": "EQUAL", "notify": {"escalateByPercent": 10}}, "notify.escalateByPercent goes with"),
        ({"notify": {"quietHours": {"timezone": "Mars/Base", "windows": [WINDOW]}}}, "takes a time zone such as"),
        ({"notify": {"quietHours": {"timezone": "UTC", "windows": [{"from": "00:00", "until": "00:00"}]}}}, "leave some time"),
        ({"notify": {"quietHours": {"timezone": "UTC", "windows": [{"from": "22:00Z", "until": "07:00"}]}}}, "without a zone"),
        ({"notify": {"quietHours": {"timezone": "UTC", "windows": [{**WINDOW, "weekdays": ["x"]}]}}}, "weekdays"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_what_the_field_takes(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Policy.model_validate({**({} if fields.get("measure") == "noData" else {"thresholdValue": 100}), **fields})


@pytest.mark.parametrize(
    ("fields", "timed", "grained"),
    [
        ({}, False, False),
        ({"measure": "freshness"}, False, False),
        ({"measure": "anomaly"}, True, False),
        ({"measure": "change"}, True, False),
        ({"measure": "change", "baseline": "sameLastYear"}, True, True),
        ({"also": [{"measure": "change", "thresholdValue": 1}]}, True, False),
    ],
)
def test_a_policy_says_what_it_needs_of_a_graph(fields: dict[str, Any], timed: bool, grained: bool) -> None:
    assert needs(policy(5, **fields)) == (timed, grained)


def test_a_whole_policy_comes_back_from_its_json() -> None:
    rule = policy(
        "20.50",
        measure="percentChange",
        baseline="rollingMean",
        baselinePeriods=7,
        minimumChange=5,
        also=[{"thresholdValue": 1}, {"match": "any", "conditions": [{"thresholdValue": 1}, {"thresholdValue": 2}]}],
        guards={"matches": {"n": 2, "of": 3}, "recoverThreshold": 10, "noData": "message"},
        notify={
            "quietHours": {"timezone": "Europe/Madrid", "windows": [WINDOW]},
            "escalateAt": [30],
            "repeatSeconds": 3600,
        },
    )
    assert Policy.model_validate_json(rule.model_dump_json(by_alias=True)) == rule
    assert "baselinePeriods" in Policy.model_json_schema()["properties"]
