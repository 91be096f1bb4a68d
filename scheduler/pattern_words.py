"""A recurrence as a sentence in plain English. It takes one that was read before."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

_WEEKDAYS: Final = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}
_NUMBERS: Final = {"second": "2nd", "third": "3rd", "fourth": "4th", "fifth": "5th", "1st": "first"}
_MONTHS: Final = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905  a list to read
)


def explain_pattern(told: Mapping[str, Any], timezone: str) -> str:
    """Returns what the stored recurrence says, such as "At 09:00 on the first business day of each month (UTC)"."""
    return f"{_times(told)}{_dates(told)}{_closed(told)} ({timezone})"


def _times(told: Mapping[str, Any]) -> str:
    interval, minute = told["interval"], told.get("minute", 0)
    if told["every"] == "minute":
        return "Every minute" if interval == 1 else f"Every {interval} minutes"
    if told["every"] == "hour":
        at = f" at {minute} minutes past" if minute else ""
        return f"Every hour{at}" if interval == 1 else f"Every {interval} hours from midnight on{at}"
    return f"At {told['hour']:02}:{minute:02}"


def _dates(told: Mapping[str, Any]) -> str:
    every, interval = told["every"], told["interval"]
    if every in ("minute", "hour"):
        return ""
    counted = f", counted from {told['from']}" if interval > 1 else ""
    if every == "day":
        return " every day" if interval == 1 else f" every {interval} days{counted}"
    if every == "week":
        named = [name for key, name in _WEEKDAYS.items() if key in told["days"]]
        return f" on {_listed(named)}{'' if interval == 1 else f' of every {_nth(str(interval))} week{counted}'}"
    period = f"each {every}" if interval == 1 else f"every {_nth(str(interval))} {every}"
    month = told.get("month")
    if month is not None:
        within = _MONTHS[month - 1] if every == "year" else f"the {('first', '2nd', 'last')[month - 1]} month"
        period = f"{within} of {period}" if every == "quarter" else f"{within} {period}"
    return f" on {_listed([f'the {_day(each)}' for each in told['days']])} of {period}{counted}"


def _closed(told: Mapping[str, Any]) -> str:
    is_off = told["weekends"]
    if told["shift"] in ("before", "after"):
        moved = "a holiday or a weekend" if is_off else "a holiday"
        return f"; what falls on {moved} moves to the business day {told['shift']}"
    if told["shift"] == "none":
        return ", holidays included"
    return ", but not on weekends" if is_off else ""


def _day(each: int | str) -> str:
    if isinstance(each, int):
        if each > 0:
            return _nth(str(each))
        return "last day" if each == -1 else f"{_nth(str(-each))} last day"
    first, *rest = each.split()
    return " ".join([_NUMBERS.get(first, first), *(_WEEKDAYS.get(word, word) for word in rest)])


def _nth(number: str) -> str:
    ending = {"1": "st", "2": "nd", "3": "rd"}.get(number[-1], "th")
    return f"{number}{'th' if number in ('11', '12', '13') else ending}"


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
