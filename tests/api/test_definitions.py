"""A body is read to the last field; what is refused says under which name, and never what was sent."""

from typing import Any

import pytest

from api.definitions import ScheduleIn, read_schedule
from api.refusals import BadDefinition, Problem

WHOLE = {"jobType": "http.call", "intervalSeconds": 60}


def _problems(**body: Any) -> tuple[Problem, ...]:
    with pytest.raises(BadDefinition) as caught:
        read_schedule(WHOLE | body)
    return caught.value.problems


def test_words_are_read_in_any_case() -> None:
    read = read_schedule(WHOLE | {"overlapPolicy": "QUEUE", "misfirePolicy": "All", "dstFold": "BOTH", "queue": "AI"})
    assert (read.overlap_policy, read.misfire_policy, read.dst_fold, read.queue) == ("queue", "all", "both", "ai")


def test_times_become_utc() -> None:
    read = read_schedule({"jobType": "http.call", "scheduledAt": "2026-03-29T03:00:00+02:00"})
    assert read.scheduled_at is not None
    assert read.scheduled_at.isoformat() == "2026-03-29T01:00:00+00:00"


@pytest.mark.parametrize("text", ["2026-03-29T01:00:00", "2026-03-29", 1743210000, "", "0001-01-01T00:00:00+14:00"])
def test_a_time_without_its_offset_is_refused(text: object) -> None:
    [problem] = _problems(startsAt=text)
    assert problem.pointer == "startsAt"
    assert problem.detail.startswith("takes a time with its offset")


def test_every_field_at_fault_is_named_at_once() -> None:
    found = {problem.pointer for problem in _problems(maxRuns="many", priority=10, colour="red", tags=["\n"])}
    assert found == {"maxRuns", "priority", "colour", "tags.0"}


@pytest.mark.parametrize("body", [{"cronExpression": "@daily"}, {"intervalSeconds": None}])
def test_a_schedule_recurs_in_exactly_one_way(body: dict[str, Any]) -> None:
    [problem] = _problems(**body)
    assert "exactly one of cronExpression, intervalSeconds, scheduledAt and recurrence" in problem.detail


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), "\ud800", "a\0b", {1, 2}], ids=["nan", "inf", "surrogate", "nul", "set"]
)
def test_what_postgres_cannot_keep_as_json_is_refused(value: object) -> None:
    assert [problem.pointer for problem in _problems(metadata={"deep": [value]})] == ["metadata"]


def test_a_backslash_before_u0000_is_plain_text() -> None:
    assert read_schedule(WHOLE | {"metadata": {"regex": "\\u0000"}}).metadata == {"regex": "\\u0000"}


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    with pytest.raises(BadDefinition) as caught:
        read_schedule(WHOLE | {"overlapPolicy": "hush", "maxRuns": "hush", "scheduledAt": "hush"})
    assert "hush" not in str(caught.value)


def test_each_column_that_somebody_gives_has_its_field() -> None:
    from dataclasses import fields

    from scheduler.definition import NewSchedule

    renamed = {"kind": "job_type", "params": "job_payload", "cron": "cron_expression"}
    columns = {renamed.get(column.name, column.name) for column in fields(NewSchedule)}
    # What its runs use is read out of its params.
    assert columns - {"uses"} == set(ScheduleIn.model_fields)
