"""A cron expression as a sentence in plain English."""

import re
from typing import Final

from cron_descriptor import (  # type: ignore[import-untyped]
    ExpressionDescriptor,
    FormatError,
    MissingFieldError,
    Options,
    WrongArgumentError,
)
from croniter import croniter

from scheduler import cron
from scheduler.slots import Cron, check

# The locale is named, or the words would follow the machine's.
_OPTIONS: Final = Options(use_24hour_time_format=True, locale_code="en_US")


def explain(expression: str, timezone: str, hash_id: str = "") -> str:
    """Returns what the expression says, such as "At 09:00, Monday through Friday (Europe/Paris)".

    `H` reads as the times that `hash_id` gives it. Raises BadRecurrence when expression or zone is refused.
    """
    check(Cron(expression, timezone, hash_id=hash_id))
    *clock, dom, month, dow = _resolved(expression, hash_id)
    either = dom not in cron.FREE and dow not in cron.FREE
    day_rules = [(dom, "*"), ("*", dow)] if either else [(dom, dow)]
    # cron-descriptor tells two day rules as if both had to match, and loses the numbers of `mon#1,fri#2`: one each.
    parts = [(day, one) for day, weekdays in day_rules for one in _apart(weekdays)]
    sentences = [_sentence(" ".join([*clock, day, month, one])) for day, one in parts]
    return f"{'; also '.join(sentences)} ({timezone})"


def _resolved(expression: str, hash_id: str) -> list[str]:
    """The expression's fields in cron-descriptor's spelling, nicknames and `H` put into numbers."""
    fields = cron.split(expression)
    if cron.has_hash(expression):
        expanded, _ = croniter.expand(" ".join(fields), hash_id=hash_id.encode(), second_at_beginning=True)
        numbers = expanded if len(fields) == len(expanded) == cron.FIVE else [expanded[-1], *expanded[:-1]]
        fields = [
            ",".join(map(str, found)) if field.startswith("h") else field
            for field, found in zip(fields, numbers, strict=True)
        ]
    return [re.sub(r"^l(\d)$", r"\1l", field) for field in fields]


def _apart(weekdays: str) -> list[str]:
    items = [re.sub(r"^l(\d)$", r"\1l", item) for item in weekdays.split(",")]
    return items if any("#" in item or "l" in item for item in items) else [weekdays]


def _sentence(expression: str) -> str:
    try:
        return str(ExpressionDescriptor(expression.upper(), _OPTIONS).get_description())
    except (FormatError, MissingFieldError, WrongArgumentError):
        return f"Cron {expression}"
