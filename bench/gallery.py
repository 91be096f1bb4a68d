"""`python -m bench.gallery FOLDER`: the example reports of the documentation, out of public figures.

Source: two files of the package vega_datasets, us-employment.csv (see local/dataset.py) and seattle-weather.csv, daily
observations at Seattle-Tacoma airport by the U.S. National Oceanic and Atmospheric Administration.
"""

import argparse
import csv
import importlib.util
import shutil
import subprocess
import tempfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from local.dataset import read
from workers.branding import Branding
from workers.formats import excel, html, pdf, png
from workers.formats.page import read as read_page
from workers.formats.report import Chart, Column, Headline, Report, Section
from workers.formats.typesetter import typeset
from workers.kinds.report_export import FORMS

PIXELS_PER_INCH = 110.0
MONTH = Column("month", "date", "Month", format="month")
SLOT = datetime(2015, 12, 7, 8, 0, tzinfo=ZoneInfo("America/New_York"))
BRAND = Branding(
    "Bureau of Examples", "#1d4ed8", "Sent each first Monday of the month.\nFigures: U.S. Bureau of Labor Statistics."
)


def employment() -> Report:
    """Employment in the United States: a dashboard of four graphs."""
    figures = read()
    months = [month for month, _ in figures.rows]
    by_sector = {name: [row[at] for _, row in figures.rows] for at, name in enumerate(figures.sectors)}

    def jobs(name: str, label: str, description: str, *, shown: int = 13) -> Section:
        column = Column(name, "number", label, "thousand", decimals=0)
        year_ago = Column("year_ago", "number", "A year before", "thousand", decimals=0)
        grown = Column("grown", "number", "Change", format="percent", decimals=1)
        values = by_sector[name]
        rows = [
            (month, value, values[at - 12] if at >= 12 else None, value / values[at - 12] - 1 if at >= 12 else None)
            for at, (month, value) in enumerate(zip(months, values, strict=True))
        ]
        return Section(
            label,
            (MONTH, column, year_ago, grown),
            rows if shown == 0 else rows[-shown:],
            description,
            Chart("line", "month", (name,)),
            Headline(values[-1], Column(name, "number", unit="k", decimals=0), values[-2], "on the month before", "up"),
        )

    monthly = Column("change", "number", "Change on the month", "thousand", decimals=0)
    changes = list(zip(months, by_sector["nonfarm_change"], strict=True))[-36:]
    sectors = [
        (name.replace("_", " ").capitalize(), by_sector[name][-1] / by_sector[name][0] - 1)
        for name in figures.sectors
        if name not in ("nonfarm", "private", "nonfarm_change", "durable_goods", "nondurable_goods", "goods_producing")
        and not name.endswith("service_providing")
    ]
    sectors.sort(key=lambda pair: -pair[1])
    return Report(
        "Employment in the United States",
        SLOT,
        (
            jobs("nonfarm", "Jobs outside farming", "All employees, seasonally adjusted.", shown=0),
            Section(
                "Jobs won and lost",
                (MONTH, monthly),
                changes,
                "The month's change in jobs outside farming, of the last three years.",
                Chart("bars", "month", ("change",)),
                Headline(
                    changes[-1][1], Column("change", "number", unit="k"), changes[-2][1], "on the month before", "up"
                ),
            ),
            jobs("construction", "Construction", "The last thirteen months."),
            Section(
                "Jobs in manufacturing",
                (Column("sector", label="Sector"), Column("growth", "number", "Growth", format="percent", decimals=1)),
                sectors,
                "Growth by sector since January 2006.",
                Chart("bars", "sector", ("growth",)),
                Headline(
                    by_sector["manufacturing"][-1],
                    Column("x", "number", unit="k", decimals=0),
                    by_sector["manufacturing"][0],
                    "since 2006",
                    "up",
                ),
            ),
        ),
        subtitle="Monthly dashboard for the board",
        data_as_of=datetime(2015, 12, 4, 8, 30, tzinfo=SLOT.tzinfo),
        notes=("Filtered by: all sectors. Read with the rights of the board.",),
        brand=BRAND,
        link="https://tocsin.example/r/employment",
    )


