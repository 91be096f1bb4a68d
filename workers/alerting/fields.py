"""Types of fields that several parts of a policy share, each with what it refuses."""

from decimal import Decimal
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field

from workers.alerting.conditions import CONDITIONS
from workers.formats.numbers import MAX_DIGITS

MAX_SECONDS = 366 * 86400


def _known_condition(text: Any) -> Any:
    name = text.strip().upper() if isinstance(text, str) else text
    if not isinstance(name, str) or name not in CONDITIONS:
        raise ValueError(f"takes one of {', '.join(CONDITIONS)}")
    return name


def _sayable(number: Decimal) -> Decimal:
    if number and not -MAX_DIGITS < number.adjusted() < MAX_DIGITS:
        raise ValueError(f"takes a number of at most {MAX_DIGITS} digits")
    return number


def above_zero(number: Decimal) -> Decimal:
    """Return the number. Raises ValueError when it is not above 0."""
    if number <= 0:
        raise ValueError("takes a number above 0")
    return number


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"takes a time zone such as Europe/Madrid, got {name[:60]!r}") from None
    return name


ConditionName = Annotated[str, BeforeValidator(_known_condition), Field(json_schema_extra={"enum": list(CONDITIONS)})]
Number = Annotated[Decimal, Field(allow_inf_nan=False), AfterValidator(_sayable)]
Positive = Annotated[Number, AfterValidator(above_zero)]
Seconds = Annotated[int, Field(ge=0, le=MAX_SECONDS)]
Timezone = Annotated[str, AfterValidator(_known_zone)]
