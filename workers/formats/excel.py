"""A report as an Excel workbook: real numbers and dates, one sheet a section, an overview with charts in front.

Nothing out of the data is ever a formula or a link: texts are written as texts. Rows are streamed to disk, so that a
million of them take no more memory than a hundred.
"""

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from workers.formats import colors, overview
from workers.formats.numbers import CURRENCIES
from workers.formats.report import Artifact, Column, Report, Row, Section, heading_of, plain, unit_of

# A sheet's own limit, its heading among them.
SHEET_ROWS = 1_048_576
LONGEST_CELL = 32_767
# Excel keeps fifteen digits of a number: one with more is written as text, so that none is lost.
DIGITS = 15
FIRST_DAY = date(1900, 3, 1)
LOOKED_AT = 200
WIDEST = 60
CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def render(report: Report, folder: Path, sheet_rows: int = SHEET_ROWS) -> Artifact:
    """Return the workbook; a section of more rows than a sheet holds goes on in further sheets."""
    name = report.filename("xlsx")
    options = {
        "constant_memory": True,
        "tmpdir": str(folder),
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_date_format": "yyyy-mm-dd",
    }
    with xlsxwriter.Workbook(str(folder / name), options) as book:
        book.set_properties(
            {
                "title": plain(report.title)[:255],
                "author": plain(report.brand.name)[:255],
                "created": report.slot.astimezone(UTC).replace(tzinfo=None),
            }
        )
        front = book.add_worksheet("Overview")
        names = {"overview"}
        parts: list[overview.Part] = []
        rows = 0
        for section in report.sections:
            found = list(_sheets(book, section, report, sheet_rows, names))
            rows += sum(part.rows for part in found)
            parts += found[:1]
        overview.fill(book, front, report, parts)
    return Artifact(name, CONTENT_TYPE, folder / name, rows)


def _sheets(
    book: xlsxwriter.Workbook, section: Section, report: Report, sheet_rows: int, names: set[str]
) -> Iterator[overview.Part]:
    """Write a section, and give what was written a sheet; a section without rows has a sheet too."""
    look = {
        "bold": True,
        "bg_color": report.brand.band_color,
        "font_color": report.brand.text_color,
        "valign": "vcenter",
        "text_wrap": True,
    }
    head, over_numbers = book.add_format(look), book.add_format(look | {"align": "right"})
    formats = [
        book.add_format(
            {"num_format": number_format(column)} | ({"align": "left"} if column.type in ("date", "instant") else {})
        )
        for column in section.columns
    ]
    x = section.place(section.chart.x) if section.chart else None
    rows, is_first = iter(section.rows), True
    ahead = next(rows, None)
    while is_first or ahead is not None:
        sheet = book.add_worksheet(sheet_name(section.name, names))
        sheet.set_row(0, 30, head)
        sheet.freeze_panes(1, 0)
        overview.page_rows(sheet)
        sheet.set_tab_color(colors.readable(report.brand.band_color, colors.WHITE, colors.FOR_GRAPHICS))
        for place, column in enumerate(section.columns):
            sheet.write_string(0, place, plain(heading_of(column)), over_numbers if column.type == "number" else head)
        widths = [min(WIDEST, max(8, len(heading_of(column)) + 4)) for column in section.columns]
        written = 0
        first = last = None if ahead is None or x is None else ahead[x]
        while ahead is not None and written < sheet_rows - 1:
            written += 1
            _write(sheet, written, ahead, section.columns, formats, report)
            last = last if x is None else ahead[x]
            if written <= LOOKED_AT:
                widths = [
                    max(width, min(WIDEST, _wide(value, column) + 2))
                    for width, value, column in zip(widths, ahead, section.columns, strict=True)
                ]
            ahead = next(rows, None)
        for place, width in enumerate(widths):
            sheet.set_column(place, place, width)
        if section.columns:
            sheet.autofilter(0, 0, max(1, written), len(section.columns) - 1)
        days = (last - first).days if isinstance(first, date) and isinstance(last, type(first)) else 0
        yield overview.Part(section, sheet.get_name(), written, days)
        is_first = False


def _write(
    sheet: Worksheet, at: int, row: Row, columns: tuple[Column, ...], formats: list[Format], report: Report
) -> None:
    for place, (value, column, form) in enumerate(zip(row, columns, formats, strict=True)):
        if value is None:
            continue
        if column.type == "text":
            sheet.write_string(at, place, _text(value))
        elif isinstance(value, bool):
            sheet.write_boolean(at, place, value)
        elif isinstance(value, (int, float, Decimal)):
            if _is_exact(value):
                sheet.write_number(at, place, float(value), form)
            else:
                sheet.write_string(at, place, _text(value))
        elif isinstance(value, date) and (isinstance(value, datetime) or value >= FIRST_DAY):
            local = report.local(value).replace(tzinfo=None) if isinstance(value, datetime) else value
            if isinstance(local, datetime) and local.date() < FIRST_DAY:
                sheet.write_string(at, place, local.isoformat(" "))
            else:
                sheet.write_datetime(at, place, local, form)
        else:
            sheet.write_string(at, place, _text(value))


def _is_exact(value: float | Decimal) -> bool:
    """Whether Excel keeps the number as it is: no more than fifteen digits, of a fraction before its point.

    What a fraction loses behind its fifteenth digit no figure shows; a whole number of sixteen would be another one.
    """
    if not isinstance(value, Decimal):
        return abs(value) < 10**DIGITS if isinstance(value, int) else math.isfinite(value)
    if not value.is_finite() or abs(value.adjusted()) > 200:
        return False
    if value != value.to_integral_value() and value.adjusted() < DIGITS - 1:
        return True
    return any(len(one.as_tuple().digits) <= DIGITS for one in (value, value.normalize()))


def _text(value: Any) -> str:
    """Return a value as a text that a file can hold: half a pair of UTF-16 becomes a question mark."""
    text = str(value)[:LONGEST_CELL]
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _wide(value: Any, column: Column) -> int:
    """Return about how many letters a value takes in its cell."""
    if column.type == "number" and isinstance(value, (int, float, Decimal)):
        decimals = 2 if column.decimals is None else column.decimals
        return len(f"{value:,.{decimals}f}") + len(unit_of(column)) if _is_exact(value) else len(str(value))
    if isinstance(value, datetime):
        return 17
    return 11 if isinstance(value, date) else len(str(value)) if value is not None else 0


def number_format(column: Column) -> str:
    """Return the column's format in Excel's own language; a unit stands in it quoted, so it is never read as a code."""
    if column.type in ("instant", "date"):
        return overview.time_format(column)
    if column.type != "number":
        return "General"
    places = "." + "0" * column.decimals if column.decimals else ""
    if column.format == "percent":
        return f"0{places}%"
    if column.decimals is None:
        return "General"
    digits, unit = f"#,##0{places}", plain(column.unit).replace('"', "")
    if not unit:
        return digits
    quoted = f'"{unit}"'
    return f"{quoted}{digits};-{quoted}{digits}" if unit in CURRENCIES else f'{digits}" {unit}"'


def sheet_name(wanted: str, taken: set[str]) -> str:
    """Return a name that Excel takes and that no sheet has yet, and add it to `taken`."""
    bare = "".join(" " if sign in "[]:*?/\\" else sign for sign in plain(wanted)).strip(" '")[:31].strip(" '")
    bare = bare if bare and bare.lower() != "history" else "Sheet"
    name, number = bare, 1
    while name.lower() in taken:
        number += 1
        name = f"{bare[: 31 - len(f' {number}')]} {number}"
    taken.add(name.lower())
    return name
