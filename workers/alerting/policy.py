"""The whole policy of an alert: what is measured and compared, what guards its states, and who is told when.

Each part is a model of its own that names the field and what it takes when it is refused.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from workers.alerting.conditions import DIRECTED, DOWNWARD, RANGES
from workers.alerting.fields import ConditionName, Number, Positive, Seconds
from workers.alerting.notify import Notify
from workers.alerting.periods import Season

Measure = Literal["value", "change", "percentChange", "anomaly", "noData", "freshness"]
BaselineName = Literal["previousPeriod", "sameLastWeek", "sameLastMonth", "sameLastYear", "rollingMean", "forecast"]
ZeroBase = Literal["new", "skip", "fire"]
WithoutAnswer = Literal["alert", "ok", "keep", "message"]

COMPARED = ("change", "percentChange")
MIN_HISTORY = 8


class Shape(BaseModel):
    """Names in camelCase; an unknown one is refused."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class Condition(Shape):
    """One comparison of one measure. Of an anomaly, `thresholdValue` is k, and the limit is median ± k·MAD."""

    measure: Measure = "value"
    condition: ConditionName = "GREATER_THAN"
    threshold_value: Number | None = None
    threshold_high: Number | None = Field(None, description="the upper end, for BETWEEN and OUTSIDE alone")
    baseline: BaselineName | None = Field(None, description="for change and percentChange; previousPeriod if left out")
    baseline_periods: Annotated[int, Field(ge=2, le=1000)] | None = Field(
        None, description="rollingMean: how many periods before (7); forecast: how many seasons (4)"
    )
    season: Season = Field("none", description="anomaly and forecast: which earlier periods are of the same kind")
    history_periods: Annotated[int, Field(ge=MIN_HISTORY, le=1000)] = Field(30, description="anomaly: how many of them")
    minimum_change: Positive | None = Field(None, description="does not hold below this absolute change")
    minimum_base: Positive | None = Field(None, description="does not hold where the baseline is smaller than this")
    zero_base: ZeroBase = Field("new", description="percentChange from 0")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.measure == "noData":
            if self.threshold_value is not None or self.threshold_high is not None:
                raise ValueError("thresholdValue goes with every measure but noData")
            return self
        self._check_thresholds()
        self._check_baseline()
        return self

    def _check_thresholds(self) -> None:
        low, high = self.threshold_value, self.threshold_high
        if low is None:
            raise ValueError(f"thresholdValue is missing: {self.measure} takes a number")
        if self.measure == "anomaly":
            if self.condition not in (*DIRECTED, "OUTSIDE") or high is not None or low <= 0:
                raise ValueError(
                    "anomaly takes OUTSIDE, GREATER_THAN or LESS_THAN, a thresholdValue above 0, which is k, and no thresholdHigh"
                )
        elif self.condition not in RANGES and high is not None:
            raise ValueError(f"thresholdHigh goes with {' and '.join(RANGES)} alone")
        elif self.condition in RANGES and (high is None or high < low):
            raise ValueError(f"{self.condition} takes a thresholdHigh that is not below thresholdValue")

    def _check_baseline(self) -> None:
        if self.measure not in COMPARED and (self.baseline or self.baseline_periods):
            raise ValueError(f"baseline goes with {' and '.join(COMPARED)} alone")
        if self.baseline_periods and self.baseline not in ("rollingMean", "forecast"):
            raise ValueError("baselinePeriods goes with the baselines rollingMean and forecast alone")
        if self.season != "none" and self.measure != "anomaly" and self.baseline != "forecast":
            raise ValueError("season goes with the measure anomaly and the baseline forecast alone")
        if self.measure not in (*COMPARED, "anomaly") and (self.minimum_change or self.minimum_base):
            raise ValueError("minimumChange and minimumBase go with change, percentChange and anomaly alone")


class Group(Shape):
    """Conditions joined by all or any, as one of the further conditions."""

    match: Literal["all", "any"]
    conditions: list[Condition] = Field(min_length=2, max_length=10)


class Matches(Shape):
    """At least `n` of the last `of` checks."""

    n: int = Field(ge=1, le=100)
    of: int = Field(ge=1, le=100)

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.n > self.of:
            raise ValueError("n takes a number that is not above of")
        return self


class Guards(Shape):
    """What stands between a crossing and a state."""

    for_seconds: Seconds = Field(0, description="fires once the condition held this long")
    matches: Matches | None = Field(None, description="fires once it held in n of the last m checks")
    recover_threshold: Number | None = Field(None, description="recovers only on the good side of this")
    keep_firing_for_seconds: Seconds = Field(0, description="recovers once it no longer held this long")
    no_data: WithoutAnswer = "keep"
    on_error: WithoutAnswer = "keep"

    @model_validator(mode="after")
    def _has_one_way_to_fire(self) -> Self:
        if self.for_seconds and self.matches:
            raise ValueError("forSeconds and matches exclude each other")
        return self


class Policy(Condition):
    """An alert's whole policy: its main condition flat, further ones in `also`, then the guards and the notices."""

    also: list[Condition | Group] = Field(default_factory=list, max_length=10)
    match: Literal["all", "any"] = "all"
    complete_periods_only: bool = True
    lag_periods: Annotated[int, Field(ge=0, le=1000)] = Field(0, description="how many periods late the figures come")
    guards: Guards = Guards()
    notify: Notify = Notify()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        recover = self.guards.recover_threshold
        if recover is not None:
            self._check_recovery()
        steps = self.notify.escalate_at
        if steps and (self.condition not in DIRECTED or self.measure in ("anomaly", "noData")):
            raise ValueError("notify.escalateAt goes with GREATER_THAN… and LESS_THAN… of a number alone")
        if self.notify.escalate_by_percent and (
            self.condition not in (*DIRECTED, "OUTSIDE") or self.measure == "noData"
        ):
            raise ValueError("notify.escalateByPercent goes with GREATER_THAN…, LESS_THAN… and OUTSIDE alone")
        return self

    def _check_recovery(self) -> None:
        recover, low = self.guards.recover_threshold, self.threshold_value
        if recover is None or low is None or self.measure == "noData":
            raise ValueError("guards.recoverThreshold goes with a threshold")
        if self.measure == "anomaly":
            if not 0 < recover <= low:
                raise ValueError("guards.recoverThreshold takes a k above 0 that is not above thresholdValue")
        elif self.condition not in DIRECTED:
            raise ValueError("guards.recoverThreshold goes with GREATER_THAN… and LESS_THAN… alone")
        elif (recover < low) if self.condition in DOWNWARD else (recover > low):
            raise ValueError("guards.recoverThreshold takes a number on the good side of thresholdValue")


def needs(policy: Policy) -> tuple[bool, bool]:
    """Return whether a policy needs a graph with a time column, and whether it needs one with a grain."""
    timed = grained = False
    for condition in conditions(policy):
        if condition.measure in (*COMPARED, "anomaly"):
            timed = True
        if condition.baseline not in (None, "previousPeriod", "rollingMean"):
            grained = True
    return timed or grained, grained


def conditions(policy: Policy) -> list[Condition]:
    """Return every condition of a policy, the main one first."""
    found: list[Condition] = [policy]
    for further in policy.also:
        found += further.conditions if isinstance(further, Group) else [further]
    return found
