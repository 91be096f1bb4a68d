"""A report as one JSON document, streamed: numbers in full, whatever their digits."""

import json
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from workers.formats.report import Artifact, Headline, Report, Section


def render(report: Report, folder: Path) -> Artifact:
    """Return the JSON document: what the report says of itself, and its sections with a row a line."""
    name, rows = report.filename("json"), 0
    with (folder / name).open("w", encoding="utf-8", errors="replace", newline="") as file:
        file.write(_head(report))
        for number, section in enumerate(report.sections):
            file.write(",\n" if number else "\n")
            file.write(_opening(section, report))
            for row in _rows(section, report):
                file.write(row)
                rows += 1
            file.write("\n]}")
        file.write("\n]}\n")
    return Artifact(name, "application/json", folder / name, rows)


def _head(report: Report) -> str:
    told = {
        "title": report.title,
        "subtitle": report.subtitle,
        "slot": report.slot.isoformat(),
        "timezone": report.zone,
        "dataAsOf": report.local(report.data_as_of).isoformat() if report.data_as_of else None,
        "notes": list(report.notes),
        "link": report.link,
    }
    return json.dumps(told, ensure_ascii=False)[:-1] + ', "sections": ['


def _opening(section: Section, report: Report) -> str:
    told = {"name": section.name, "description": section.description, "headline": _headline(section.headline)}
    columns = [
        {"name": one.name, "type": one.type, "label": one.heading, "unit": one.unit, "format": one.format}
        for one in section.columns
    ]
    return f'{{{_inner(told, report)}, "columns": {json.dumps(columns, ensure_ascii=False)}, "rows": ['


def _rows(section: Section, report: Report) -> Iterator[str]:
    names = [json.dumps(column.name, ensure_ascii=False) for column in section.columns]
    comma = "\n"
    for row in section.rows:
        fields = (f"{name}: {cell(value, report)}" for name, value in zip(names, row, strict=True))
        yield f"{comma}{{{', '.join(fields)}}}"
        comma = ",\n"


def _inner(told: dict[str, Any], report: Report) -> str:
    return ", ".join(f"{json.dumps(name)}: {cell(value, report)}" for name, value in told.items())


def _headline(headline: Headline | None) -> dict[str, Any] | None:
    if headline is None:
        return None
    return {"value": headline.value, "before": headline.before, "beforeLabel": headline.before_label}


def cell(value: Any, report: Report) -> str:
    """Return a value as JSON: a decimal with all its digits, what is no finite number as null, times in RFC 3339."""
    match value:
        case bool() | None | int() | str():
            return json.dumps(value, ensure_ascii=False)
        case Decimal():
            return str(value) if value.is_finite() else "null"
        case float():
            return repr(value) if value - value == 0 else "null"
        case datetime():
            return json.dumps(report.local(value).isoformat())
        case date():
            return json.dumps(value.isoformat())
        case dict():
            return f"{{{_inner(value, report)}}}"
    return json.dumps(str(value), ensure_ascii=False)
