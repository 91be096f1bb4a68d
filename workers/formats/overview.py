"""The first sheet of a workbook: what the report is, its headline figures, and a native chart of each section."""

from typing import Any, NamedTuple

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from workers.formats import colors
from workers.formats.page import signed
from workers.formats.report import Column, Report, Section, change, figure, heading_of, plain, spoken

# Excel draws no more points of one series in a chart.
MOST_POINTS = 32_000
CHART_ROWS = 16


class Part(NamedTuple):
    """A section's first sheet, how many rows of data it has, and how many days lie between its first and last time."""

    section: Section
    sheet: str
    rows: int
    days: int = 0


def fill(book: xlsxwriter.Workbook, sheet: Worksheet, report: Report, parts: list[Part]) -> None:
    """Writes the overview; every text in it is a text, whatever it begins with."""
    title = book.add_format({"bold": True, "font_size": 18, "font_color": colors.NIGHT})
    quiet = book.add_format({"font_color": "#667085"})
    beside = book.add_format({"font_color": "#667085", "indent": 1})
    head = book.add_format({"bold": True, "bottom": 1, "bottom_color": "#98a2b3", "font_color": "#344054"})
    right = book.add_format(
        {"bold": True, "bottom": 1, "bottom_color": "#98a2b3", "font_color": "#344054", "align": "right"}
    )
    last = book.add_format({"bold": True, "bottom": 1, "bottom_color": "#98a2b3", "font_color": "#344054", "indent": 1})
    number = book.add_format({"bold": True, "align": "right"})
    tones = {
        tone: book.add_format({"font_color": color, "align": "right"})
        for tone, color in (("good", "#067647"), ("bad", "#b42318"), ("even", "#475467"))
    }
    band = book.add_format({"bg_color": report.brand.band_color, "font_color": report.brand.text_color, "bold": True})
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 44)
    sheet.set_column(1, 3, 20)
    sheet.set_column(4, 4, 28)
    _paged(sheet)

    sheet.set_row(0, 22, band)
    sheet.write_string(0, 0, plain(report.brand.name), band)
    sheet.set_row(1, 30)
    sheet.write_string(1, 0, plain(report.title), title)
    lines = [report.subtitle, f"Slot: {spoken(report.slot)} ({report.zone})"]
    if report.data_as_of:
        lines.append(f"Data as of {spoken(report.local(report.data_as_of))}")
    lines += [*report.notes, report.link]
    at = 2
    for line in filter(None, lines):
        sheet.write_string(at, 0, plain(line), quiet)
        at += 1
    at += 1
    for place, heading in enumerate(("Section", "Figure", "Change", "Rows", "Compared with")):
        sheet.write_string(at, place, heading, right if place in (1, 2, 3) else last if place == 4 else head)
    for part in parts:
        at += 1
        headline = part.section.headline
        sheet.write_string(at, 0, plain(part.section.name))
        if headline is not None and headline.value is not None:
            moved, tone = change(headline)
            sheet.write_string(at, 1, signed(plain(figure(headline.value, headline.column))), number)
            sheet.write_string(at, 2, moved, tones[tone])
            sheet.write_string(at, 4, plain(headline.before_label) if moved else "", beside)
        sheet.write_number(at, 3, part.rows)
    _draw(book, sheet, report, parts, at + 2)


def _paged(sheet: Worksheet) -> None:
    """Makes a sheet as wide as one page, whoever prints it."""
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(0.5, 0.5, 0.6, 0.6)
    sheet.set_footer("&L&8&A&R&8&P / &N")


def page_rows(sheet: Worksheet) -> None:
    """The same of a sheet of rows, whose headings stand on each page."""
    _paged(sheet)
    sheet.repeat_rows(0)


def _times(column: Column, days: int) -> dict[str, Any]:
    """How the axis of a time is written: as its cells are, some eight times, of months where it is long."""
    found: dict[str, Any] = {"date_axis": True, "num_format": time_format(column)}
    if days > 200:
        return found | {"major_unit": max(1, round(days / 30.5 / 8)), "major_unit_type": "months"}
    return found | ({"major_unit": -(-days // 8), "major_unit_type": "days"} if days > 8 else {})


def time_format(column: Column) -> str:
    """Return the format of a time in Excel's own language."""
    if column.type == "instant":
        return "yyyy-mm-dd hh:mm"
    return {"month": "mmm yyyy", "year": "yyyy"}.get(column.format, "yyyy-mm-dd")


def _draw(book: xlsxwriter.Workbook, sheet: Worksheet, report: Report, parts: list[Part], at: int) -> None:
    for part in parts:
        chart = chart_of(book, part, report)
        if chart is not None:
            sheet.insert_chart(at, 0, chart, {"object_position": 3, "description": plain(part.section.name)})
            at += CHART_ROWS


def chart_of(book: xlsxwriter.Workbook, part: Part, report: Report) -> Any:
    """Return a section's native chart, which reads its sheet's cells; None without a chart, rows or with too many."""
    section, rows = part.section, min(part.rows, MOST_POINTS)
    if section.chart is None or not section.chart.y or not rows or part.rows > MOST_POINTS:
        return None
    x = section.place(section.chart.x)
    is_text = section.columns[x].type == "text"
    kind = "line" if section.chart.kind == "line" else "bar" if is_text else "column"
    chart = book.add_chart({"type": kind})
    for name, color in zip(section.chart.y, colors.series_colors(report.brand.band_color, colors.WHITE), strict=False):
        y = section.place(name)
        look = {"line": {"color": color, "width": 2}} if kind == "line" else {"fill": {"color": color}}
        chart.add_series(
            {
                "name": [part.sheet, 0, y],
                "categories": [part.sheet, 1, x, rows, x],
                "values": [part.sheet, 1, y, rows, y],
                "gap": 40,
                **look,
            }
        )
    chart.set_title({"name": plain(section.name), "overlay": False, "name_font": {"size": 12, "color": colors.NIGHT}})
    if len(section.chart.y) == 1:
        chart.set_legend({"none": True})
    else:
        chart.set_legend({"position": "bottom"})
    times = _times(section.columns[x], part.days) if section.columns[x].type in ("date", "instant") else {}
    value = section.columns[section.place(section.chart.y[0])]
    is_lying = kind == "bar"
    along = {"num_font": {"color": "#667085"}, "label_position": "low", **times}
    along |= {"reverse": True, "interval_unit": 1, "major_gridlines": {"visible": False}} if is_lying else {}
    across = {
        "num_font": {"color": "#667085"},
        "num_format": f"0{'.0' if value.decimals else ''}%" if value.format == "percent" else "#,##0.######",
        "line": {"none": True},
        "major_gridlines": {"visible": True, "line": {"color": "#e4e7ec", "width": 0.75}},
        "name": plain(heading_of(value)),
        "name_font": {"bold": False, "size": 9, "color": "#667085"},
        # Where names are read downwards the figures' axis would lie above them.
        **({"label_position": "high"} if is_lying else {}),
    }
    chart.set_x_axis(across if is_lying else along)
    chart.set_y_axis(along if is_lying else across)
    chart.set_size({"width": 900, "height": 300})
    chart.set_chartarea({"border": {"none": True}})
    return chart
