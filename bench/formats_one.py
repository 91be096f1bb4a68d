"""`python -m bench.formats_one WHO FORM ROWS CAP TIMES`: makes one report over and over; prints what it took as JSON.

A process of its own for each, so that its peak of memory is that report's.
"""

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from workers.formats.report import Chart, Column, Headline, Report, Section

COLUMNS = (
    Column("day", "date"),
    Column("place"),
    Column("orders", "number", decimals=0),
    Column("revenue", "number", unit="€", decimals=2),
    Column("share", "number", format="percent", decimals=1),
    Column("note"),
)
FIRST = date(1900, 3, 1)


class Rows:
    """The same rows each time they are asked for, never all of them at once."""

    def __init__(self, many: int) -> None:
        self.many = many

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for at in range(self.many):
            yield (
                FIRST + timedelta(days=at % 40_000),
                f"place {at % 50}",
                at,
                Decimal(at * 7919 % 1_000_003) / 100,
                at % 1000 / 1000,
                "a note of some words",
            )


def report(rows: int) -> Report:
    section = Section(
        "Revenue by day", COLUMNS, Rows(rows), "One row a day.", Chart("line", "day", ("revenue",)),
        Headline(Decimal("1234.5"), COLUMNS[3], Decimal(1200), "on the day before", "up"),
    )  # fmt: skip
    return Report("Revenue", datetime(2026, 11, 2, 8, 0, tzinfo=ZoneInfo("Europe/Madrid")), (section,))


def ours(form: str, rows: int, cap: int, folder: Path) -> Path:
    from workers.formats import csv, excel, pdf

    if form == "pdf":
        return pdf.render(report(rows), folder, cap).path
    made = excel.render(report(rows), folder) if form == "excel" else csv.render(report(rows), folder)
    return made.path


def theirs(form: str, rows: int, cap: int, folder: Path) -> Path:
    return {"pdf": _reportlab, "excel": _openpyxl, "csv": _plain_csv}[form](rows, cap, folder)


def _openpyxl(rows: int, _cap: int, folder: Path) -> Path:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.chart import LineChart, Reference

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Revenue by day")
    sheet.freeze_panes = "A2"
    sheet.append([column.name for column in COLUMNS])
    formats = {0: "yyyy-mm-dd", 2: "#,##0", 3: '"€"#,##0.00', 4: "0.0%"}
    for row in Rows(rows):
        cells = list(row)
        for place, form in formats.items():
            cell = WriteOnlyCell(sheet, value=cells[place])
            cell.number_format = form
            cells[place] = cell
        sheet.append(cells)
    if rows <= 32_000:
        chart = LineChart()
        chart.add_data(Reference(sheet, min_col=4, min_row=1, max_row=rows + 1), titles_from_data=True)
        sheet.add_chart(chart, "H2")
    path = folder / "openpyxl.xlsx"
    book.save(path)
    return path


def _reportlab(rows: int, cap: int, folder: Path) -> Path:
    from reportlab.graphics.charts.lineplots import LinePlot
    from reportlab.graphics.shapes import Drawing
    from reportlab.lib import colors
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate, TableStyle

    shown: list[list[str]] = []
    points: list[tuple[float, float]] = []
    for at, (day, place, orders, revenue, share, note) in enumerate(Rows(rows)):
        if at < cap:
            shown.append([day.isoformat(), place, f"{orders:,}", f"{revenue:,.2f}", f"{share:.1%}", note])
        if at % max(1, rows // 900) == 0:
            points.append((float(at), float(revenue)))
    drawing, plot = Drawing(480, 160), LinePlot()
    plot.width, plot.height, plot.data = 460, 140, [points]
    drawing.add(plot)
    heads = [column.name for column in COLUMNS]
    table = LongTable([heads, *shown], repeatRows=1)
    table.setStyle(
        TableStyle(
            [
                ("ALIGN", (2, 0), (4, -1), "RIGHT"),
                ("FONTSIZE", (0, 0), (-1, -1), 8),
                ("ROWBACKGROUNDS", (0, 1), (-1, -1), [colors.white, colors.whitesmoke]),
            ]
        )
    )
    path = folder / "reportlab.pdf"
    styles = getSampleStyleSheet()
    SimpleDocTemplate(str(path), pagesize=A4).build(
        [Paragraph("Revenue", styles["Title"]), Paragraph("€1,234.50", styles["Heading1"]), drawing, table]
    )
    return path


def _plain_csv(rows: int, _cap: int, folder: Path) -> Path:
    import csv

    path = folder / "plain.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([column.name for column in COLUMNS])
        writer.writerows(Rows(rows))
    return path


MAKERS: dict[str, Callable[[str, int, int, Path], Path]] = {"ours": ours, "theirs": theirs}


def main(who: str, form: str, rows: str, cap: str, times: str) -> None:
    make = MAKERS[who]
    with tempfile.TemporaryDirectory() as folder:
        if int(times) > 1:
            # The first of a process loads fonts and modules.
            make(form, int(rows), int(cap), Path(folder))
        began = time.monotonic()
        for _ in range(int(times) - 1):
            make(form, int(rows), int(cap), Path(folder))
        made = make(form, int(rows), int(cap), Path(folder))
        seconds = (time.monotonic() - began) / int(times)
        size = made.stat().st_size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peakMb": round(peak, 1), "bytes": size}))


if __name__ == "__main__":
    main(*sys.argv[1:])
