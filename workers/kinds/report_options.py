"""What a scheduled report's alert says beside its timing, its gate and its attachment."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from workers.channels.email import mailbox

Shift = Literal["skip", "none", "before", "after"]
AttachmentType = Literal["pdf", "excel", "csv", "json", "html", "png", "none"]


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class Freshness(_Shape):
    """Waits for figures that are not older than this at the slot; then sends as it is and says so, or skips."""

    max_age_seconds: Annotated[int, Field(ge=0, le=31_536_000)]
    wait_seconds: Annotated[int, Field(ge=0, le=86_400)] = 0
    otherwise: Literal["send", "skip"] = "send"

    @property
    def pause_seconds(self) -> int:
        """How long it waits between two looks, so that a run's hundred attempts suffice."""
        return max(60, self.wait_seconds // 80)


class Audience(_Shape):
    """Recipients with a security context of their own, such as `{"region": "north"}`."""

    recipients: Annotated[list[Annotated[str, AfterValidator(mailbox)]], Field(min_length=1, max_length=1000)]
    context: Annotated[
        dict[Annotated[str, Field(min_length=1, max_length=100)], Annotated[str, Field(max_length=1000)]],
        Field(max_length=50),
    ]


class Options(_Shape):
    """What a scheduled alert says beside its timing, its gate and its attachment."""

    freshness: Freshness | None = None
    audiences: Annotated[list[Audience], Field(max_length=200)] = Field(
        default_factory=list, description="contexts of some recipients; the others have none"
    )
    periods: Annotated[int, Field(ge=1, le=1000)] = Field(30, description="how many complete periods are shown")
    subtitle: Annotated[str, Field(max_length=200)] = ""
    every: Annotated[int, Field(ge=1, le=366)] = Field(1, description="each so many days, weeks, months")
    shift: Shift = Field("skip", description="what becomes of a day of the calendar")
