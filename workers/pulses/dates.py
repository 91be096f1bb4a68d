"""The day, month, quarter or year that a number is told of, where the words beside it say so; pure."""

import re
from datetime import date
from typing import NamedTuple

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
_DAY = r"(?P<day>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?(?![\w%]|[.,:]?\d)"
_YEAR = r"(?P<year>(?:19|20)\d\d)(?![\w%]|[.,]\d)"
_DATES = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        r"(?P<year>(?:19|20)\d\d)-(?P<number>0[1-9]|1[0-2])(?:-(?P<day>0[1-9]|[12]\d|3[01]))?\b",
        rf"{_DAY}\s+(?:of\s+)?{_MONTH}(?:,?\s+{_YEAR})?",
        rf"{_MONTH}\s+{_DAY}(?:,?\s+{_YEAR})?",
        rf"{_MONTH}(?:\s+{_YEAR})?",
        rf"Q(?P<quarter>[1-4])\b(?:\s+{_YEAR})?",
        _YEAR,
    )
)
_BEHIND = re.compile(r"[\s*_]*(?:[a-z]+\s+)?(?:on|in|for|of|during)\s+(?:the\s+)?", re.IGNORECASE)
_AHEAD = re.compile(r"[\s*_>-]*(?:on|in|for|during)\s+(?:the\s+)?", re.IGNORECASE)
_FROM = re.compile(r"\b(?:from|than|against|versus|vs\.?|over|beside)\s+[^\w\s]*$", re.IGNORECASE)
_MIDDLE = re.compile(r"\b(?:on|in|for|during)\s+(?:the\s+)?", re.IGNORECASE)
_STATED = re.compile(
    r"\s+(?:was|were|is|are|stood at|stands at|came to|reached|hit|totall?ed)\s+[^\w\s]*$", re.IGNORECASE
)
# What is told of two times at once is told of neither alone.
_ON = re.compile(r"\s*(?:to|and|or|until|through|[-\u2013])\s+\S", re.IGNORECASE)


class Moment(NamedTuple):
    """A time as far as it is told."""

    year: int | None = None
    quarter: int | None = None
    month: int | None = None
    day: int | None = None

    def holds(self, told: date) -> bool:
        """Whether a day lies in it."""
        own = (told.year, (told.month + 2) // 3, told.month, told.day)
        return all(wanted is None or wanted == part for wanted, part in zip(self, own, strict=True))


def moment_of(before: str, after: str) -> Moment | None:
    """Return the time that a number is told of: right behind it, or where its clause begins; None where none is told."""
    behind = _BEHIND.match(after)
    if behind is not None and (found := _at(after, behind.end())) is not None:
        return found
    ahead = _AHEAD.match(before)
    if ahead is not None and not _FROM.search(before) and (found := _at(before, ahead.end())) is not None:
        return found
    middles = (_at(before, match.end(), _STATED) for match in _MIDDLE.finditer(before))
    return next(filter(None, middles), None)


def _at(text: str, place: int, then: re.Pattern[str] | None = None) -> Moment | None:
    """The time that stands there; None where it is one of two, or `then` does not follow."""
    for form in _DATES:
        match = form.match(text, place)
        if match is not None:
            is_meant = not _ON.match(text, match.end()) and (then is None or then.match(text, match.end()))
            return _moment(match.groupdict()) if is_meant else None
    return None


def _moment(parts: dict[str, str | None]) -> Moment:
    month = parts.get("month")
    named = _MONTHS.index(month[:3].lower()) + 1 if month else None
    year, quarter, number, day = (
        int(value) if value else None for value in map(parts.get, ("year", "quarter", "number", "day"))
    )
    return Moment(year, quarter, number or named, day)