def weather() -> Report:
    """Four years of weather in Seattle by day: a long table, several lines, a gap."""
    columns = (
        Column("date", "date", "Day"),
        Column("temp_max", "number", "Highest", "°C", decimals=1),
        Column("temp_min", "number", "Lowest", "°C", decimals=1),
        Column("precipitation", "number", "Rain", "mm", decimals=1),
        Column("wind", "number", "Wind", "m/s", decimals=1),
        Column("weather", label="Weather"),
    )
    with (_folder() / "seattle-weather.csv").open(newline="") as lines:
        rows = [
            (
                date.fromisoformat(row["date"].replace("/", "-")),
                (
                    *(Decimal(row[name]) for name in ("temp_max", "temp_min", "precipitation", "wind")),
                    row["weather"],
                ),
            )
            for row in csv.DictReader(lines)
        ]
    year = [(day, *seen) for day, seen in rows if day.year == 2015 and not (day.month == 8 and day.day < 21)]
    return Report(
        "Weather in Seattle",
        datetime(2016, 1, 1, 6, 0, tzinfo=ZoneInfo("America/Los_Angeles")),
        (
            Section("Temperature in 2015", columns, year, "", Chart("line", "date", ("temp_max", "temp_min"))),
            Section(
                "Rain by day",
                columns,
                [(day, *seen) for day, seen in rows],
                "All 1,461 days.",
                Chart("line", "date", ("precipitation",)),
            ),
        ),
        brand=Branding("Harbour & Sons", "#facc15"),
    )


def exported() -> Report:
    """The report that the demo's definition of an export makes: one query, a table and a chart."""
    figures = read()
    place = figures.sectors.index("nonfarm")
    rows = [(month, values[place]) for month, values in figures.rows if month.year >= 2010]
    columns = (MONTH, Column("nonfarm", "number", "Jobs", "thousand", decimals=0))
    section = Section("Employment", columns, rows, chart=Chart("line", "month", ("nonfarm",)))
    return Report("Employment since 2010-01-01", SLOT, (section,), brand=BRAND)


def show_formats(folder: Path) -> None:
    """Writes what report.export makes of one report in each format: pictures of three, and the first lines of two."""
    with tempfile.TemporaryDirectory() as name:
        made = {form: each.render(exported(), Path(name)).path for form, each in FORMS.items()}
        _print(made["pdf"], folder / "export-pdf.png")
        photograph(made["html"], folder / "export-html.png", 900, 900)
        _run("soffice", "--headless", "--convert-to", "pdf", "--outdir", f"{name}/printed", str(made["excel"]))
        [printed] = Path(name, "printed").iterdir()
        _print(printed, folder / "export-excel.png", "-x", "0", "-y", "0", "-W", "661", "-H", "290")
        for form in ("csv", "json"):
            print(form, made[form].read_text()[:500], sep="\n")


def photograph(page: Path, target: Path, width: int, height: int) -> None:
    """Writes a picture of a page as Chromium shows it."""
    looks = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={width},{height}"]
    _run("chromium", *looks, f"--screenshot={target}", page.as_uri())


def _print(document: Path, target: Path, *cut: str) -> None:
    """Writes a picture of a PDF's first page, or of a part of it."""
    looks = ("-png", "-r", "80", "-f", "1", "-singlefile", *cut)
    _run("pdftoppm", *looks, str(document), str(target.with_suffix("")))


def _run(program: str, *arguments: str) -> None:
    if shutil.which(program) is None:
        raise SystemExit(f"{program} is not installed")
    subprocess.run([program, *arguments], check=True, capture_output=True, timeout=120)


def _folder() -> Path:
    found = importlib.util.find_spec("vega_datasets")
    assert found is not None and found.origin is not None, "the package vega_datasets is not installed"  # noqa: PT018
    return Path(found.origin).parent / "_data"


def main() -> None:
    """Writes the pictures of the examples into the folder named."""
    parser = argparse.ArgumentParser(prog="python -m bench.gallery", description="The example reports, as pictures.")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    report = employment()
    with tempfile.TemporaryDirectory() as made:
        for form in (pdf, png, excel, html):
            artifact = form.render(report, Path(made))
            print(artifact.filename, f"{artifact.path.stat().st_size:,} bytes")
        (folder / "report-chart.png").write_bytes(png.render(report, Path(made)).path.read_bytes())
    document = pdf.document(read_page(report, pdf.ROW_CAP), report)
    pages = typeset("report.typ", document, "png", report.slot, pixels_per_inch=PIXELS_PER_INCH)
    for number in (1, 5):
        (folder / f"report-page-{number}.png").write_bytes(pages[number - 1])
    show_formats(folder)


if __name__ == "__main__":
    main()
