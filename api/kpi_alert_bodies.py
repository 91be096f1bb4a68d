"""KPI alerts as people and programs write them: the bodies, a patch laid over one, and refusals told by its fields."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.alias_generators import to_camel

from api import timings
from api.channels import Told
from api.definitions import DELIVER_WITHIN, Line, Within, Words
from api.graphs import Text
from api.kpi_schedules import OF_FREQUENCY, KpiSchedule
from api.kpi_thresholds import Threshold
from api.refusals import BadDefinition, Problem, of_model, of_recurrence, refuse
from scheduler.refusals import NameTaken
from scheduler.slots import BadRecurrence
from workers.alerting.notify import Notify
from workers.alerting.policy import Guards
from workers.kinds.report_options import Freshness
from workers.recipients import Recipient

Recipients = Annotated[
    list[Recipient],
    Field(max_length=1000),
    AfterValidator(lambda found: list(dict.fromkeys(found))),
]
Tags = Annotated[list[Line], Field(max_length=50)]
AlertType = Annotated[Literal["threshold", "schedule"], Words]


def patch_of(model: type[BaseModel], **parts: Any) -> Any:
    """The model with no field required: what is not named stays, and null takes a field away; `parts` are patches too."""
    fields: dict[str, Any] = {
        each: (
            Annotated[(parts.get(each, field.annotation), *field.metadata, Field())] | None,
            Field(None, alias=field.alias, description=field.description),
        )
        for each, field in model.model_fields.items()
    }
    config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")
    said = "What changes; fields that are not named stay, and null takes one away."
    return create_model(f"{model.__name__}Patch", __doc__=said, __config__=config, **fields)


ThresholdPatch = patch_of(Threshold, guards=patch_of(Guards), notify=patch_of(Notify))
KpiSchedulePatch = patch_of(KpiSchedule, freshness=patch_of(Freshness))
_PARTS = frozenset({"guards", "notify", "freshness"})
"""What of a threshold or a schedule is changed field by field, as they are themselves."""


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class KpiAlertIn(_Body):
    """An alert to be made: of a graph with a threshold, or of a graph or a dashboard with a schedule."""

    alert_name: Line
    description: Text = ""
    alert_type: AlertType = "threshold"
    recipients: Recipients = Field(default_factory=list)
    channels: Told = Field(default_factory=list)
    is_active: bool = True
    graph_id: UUID | None = None
    dashboard_id: UUID | None = None
    threshold: Threshold | None = None
    schedule: KpiSchedule | None = None
    template_id: UUID | None = None
    calendar_id: UUID | None = None
    deliver_within_seconds: Within | None = Field(None, description=DELIVER_WITHIN)
    tags: Tags = Field(default_factory=list)


class KpiAlertPatch(_Body):
    """What changes; fields that are not named stay."""

    alert_name: Line | None = None
    description: Text | None = None
    recipients: Recipients | None = None
    channels: Told | None = None
    is_active: bool | None = None
    graph_id: UUID | None = None
    dashboard_id: UUID | None = None
    threshold: ThresholdPatch | None = None  # type: ignore[valid-type]  # made while running
    schedule: KpiSchedulePatch | None = None  # type: ignore[valid-type]  # made while running
    template_id: UUID | None = None
    calendar_id: UUID | None = None
    deliver_within_seconds: Within | None = Field(None, description=DELIVER_WITHIN)
    tags: Tags | None = None


def patched(body: Mapping[str, Any], patch: KpiAlertPatch) -> KpiAlertIn:
    """The body, which would make the alert as it is, with the patch laid over it. Raises BadDefinition."""
    given = patch.model_dump(mode="json", by_alias=True, exclude_unset=True)
    whole = dict(body)
    for name in ("threshold", "schedule"):
        changes = given.pop(name, None) or {}
        if changes and whole[name] is None:
            raise refuse(
                name, f"goes with an alert of the type {name}, and this is one of the type {whole['alertType']}"
            )
        if whole[name] is not None:
            whole[name] = _laid_over(whole[name], changes)
    for one, other in (("graphId", "dashboardId"), ("dashboardId", "graphId")):
        if given.get(one) is not None:
            whole[other] = None
    named = {name: value for name, value in given.items() if value is not None or name in _TAKEN_AWAY}
    try:
        return KpiAlertIn.model_validate(whole | named)
    except ValidationError as error:
        raise of_model(error) from None


def _laid_over(stored: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The stored part with the changes, null takes a field away; one way to recur takes the other's place."""
    dropped: frozenset[str] = frozenset()
    if any(changes.get(name) is not None for name in _WAYS):
        dropped = frozenset({*_WAYS, "intervalAnchor", *OF_FREQUENCY})
    elif changes.get("frequencyInterval") is not None:
        # Of minutes and hours none is passed over by a date.
        from_what = {"from"} if changes["frequencyInterval"] in ("minute", "hour") else set()
        dropped = frozenset({*_WAYS, "intervalAnchor", *from_what})
    kept = {name: value for name, value in stored.items() if name not in dropped}
    within = {
        name: _laid_over(kept.get(name) or {}, value)
        for name, value in changes.items()
        if name in _PARTS and value is not None
    }
    return {name: value for name, value in {**kept, **changes, **within}.items() if value is not None}


_TAKEN_AWAY = frozenset({"calendarId", "templateId", "deliverWithinSeconds"})
"""What null takes away from an alert itself."""

_WAYS = timings.WAYS | {"checkCron", "cron"}


@contextmanager
def refusing(body: KpiAlertIn) -> Iterator[None]:
    """Refusals of the schedule told as those of the alert. Raises BadDefinition, NameTaken."""
    is_by_frequency = body.schedule is not None and body.schedule.frequency_interval is not None
    try:
        yield
    except BadRecurrence as error:
        raise of_timing(error, body.alert_type, is_by_frequency=is_by_frequency) from None
    except BadDefinition as error:
        problems = [_pointed(problem, body.alert_type, is_by_frequency=is_by_frequency) for problem in error.problems]
        raise BadDefinition(problems) from None
    except NameTaken:
        raise NameTaken(f"there is an alert or a schedule named {body.alert_name!r} already") from None


def _pointed(problem: Problem, alert_type: str, *, is_by_frequency: bool) -> Problem:
    first = problem.pointer.partition(".")[0]
    if first == "cronExpression":
        return problem._replace(pointer="threshold.checkCron" if alert_type == "threshold" else "schedule.cron")
    if first in timings.NAMES and not is_by_frequency:
        return problem._replace(pointer=f"{alert_type}.{problem.pointer}")
    if first in ("timezone", "recurrence"):
        rest = problem.pointer.removeprefix("recurrence").removeprefix(".")
        named = {
            "days": "selectedDays",
            "hour": "scheduleHour",
            "minute": "scheduleMinute",
            "every": "frequencyInterval",
        }
        named |= {"interval": "every"}
        head, dot, more = rest.partition(".")
        return problem._replace(pointer=f"{alert_type}.{named.get(head, head)}{dot}{more}".rstrip("."))
    return problem


def of_timing(error: BadRecurrence, alert_type: str, *, is_by_frequency: bool = False) -> BadDefinition:
    """The refusal of a timing, under the names of an alert's body."""
    problems = of_recurrence(error).problems
    return BadDefinition(_pointed(problem, alert_type, is_by_frequency=is_by_frequency) for problem in problems)
