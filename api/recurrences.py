"""Recurrences beyond cron as bodies give them; what fits together is checked where they are planned."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _date(value: Any) -> date:
    try:
        return value if isinstance(value, date) else date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("takes a date such as 2026-01-05") from None


def _day(value: Any) -> int | str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("takes the number of a day, or words such as 'first mon' or 'last business day'")  # noqa: TRY004  pydantic reports no TypeError
    return value.lower() if isinstance(value, str) else value


_Lower = BeforeValidator(_lower)
_Whole = Field(strict=True)


class RecurrenceIn(BaseModel):
    """When it recurs, on the wall clock of the schedule's `timezone`, around the days of its calendar."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, hide_input_in_errors=True)

    every: Annotated[
        Literal["minute", "hour", "day", "week", "month", "quarter", "year"],
        _Lower,
        Field(description="how long a period is"),
    ]
    interval: Annotated[int, _Whole, Field(ge=1, le=366, description="each so many periods; 1 if not given")] | None = (
        None
    )
    start: Annotated[
        Annotated[date, BeforeValidator(_date)] | None,
        Field(alias="from", description="a date in the first period that counts; today if not given"),
    ] = None
    hour: Annotated[int, _Whole, Field(ge=0, le=23, description="0 if not given")] | None = None
    minute: Annotated[int, _Whole, Field(ge=0, le=59, description="0 if not given")] | None = None
    days: (
        Annotated[
            list[Annotated[int | str, BeforeValidator(_day)]],
            Field(
                min_length=1,
                max_length=62,
                description="for a week its weekdays, `mon` to `sun`; for longer periods days of a month: `1` to `31`, "
                "`-1` for the last, `first mon`, `last fri`, `first business day`, `2nd last business day`",
            ),
        ]
        | None
    ) = None
    month: (
        Annotated[
            int,
            _Whole,
            Field(ge=1, le=12, description="the month of a quarter (1 to 3) or a year whose days are meant"),
        ]
        | None
    ) = None
    shift: (
        Annotated[
            Literal["skip", "none", "before", "after"],
            _Lower,
            Field(
                description="what falls on a day of the calendar is skipped (`skip`), fires all the same (`none`), or "
                "moves to the business day `before` or `after`"
            ),
        ]
        | None
    ) = None
    weekends: (
        Annotated[bool, _Whole, Field(description="whether Saturdays and Sundays are treated as days of the calendar")]
        | None
    ) = None


def told(recurrence: RecurrenceIn | None) -> dict[str, Any] | None:
    """What somebody told, as the column takes it."""
    return None if recurrence is None else recurrence.model_dump(mode="json", by_alias=True, exclude_none=True)
