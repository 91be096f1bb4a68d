"""`kpi.threshold`: tells the recipients when a figure crosses its threshold, and when it is back.

The figure is one number of one query, in the alert's own unit, compared exactly as a decimal. A mail goes out when the
state changes and never while it lasts; each run keeps the record of what it decided and why.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from workers.alerting.conditions import CONDITIONS, RANGES
from workers.alerting.fields import ConditionName, Number
from workers.alerting.words import limit, number, rfc3339, with_unit
from workers.branding import Branding
from workers.channels.email import mailbox
from workers.kind import Context, Kind, KnownState
from workers.kinds import pages
from workers.outcome import AlertState, Done, Later, Message, Outcome, Rejected
from workers.sources import Question, RowCap, SourceRefused, SourceUnavailable, Table

WHOLE = ""  # the segment of an alert that is not split into several


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("takes one line of printable characters")
    return text.strip()


def _each_once(addresses: list[str]) -> list[str]:
    return list(dict.fromkeys(addresses))


Mailbox = Annotated[str, AfterValidator(mailbox)]


class Params(BaseModel):
    """What is watched, what counts as an alarm, and who is told."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    alert_id: UUID | None = Field(None, description="the alert whose state is kept; set by Tocsin")
    alert_name: Annotated[str, AfterValidator(_printable)] = Field(min_length=1, max_length=200)
    recipients: Annotated[list[Mailbox], Field(min_length=1, max_length=100), AfterValidator(_each_once)]
    source: str = Field(min_length=1, max_length=200, description="name or id of a source")
    query: str = Field(
        min_length=1,
        max_length=100_000,
        description="one SQL statement that gives one row; column `value` or the first",
    )
    condition: ConditionName
    threshold_value: Number
    threshold_high: Number | None = Field(None, description="the upper end, for BETWEEN and OUTSIDE alone")
    unit: Annotated[str, AfterValidator(_printable)] = Field("", max_length=20)

    @model_validator(mode="after")
    def _has_a_range_where_one_is_needed(self) -> "Params":
        if self.condition not in RANGES and self.threshold_high is not None:
            raise ValueError(f"thresholdHigh goes with {' and '.join(RANGES)} alone")
        if self.condition in RANGES and (self.threshold_high is None or self.threshold_high < self.threshold_value):
            raise ValueError(f"{self.condition} takes a thresholdHigh that is not below thresholdValue")
        return self

    @property
    def upper(self) -> Decimal:
        """The upper end of the range, the threshold itself where there is none."""
        return self.threshold_value if self.threshold_high is None else self.threshold_high


