"""When a figure is checked and by which policy: the part of a KPI alert that is its threshold's."""

from typing import Any

from pydantic import Field

from api.graphs import Graph
from api.refusals import refuse
from db.jsonb import Jsonb
from workers.alerting.policy import Policy, needs

MAIN = ("condition", "threshold_value", "threshold_high")
"""What of a policy has a column of its own."""


class Threshold(Policy):
    """When the figure is checked, and the whole policy by which it is judged and told."""

    timezone: str | None = Field(None, description="of its periods and its checks; the tenant's if left out")
    check_cron: str = Field("*/5 * * * *", description="when the figure is checked")


def columns_of(threshold: Threshold) -> dict[str, Any]:
    """The policy as its columns hold it; what is at its default stays out of the JSON."""
    own = {*MAIN, "timezone", "check_cron"}
    kept = threshold.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=own)
    return {name: getattr(threshold, name) for name in MAIN} | {"policy": Jsonb(kept)}


def check_graph(threshold: Threshold, graph: Graph) -> None:
    """Passes a graph that has what the policy needs. Raises BadDefinition."""
    needs_time, needs_grain = needs(threshold)
    if needs_time and graph.time_dimension is None:
        raise refuse("graphId", "takes a graph with a timeDimension: the threshold compares with earlier periods")
    if needs_grain and graph.grain is None:
        raise refuse("graphId", "takes a graph with a grain: the baseline is a period of the calendar")
