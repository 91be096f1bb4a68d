"""What a field of a cron expression may say: everything that different crons read differently is refused at save."""

import re
from typing import NamedTuple

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


class BadRecurrence(ValueError):
    """A recurrence can't be saved; `field` names the column and `reason` says what it takes."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}")
        self.field = field
        self.reason = reason


class Field(NamedTuple):
    """A field of an expression: what it is called, its lowest and highest number, and its names in lower case."""

    label: str
    low: int
    high: int
    names: dict[str, int]


SECOND = Field("second", 0, 59, {})
FIELDS = (
    Field("minute", 0, 59, {}),
    Field("hour", 0, 23, {}),
    Field("day-of-month", 1, 31, {}),
    Field("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    Field("day-of-week", 0, 7, {name: number for number, name in enumerate(_DAYS)}),
)
HASH = re.compile(r"h(?:\((\d+)-(\d+)\))?(?:/(\d+))?", re.ASCII)
_ITEM = re.compile(r"(\*|[a-z]+|\d+)(?:-([a-z]+|\d+))?(?:/(\d+))?", re.ASCII)
_SPECIAL_DAY = re.compile(r"l|\d{1,2}w|w\d{1,2}", re.ASCII)
_SPECIAL_WEEKDAY = re.compile(r"(?:[0-7]|[a-z]{3})(?:-(?:[0-7]|[a-z]{3}))?#[1-5]|l[0-7]", re.ASCII)


def check_field(spec: Field, text: str) -> None:
    """Passes a field whose every reading is plain. Raises BadRecurrence with the field's label otherwise."""
    hashed = HASH.fullmatch(text)
    if hashed:
        low, high, step = hashed.groups()
        if low is not None:
            _check_range(spec, text, _number(spec, low, text), _number(spec, high, text))
        _check_step(spec, text, step)
        return
    if re.fullmatch(r"r(\(\d+-\d+\))?(/\d+)?", text, re.ASCII):
        raise _refuse(spec, text, "R is random anew at every reading; H spreads by the schedule's id and stays")
    items = text.split(",")
    for item in items:
        _check_item(spec, item, is_alone=len(items) == 1)


def _check_item(spec: Field, item: str, *, is_alone: bool) -> None:
    if _is_special(spec, item, is_alone=is_alone):
        return
    match = _ITEM.fullmatch(item)
    if match is None:
        raise _refuse(spec, item, _takes(spec))
    low, high, step = match.groups()
    if low == "*":
        if high is not None:
            raise _refuse(spec, item, _takes(spec))
    else:
        first = _number(spec, low, item)
        if high is not None:
            _check_range(spec, item, first, _number(spec, high, item, is_end=True))
        elif step is not None and spec.label == "day-of-week" and first == spec.high:
            raise _refuse(spec, item, "a step starts from Sunday as 0")
    _check_step(spec, item, step)


def _is_special(spec: Field, item: str, *, is_alone: bool) -> bool:
    """Whether the item is one that only a day field has: ?, L, 15W, 5#2, L5. Raises BadRecurrence on a wrong one."""
    if item == "?":
        return is_alone and spec.label.startswith("day")
    if spec.label == "day-of-month" and _SPECIAL_DAY.fullmatch(item):
        if "w" in item and not is_alone:
            raise _refuse(spec, item, "W stands alone, not in a list")
        return True
    if spec.label == "day-of-week" and _SPECIAL_WEEKDAY.fullmatch(item):
        if "-" in item:
            start, end = item.partition("#")[0].split("-")
            _check_range(spec, item, _number(spec, start, item), _number(spec, end, item, is_end=True))
        return True
    return False


def _number(spec: Field, text: str, item: str, *, is_end: bool = False) -> int:
    if text in spec.names:
        # A week that ends on Sunday (fri-sun) ends on day 7, or the range would wrap.
        return 7 if is_end and text == "sun" else spec.names[text]
    if not text.isdigit() or not spec.low <= int(text) <= spec.high:
        raise _refuse(spec, item, _takes(spec))
    return int(text)


def _check_range(spec: Field, item: str, low: int, high: int) -> None:
    if low > high:
        raise _refuse(spec, item, "a range runs from low to high; write two ranges with a comma")
    if low == high:
        # croniter reads 5-5 as the whole field, other crons as 5.
        raise _refuse(spec, item, "a range needs two different ends; write the single value")


def _check_step(spec: Field, item: str, step: str | None) -> None:
    highest = 6 if spec.label == "day-of-week" else spec.high
    if step is not None and not 1 <= int(step) <= highest - spec.low:
        raise _refuse(spec, item, f"a step is from 1 to {highest - spec.low}")


def _takes(spec: Field) -> str:
    extras = {"day-of-month": ", L or 15W", "day-of-week": ", names, 5#2 or L5", "month": " or names"}
    return f"takes {spec.low}-{spec.high}{extras.get(spec.label, '')}, with lists, ranges, steps and H"


def _refuse(spec: Field, item: str, reason: str) -> BadRecurrence:
    return BadRecurrence("cron", f"field {spec.label} {item!r}: {reason}")
