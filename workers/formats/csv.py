"""A report's rows as CSV: RFC 4180, streamed, safe to open in a spreadsheet, with numbers that stay numbers."""

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from workers.formats.report import Artifact, Report, Section
from workers.formats.zipped import entry

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
# A spreadsheet takes a text that begins so for a formula. Source: OWASP, CSV injection; the last four are full-width.
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001


def render(report: Report, folder: Path, *, has_bom: bool = False) -> Artifact:
    """Return the CSV of the only section; of several sections a zip with one CSV each."""
    if len(report.sections) == 1:
        name = report.filename("csv")
        with (folder / name).open("w", encoding="utf-8", errors="replace", newline="") as file:
            rows = _write(file, report.sections[0], report, has_bom=has_bom)
        return Artifact(name, "text/csv; charset=utf-8", folder / name, rows)
    name, rows = report.filename("csv.zip"), 0
    with zipfile.ZipFile(folder / name, "w") as files:
        for number, section in enumerate(report.sections, 1):
            one = Report(section.name, report.slot, (section,)).filename("csv")
            with (
                files.open(entry(f"{number:02}-{one}"), "w", force_zip64=True) as raw,
                io.TextIOWrapper(raw, encoding="utf-8", errors="replace", newline="") as file,
            ):
                rows += _write(file, section, report, has_bom=has_bom)
    return Artifact(name, "application/zip", folder / name, rows)


def _write(file: io.TextIOBase, section: Section, report: Report, *, has_bom: bool) -> int:
    if has_bom:
        file.write(BOM)
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow([guarded(column.heading) for column in section.columns])
    rows = 0
    is_text = [column.type == "text" for column in section.columns]
    for row in section.rows:
        writer.writerow(_cells(row, is_text, report))
        rows += 1
    return rows


def _cells(row: Any, is_text: list[bool], report: Report) -> Iterator[str]:
    for value, text in zip(row, is_text, strict=True):
        yield guarded(str(value)) if text and value is not None else cell(value, report)


def cell(value: Any, report: Report) -> str:
    """Return a value as a machine reads it: numbers without separators, times in RFC 3339 in the report's zone."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{value:f}" if -40 < value.adjusted() < 40 else str(value)
        case int() | float():
            return repr(value)
        case datetime():
            return report.local(value).isoformat()
        case date():
            return value.isoformat()
    return guarded(str(value))


def guarded(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: one that begins like one has a `'` in front."""
    return f"'{text}" if text.startswith(FORMULA_SIGNS) else text
