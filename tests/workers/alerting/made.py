"""Series, policies and checks for the tests of judging."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from workers.alerting.check import Decision, check
from workers.alerting.machine import StateRow
from workers.alerting.notify import Facts
from workers.alerting.periods import Grain
from workers.alerting.policy import Policy
from workers.alerting.series import WHOLE, Graph, Reading, read

START = datetime(2026, 11, 2, 12, tzinfo=UTC)  # a Monday
MADRID = ZoneInfo("Europe/Madrid")
FIVE_MINUTES = timedelta(minutes=5)


def policy(threshold: Any = 100, **fields: Any) -> Policy:
    return Policy.model_validate({"thresholdValue": threshold, **fields})


def days(values: Sequence[Any], last: str = "2026-11-20", zone: ZoneInfo = MADRID, grain: Grain = "day") -> Reading:
    """A row a day, the last one on `last`; a value that is `...` makes no row."""
    end = datetime.fromisoformat(last)
    rows = [
        ((end - timedelta(days=len(values) - 1 - place)).date().isoformat(), value)
        for place, value in enumerate(values)
        if value is not ...
    ]
    return read(["day", "value"], rows, Graph("value", "day", (), grain, zone), None)


def figure(value: Any) -> Reading:
    """The one row of a graph without a time."""
    return read(["value"], [(value,)], Graph(), None)


def at(place: int, every: timedelta = FIVE_MINUTES) -> datetime:
    return START + place * every


def walk(
    rule: Policy, values: Sequence[Any], every: timedelta = FIVE_MINUTES, facts: Mapping[int, Facts] | None = None
) -> list[Decision]:
    """The decisions of a check for each figure in turn; `...` is a source that can't be read."""
    rows: dict[str, StateRow] = {}
    made = []
    for place, value in enumerate(values):
        reading = "the source is away" if value is ... else figure(value)
        decision = check(rule, reading, rows, (facts or {}).get(place, Facts()), at(place, every))[WHOLE]
        rows[WHOLE] = decision.row
        made.append(decision)
    return made


def told(decisions: Sequence[Decision]) -> list[tuple[int, str]]:
    """The places of the checks at which somebody was told, with the code."""
    return [(place, each.notice.code) for place, each in enumerate(decisions) if each.notice.is_told]


def states(decisions: Sequence[Decision]) -> list[str]:
    return [each.row.state for each in decisions]
