"""When a figure is checked and by which policy: the part of a KPI alert that is its threshold's."""

from typing import Any

from pydantic import Field, model_validator
from pydantic.alias_generators import to_camel

from api import timings
from api.graphs import Graph
from api.refusals import refuse
from db.jsonb import Jsonb
from workers.alerting.policy import Policy, needs

MAIN = ("condition", "threshold_value", "threshold_high")
"""What of a policy has a column of its own."""
CHECKED = "*/5 * * * *"
_WHEN = ("timezone", "check_cron", *timings.BESIDE)
OF_TIMING = frozenset(to_camel(name) for name in _WHEN)
"""What of a threshold is its schedule's."""


class Threshold(Policy):
    """When the figure is checked, and the whole policy by which it is judged and told."""

    timezone: str | None = Field(None, description="of its periods and its checks; the tenant's if left out")
    check_cron: str | None = Field(
        CHECKED, description="when the figure is checked; null where it is not by an expression"
    )
    interval_seconds: timings.IntervalSeconds = None
    interval_anchor: timings.IntervalAnchor = None
    scheduled_at: timings.ScheduledAt = None
    recurrence: timings.Recurrence = None

    @model_validator(mode="before")
    @classmethod
    def _has_no_other_default(cls, given: Any) -> Any:
        """What is told otherwise is not checked every five minutes too."""
        if not isinstance(given, dict) or {"checkCron", "check_cron"} & given.keys():
            return given
        is_told = any(given.get(name) is not None for name in (*timings.WAYS, *timings.BESIDE))
        return {**given, "checkCron": None} if is_told else given


def columns_of(threshold: Threshold) -> dict[str, Any]:
    """The policy as its columns hold it; what is at its default stays out of the JSON."""
    own = {*MAIN, *_WHEN}
    kept = threshold.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=own)
    return {name: getattr(threshold, name) for name in MAIN} | {"policy": Jsonb(kept)}


def timing_of(threshold: Threshold) -> dict[str, Any]:
    """How the schedule recurs, as the schedule's own body takes it. Raises BadDefinition."""
    return timings.timing_of(threshold, "checkCron", threshold.check_cron, "threshold.")


def check_graph(threshold: Threshold, graph: Graph) -> None:
    """Passes a graph that has what the policy needs. Raises BadDefinition."""
    needs_time, needs_grain = needs(threshold)
    if needs_time and graph.time_dimension is None:
        raise refuse("graphId", "takes a graph with a timeDimension: the threshold compares with earlier periods")
    if needs_grain and graph.grain is None:
        raise refuse("graphId", "takes a graph with a grain: the baseline is a period of the calendar")
