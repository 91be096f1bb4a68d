"""Scheduled reports as people and programs write them: the body, and a patch laid over one."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from api import timings
from api.definitions import DELIVER_WITHIN, Json, Line, Within, Words
from api.graphs import Text
from api.kpi_alert_bodies import Tags, patch_of
from api.refusals import of_model
from config.zones import zone
from scheduler import slots
from workers.channels.email import mailbox
from workers.kinds.report_export import ExportFormat
from workers.reports.definition import Wording


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _once(found: list[Any]) -> list[Any]:
    return list(dict.fromkeys(found))


def _cron(text: str) -> str:
    try:
        slots.check(slots.Cron(text, "UTC"))
    except slots.BadRecurrence as error:
        raise ValueError(error.reason) from None
    return text


Zone = Annotated[str, AfterValidator(lambda name: zone(name).key)]
Status = Annotated[Literal["ACTIVE", "PAUSED", "DISABLED", "ERROR"], BeforeValidator(_upper)]
Wanted = Annotated[Literal["ACTIVE", "PAUSED", "DISABLED"], BeforeValidator(_upper)]
Recipients = Annotated[list[Annotated[str, AfterValidator(mailbox)]], Field(max_length=1000), AfterValidator(_once)]
Formats = Annotated[list[Annotated[ExportFormat, Words]], Field(min_length=1, max_length=5), AfterValidator(_once)]


class ScheduledReportIn(BaseModel):
    """A report to be made by a definition when its time has come; it is mailed to nobody unless `emailEnabled` says so."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    name: Line
    description: Text = ""
    report_type: Annotated[str, Field(min_length=1, max_length=100, description="the name of a report definition")]
    cron_expression: Annotated[str, AfterValidator(_cron)] | None = None
    interval_seconds: timings.IntervalSeconds = None
    interval_anchor: timings.IntervalAnchor = None
    scheduled_at: timings.ScheduledAt = None
    recurrence: timings.Recurrence = None
    timezone: Zone | None = Field(None, description="of its slots and its relative dates; the tenant's if left out")
    calendar_id: UUID | None = None
    is_active: bool = True
    export_formats: Formats
    parameters: Json = Field(default_factory=dict)
    tags: Tags = Field(default_factory=list)
    email_enabled: bool = False
    email_recipients: Recipients = Field(default_factory=list)
    email_cc_recipients: Recipients = Field(default_factory=list)
    email_bcc_recipients: Recipients = Field(default_factory=list)
    email_subject: Annotated[Wording, Field(min_length=1)] | None = Field(
        None, description="a template; the report's title and date if left out"
    )
    template_id: UUID | None = Field(None, description="words the mail; of the purpose report.export")
    email_include_attachment: bool = True
    email_include_preview: bool = False
    email_send_only_if_data: bool = False
    error_after: Annotated[int, Field(strict=True, ge=1, le=100)] | None = Field(
        3, description="so many runs in a row that fail stop it; null: never"
    )
    deliver_within_seconds: Within | None = Field(None, description=DELIVER_WITHIN)
    workspace_id: Line | None = Field(None, description="the tenant's slug, if anything")


_Patch = patch_of(ScheduledReportIn)


class ScheduledReportPatch(_Patch):  # type: ignore[misc,valid-type]  # made while running
    """What changes; fields that are not named stay. `status` ACTIVE starts again what was stopped."""

    status: Wanted | None = None


_TAKEN_AWAY = frozenset({"calendarId", "emailSubject", "errorAfter", "templateId", "deliverWithinSeconds"})
"""What null takes away; null for anything else changes nothing."""


def patched(body: Mapping[str, Any], patch: ScheduledReportPatch) -> ScheduledReportIn:
    """The body, which would make the report as it is, with the patch laid over it. Raises BadDefinition."""
    given = patch.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"status", "is_active"})
    named = {name: value for name, value in given.items() if value is not None or name in _TAKEN_AWAY}
    try:
        return ScheduledReportIn.model_validate(timings.laid_over(body, named, "cronExpression"))
    except ValidationError as error:
        raise of_model(error) from None
