"""What makes and changes a pulse, as the API takes it."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model
from pydantic.alias_generators import to_camel

from api import timings
from api.channels import Told
from api.definitions import DELIVER_WITHIN, Line, Within, Words
from api.graphs import MOST_GRAPHS, Text
from workers.recipients import Recipient

_BREAKS = str.maketrans("", "", "\n\r\t")


def _asked(text: str) -> str:
    if not text.strip() or not text.translate(_BREAKS).isprintable():
        raise ValueError("takes printable text")
    return text.replace("\r\n", "\n").strip()


def _once(found: list[Any]) -> list[Any]:
    return list(dict.fromkeys(found))


Prompt = Annotated[str, AfterValidator(_asked), Field(min_length=1, max_length=20_000)]
Recipients = Annotated[list[Recipient], Field(max_length=1000), AfterValidator(_once)]
GraphIds = Annotated[list[UUID], Field(min_length=1, max_length=MOST_GRAPHS), AfterValidator(_once)]
OnModelFailure = Literal["fallback", "error"]
PulseAttachment = Literal["none", "pdf"]


class PulseIn(BaseModel):
    """A pulse to be made: what is asked, when, and who gets the report."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    name: Line
    description: Text = ""
    prompt: Prompt
    cron: Annotated[str, Field(max_length=1000)] | None = None
    interval_seconds: timings.IntervalSeconds = None
    interval_anchor: timings.IntervalAnchor = None
    scheduled_at: timings.ScheduledAt = None
    recurrence: timings.Recurrence = None
    cron_timezone: str | None = None
    enabled: bool = True
    recipients: Recipients | None = None
    graph_ids: GraphIds | None = None
    on_model_failure: Annotated[OnModelFailure, Words] = "fallback"
    skip_if_nothing_notable: bool = False
    attachment: Annotated[PulseAttachment, Words] = "none"
    test_mode: bool = False
    channels: Told = Field(default_factory=list)
    template_id: UUID | None = None
    deliver_within_seconds: Within | None = Field(None, description=DELIVER_WITHIN)


# All fields of a pulse, none required: what is not named stays.
PulsePatch: Any = create_model(
    "PulsePatch",
    __doc__="What changes; fields that are not named stay.",
    __config__=ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid"),
    **{  # type: ignore[call-overload]  # made of fields
        name: (Annotated[(field.annotation, *field.metadata, Field())], None)
        for name, field in PulseIn.model_fields.items()
    },
)
