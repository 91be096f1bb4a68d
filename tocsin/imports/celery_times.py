"""The schedules of Celery beat in the words of a schedule here.

Where the two differ: Celery's crontab fires on days that are in both day fields, a cron expression here on days in either.
Source: celery.schedules.crontab.
"""

import re
from collections.abc import Mapping
from typing import Any

from scheduler.fields import FIELDS, BadRecurrence, Field, check_field
from tocsin.imports.found import Untold

PARTS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
_ITEM = re.compile(r"(\*|[a-z]+|\d+)(?:-([a-z]+|\d+))?(?:/(\d+))?", re.ASCII)
# A weekday that is also in the first seven days of its month is the first of its kind, and so on.
_WEEKS = {number: frozenset(range(7 * number - 6, 7 * number + 1)) for number in (1, 2, 3, 4)}
_FULL = {"day-of-month": 31, "day-of-week": 7}


def crontab(parts: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a schedule's body; each part a number, numbers or Celery's own pattern. Raises Untold."""
    minute, hour, dom, month, dow = (
        _field(spec, parts.get(part, "*")) for spec, part in zip(FIELDS, PARTS, strict=True)
    )
    dom_text, dow_text = _both(dom, dow)
    return {"cronExpression": f"{minute[1]} {hour[1]} {dom_text} {month[1]} {dow_text}"}


def _both(dom: tuple[frozenset[int], str], dow: tuple[frozenset[int], str]) -> tuple[str, str]:
    """Both day fields, joined as Celery joins them. Raises Untold."""
    if "*" in (dom[1], dow[1]):
        return dom[1], dow[1]
    weeks = [number for number, days in _WEEKS.items() if days <= dom[0]]
    if len(weeks) * 7 != len(dom[0]):
        raise Untold(
            f"day_of_month {dom[1]} and day_of_week {dow[1]}: Celery means days that are in both, and a cron expression "
            "here means either; write out the days, or let what is called look at the day"
        )
    return "*", ",".join(f"{day}#{week}" for week in weeks for day in sorted(dow[0]))


def _field(spec: Field, value: Any) -> tuple[frozenset[int], str]:
    """A part's numbers, and how it is written here. Raises Untold."""
    text = str(value).lower().replace(" ", "")
    if isinstance(value, (list, tuple, set, frozenset)):
        text = ",".join(str(each) for each in sorted(value, key=str))
    numbers = frozenset(number for item in text.split(",") for number in _numbers(spec, item))
    if len(numbers) == _FULL.get(spec.label):
        return numbers, "*"
    if not text.startswith("*") or "," in text or len(numbers) == 1:
        # Written out where ours would read it otherwise or not at all, such as fri-mon, monday or 22-2.
        written = ",".join(str(number) for number in sorted(numbers))
        return numbers, text if _is_ours(spec, text) else written
    return numbers, text if text != "*/1" else "*"


def _is_ours(spec: Field, text: str) -> bool:
    if spec.label == "day-of-week" or "*" in text:
        return False
    try:
        check_field(spec, text)
    except BadRecurrence:
        return False
    return True


def _numbers(spec: Field, item: str) -> list[int]:
    """The numbers of an item. Raises Untold."""
    match = _ITEM.fullmatch(item)
    if match is None or (match[2] is None and match[3] is not None and match[1] != "*"):
        raise Untold(f"{spec.label} {item!r}: Celery does not take it")
    first, last, step = match[1], match[2], int(match[3] or 1)
    high = 6 if spec.label == "day-of-week" else spec.high
    whole = list(range(spec.low, high + 1))
    if first == "*":
        found = whole
    else:
        low = _number(spec, first, high)
        end = low if last is None else _number(spec, last, high)
        # A range that runs backwards goes on at the other end.
        found = list(range(low, end + 1)) if low <= end else [*range(low, high + 1), *range(spec.low, end + 1)]
    if step < 1 or (first == "*" and last is not None):
        raise Untold(f"{spec.label} {item!r}: Celery does not take it")
    return found[::step]


def _number(spec: Field, text: str, high: int) -> int:
    number = int(text) if text.isdigit() else spec.names.get(text[:3], -1) if spec.label == "day-of-week" else -1
    if not spec.low <= number <= high:
        raise Untold(f"{spec.label} {text!r}: Celery does not take it")
    return number
