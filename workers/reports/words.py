"""What an exported report is called and its mail says at the top: lines of a tenant's own, rendered as templates are."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from workers.formats.report import spoken
from workers.reports.definition import BadParameter, Definition, Parameter, value_of
from workers.reports.spans import Span
from workers.sources.table import Value
from workers.templating.apart import BadSample, Ended, render

SAMPLES: Mapping[str, Any] = {
    "string": "text",
    "integer": 1,
    "number": "1.5",
    "boolean": True,
    "date": "yesterday",
    "period": "last_full_week",
}


class Words(NamedTuple):
    """A report's own lines; `problem` says what could not be worded, and is then in our words."""

    title: str
    subtitle: str
    notes: tuple[str, ...]
    problem: str = ""


class BadWords(ValueError):
    """A line can't be made of its template: `line` says which, the text why."""

    def __init__(self, line: str, detail: str) -> None:
        super().__init__(detail)
        self.line = line


def context_of(
    name: str, report_type: str, slot: datetime, values: Mapping[str, Value | Span], record_count: int
) -> dict[str, Any]:
    """Return what such a line may speak of: the report, its slot (in its zone), its parameters and how many rows it has."""
    return {
        "report": name,
        "report_type": report_type,
        "slot": spoken(slot),
        "slot_at": slot,
        "timezone": str(slot.tzinfo),
        "record_count": record_count,
        "parameters": {each: _plain(value, slot) for each, value in values.items()},
    }


def made(source: str, context: Mapping[str, Any], part: str = "subject") -> str:
    """Return what a template makes, a `subject` on one line; nothing of an empty one. Raises BadSample and Ended."""
    return render({part: source}, [context])[0][part] if source.strip() else ""


def words_of(says: Definition, context: Mapping[str, Any]) -> Words:
    """Return a report's title, subtitle and notes; what fails is left out, and told."""
    found: dict[str, str] = {}
    problem = ""
    for line, part in (("title", "subject"), ("subtitle", "subject"), ("notes", "text")):
        try:
            found[line] = made(getattr(says, line), context, part)
        except (BadSample, Ended) as error:
            found[line], problem = "", f"{line}: {error}"
    notes = tuple(filter(None, (each.strip() for each in found["notes"].splitlines())))
    return Words(found["title"] or context["report"], found["subtitle"], notes, problem)


def check(
    lines: Mapping[str, tuple[str, str]], parameters: Sequence[Parameter], slot: datetime, zone: ZoneInfo
) -> None:
    """Passes lines, each a template and its part, that make something of samples. Raises BadWords."""
    context = context_of("A report", "report", slot.astimezone(zone), samples_of(parameters, slot, zone), 1)
    for line, (source, part) in lines.items():
        try:
            made(source, context, part)
        except BadSample as error:
            raise BadWords(line, f"line {error.line}: {error.message}" if error.line else error.message) from None
        except Ended as error:
            raise BadWords(line, str(error)) from None


def samples_of(parameters: Sequence[Parameter], slot: datetime, zone: ZoneInfo) -> dict[str, Value | Span]:
    """Return a value for each parameter: its default, or else one of its type."""
    found: dict[str, Value | Span] = {}
    for each in parameters:
        sample = each.choices[0] if each.type == "choice" and each.choices else SAMPLES.get(each.type, "")
        try:
            found[each.name] = value_of(each, None if each.default is not None else sample, slot, zone)
        except BadParameter:
            found[each.name] = str(sample)
    return found


def _plain(value: Value | Span, slot: datetime) -> Any:
    if isinstance(value, Span):
        start, end = (each.astimezone(slot.tzinfo) for each in value)
        last = (value.end - timedelta(milliseconds=1)).astimezone(slot.tzinfo)
        return {"start": start, "end": end, "first_day": _day(start), "last_day": _day(last)}
    return value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value


def _day(local: datetime) -> str:
    return local.date().isoformat()