State = Literal["ok", "firing", "no_data"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one evaluation found. `since` is the slot at which `state` began; `is_told` that a message goes out."""

    params: Params
    state: State
    value: Decimal | None
    previous_state: str | None
    since: datetime
    reason: str
    data_as_of: datetime | None
    is_told: bool = False


class Slot(NamedTuple):
    """The slot as a message shows it: its instant in the schedule's own zone, and the run that is its work."""

    local: datetime
    timezone: str
    run_id: UUID


def evaluate(table: Table, params: Params, previous: KnownState | None, slot_at: datetime) -> Verdict:
    """Return the verdict on a table. Told are ok to firing and firing to ok; a first evaluation that is ok is not.

    A table that gives no number is `no_data`: it is recorded, nobody is told, and what was known before still holds.
    """
    value, problem = _value_of(table)
    before = previous.state if previous else None
    if value is None:
        since = previous.since if previous else slot_at
        return Verdict(params, "no_data", None, before, since, f"no message: {problem}", table.data_as_of)
    is_firing = CONDITIONS[params.condition](value, params.threshold_value, params.upper)
    state: State = "firing" if is_firing else "ok"
    if previous is not None and before == state:
        reason = f"no message: still {state} since {rfc3339(previous.since)}"
        return Verdict(params, state, value, before, previous.since, reason, table.data_as_of)
    is_told = is_firing or before == "firing"
    asked = _limit_in_words(params)
    if is_firing:
        reason = f"message: {number(value)} is {asked}"
    elif is_told:
        reason = f"message: recovered, {number(value)} is no longer {asked}"
    else:
        reason = f"no message: first evaluation, and {number(value)} is not {asked}"
    return Verdict(params, state, value, before, slot_at, reason, table.data_as_of, is_told)


def render(verdict: Verdict, slot: Slot, brand: Branding) -> Message:
    """Return the mail about a change, in text and in HTML, with all times in the schedule's zone."""
    params, value = verdict.params, with_unit(verdict.value or Decimal(0), verdict.params.unit)
    is_firing = verdict.state == "firing"
    facts = {
        "alert": params.alert_name,
        "is_firing": is_firing,
        "headline": "Threshold crossed" if is_firing else "Back to normal",
        "value": value,
        "sentence": f"The value is {value}, {'' if is_firing else 'no longer '}{_limit_in_words(params, params.unit)}.",
        "threshold": _limit_in_words(params, params.unit),
        "since": _spoken(verdict.since.astimezone(slot.local.tzinfo)),
        "slot": _spoken(slot.local),
        "timezone": slot.timezone,
        "data_as_of": _spoken(verdict.data_as_of.astimezone(slot.local.tzinfo)) if verdict.data_as_of else "",
        "run_id": str(slot.run_id),
    }
    text, html = pages.fill("threshold_alert", facts, brand)
    return Message(
        to=tuple(params.recipients),
        subject=f"{'Alert' if is_firing else 'Recovered'}: {params.alert_name} is {value}",
        text=text,
        html=html,
    )


def record(verdict: Verdict) -> dict[str, Any]:
    """Return the decision record that the run keeps: what was found, how it was judged, whether and why it was told."""
    params = verdict.params
    return {
        "value": None if verdict.value is None else str(verdict.value),
        "unit": params.unit,
        "condition": params.condition,
        "thresholdValue": str(params.threshold_value),
        "thresholdHigh": None if params.threshold_high is None else str(params.threshold_high),
        "previousState": verdict.previous_state,
        "state": verdict.state,
        "since": rfc3339(verdict.since),
        "notified": verdict.is_told,
        "reason": verdict.reason,
        "dataAsOf": rfc3339(verdict.data_as_of) if verdict.data_as_of else None,
    }


def read(ctx: Context[Params]) -> Table:
    """Return the query's table; of one with too many rows its first two, which `evaluate` then calls no data."""
    try:
        question = Question(ctx.params.query, ctx.slot_at, timezone=ctx.timezone)
        return ctx.source(ctx.params.source).query(question, timeout_seconds=ctx.seconds_left(), row_cap=1)
    except RowCap as error:
        return error.table


def run(ctx: Context[Params]) -> Outcome:
    """Read the figure, judge it, and return the record with the message when there is something to tell."""
    alert_id = ctx.params.alert_id
    try:
        table = read(ctx)
    except SourceUnavailable as error:
        return Later(None, str(error))
    except SourceRefused as error:
        return Rejected(str(error))
    previous = ctx.alert_state(alert_id, WHOLE) if alert_id else None
    verdict = evaluate(table, ctx.params, previous, ctx.slot_at)
    if not verdict.is_told:
        return Done(record(verdict), (), states(verdict, alert_id))
    message = render(verdict, Slot(ctx.slot_local, ctx.timezone, ctx.run_id), ctx.branding())
    return Done(record(verdict), (message,), states(verdict, alert_id))


def states(verdict: Verdict, alert_id: UUID | None) -> tuple[AlertState, ...]:
    """Return what the alert knows from now on: nothing new without data, or without an alert to remember it."""
    if alert_id is None or verdict.state == "no_data":
        return ()
    return (AlertState(alert_id, WHOLE, verdict.state, verdict.value, verdict.since),)


def _value_of(table: Table) -> tuple[Decimal | None, str]:
    """Return the one number of a table, or None and what is the matter with it."""
    if len(table.rows) != 1:
        return None, "the query gives no row" if not table.rows else "the query gives more than one row"
    names = [column.name.lower() for column in table.columns]
    found = table.rows[0][names.index("value") if "value" in names else 0]
    if found is None:
        return None, "the value is NULL"
    if isinstance(found, bool) or not isinstance(found, (int, float, Decimal)):
        return None, f"the value is no number but {type(found).__name__}"
    value = Decimal(repr(found)) if isinstance(found, float) else Decimal(found)
    return (value, "") if value.is_finite() else (None, f"the value is {found}")


def _limit_in_words(params: Params, unit: str = "") -> str:
    return limit(params.condition, params.threshold_value, params.upper, unit)


def _spoken(local: datetime) -> str:
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M}"


KIND = Kind(
    name="kpi.threshold",
    Params=Params,
    run=run,
    summary="mails when a figure crosses its threshold, and when it is back",
    queue="alerts",
    is_gated_only=True,
)
