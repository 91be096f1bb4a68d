"""Excel, CSV and JSON: what a machine or a spreadsheet reads."""

import csv as standard
import io
import json as standard_json
import subprocess
import sys
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.workers.formats.reports import DAY, REVENUE, days, report, sales, table
from workers.branding import Branding
from workers.formats import budget, csv, excel, json
from workers.formats.report import Artifact, Column

FORMULAS = ("=1+1", "@SUM(A1)", "+1", "-1+1", "\t=1", "\r=1", "=HYPERLINK(0)", "http://x.example", "{=1}", "－1")  # noqa: RUF001
COLUMNS = (
    Column("name"),
    Column("value", "number", decimals=2, unit="€"),
    Column("share", "number", format="percent", decimals=1),
    Column("at", "instant"),
    Column("day", "date", format="month"),
    Column("ok", "boolean"),
    Column("id", "number"),
)
AT = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
HERE, MONTH = datetime(2026, 11, 1, 0, 30, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)
ROW = ("=1+1", Decimal("-5.25"), 0.125, AT, date(2026, 10, 1), True, 12345678901234567890)


def _cells(made: Path, sheet: int = 1) -> list[list[Any]]:
    return [list(row) for row in openpyxl.load_workbook(made).worksheets[sheet].iter_rows()]


def test_a_sheet_has_real_types_and_formats(tmp_path: Path) -> None:
    made = excel.render(report(table(COLUMNS, [ROW, (None,) * 7])), tmp_path)
    book = openpyxl.load_workbook(made.path)
    sheet = book.worksheets[1]
    first = sheet[2]
    assert [cell.value for cell in first] == [
        "=1+1", -5.25, 0.125, HERE.replace(tzinfo=None), MONTH.replace(tzinfo=None), True, "12345678901234567890",
    ]  # fmt: skip
    assert [cell.data_type for cell in first] == ["s", "n", "n", "d", "d", "b", "s"]
    assert first[1].number_format == '"€"#,##0.00;-"€"#,##0.00'
    assert [cell.number_format for cell in first[2:5]] == ["0.0%", "yyyy-mm-dd hh:mm", "mmm yyyy"]
    assert sheet[1][1].value == "value (€)"
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:G3"
    assert made.rows == 2


def test_nothing_out_of_the_data_is_a_formula_or_a_link(tmp_path: Path) -> None:
    columns = tuple(Column(text, label=text) for text in FORMULAS)
    section = table(columns, [FORMULAS], "=1+1 [x]:*?/\\")
    made = excel.render(
        report(section, title="=1+1", subtitle="=1", notes=("@x",), link="=2", brand=Branding("=3")), tmp_path
    )
    with zipfile.ZipFile(made.path) as files:
        sheets = [files.read(name).decode() for name in files.namelist() if "worksheets/" in name]
    assert not any("<f>" in sheet or "<hyperlink" in sheet for sheet in sheets)
    assert [cell.value for cell in _cells(made.path)[1]][:2] == ["=1+1", "@SUM(A1)"]
    assert all(cell.data_type == "s" for cell in _cells(made.path)[1])


def test_what_no_cell_can_hold_is_left_out_and_the_file_opens(tmp_path: Path) -> None:
    controls = "".join(map(chr, range(32))) + "\ufffe"
    made = excel.render(report(table((Column("text"),), [(f"a{controls}b",), ("x" * 40_000,)])), tmp_path)
    [_, [first], [second]] = _cells(made.path)
    assert (str(first.value)[:1], str(first.value)[-1:]) == ("a", "b")
    assert 1000 < len(str(second.value)) <= 32_767


def test_a_workbook_begins_with_what_it_is_and_a_native_chart(tmp_path: Path) -> None:
    made = excel.render(report(data_as_of=AT, notes=("Only paid orders.",)), tmp_path)
    front = openpyxl.load_workbook(made.path).worksheets[0]
    said = {cell.value for row in front.iter_rows() for cell in row}
    assert {
        "Sales of October", "Slot: Mon 2 Nov 2026, 08:00 (Europe/Madrid)", "Data as of Sun 1 Nov 2026, 00:30",
        "Only paid orders.", "€1,234.50", "▲ 23.5%", 31,
    } <= said  # fmt: skip
    with zipfile.ZipFile(made.path) as files:
        drawn = files.read("xl/charts/chart1.xml").decode()
    assert "Revenue!$B$2:$B$32" in drawn
    assert "<c:lineChart>" in drawn


def test_rows_beyond_a_sheet_go_on_in_the_next(tmp_path: Path) -> None:
    section = table(
        (DAY, REVENUE), days(Decimal(at) for at in range(25)), "A name that is longer than a sheet's may be"
    )
    made = excel.render(report(section, section), tmp_path, sheet_rows=11)
    sheets = openpyxl.load_workbook(made.path).worksheets
    assert [sheet.max_row for sheet in sheets[1:]] == [11, 11, 6] * 2
    assert len({sheet.title.lower() for sheet in sheets}) == 7
    assert [sheet[2][1].value for sheet in sheets[1:4]] == [0, 10, 20]
    assert made.rows == 50


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("", "Sheet"),
        ("a/b:c", "a b c"),
        ("'x'", "x"),
        ("History", "Sheet"),
        ("y" * 40, "y" * 31),
        ("Overview", "Overview 2"),
    ],
)
def test_a_sheets_name_is_one_that_excel_takes(name: str, found: str) -> None:
    assert excel.sheet_name(name, {"overview"}) == found


@pytest.mark.parametrize(
    ("value", "column", "written"),
    [
        ("=1+1", COLUMNS[0], "'=1+1"),
        ("+1", COLUMNS[0], "'+1"),
        ("-5", COLUMNS[0], "'-5"),
        ("@SUM(1)", COLUMNS[0], "'@SUM(1)"),
        ("\t=1", COLUMNS[0], "'\t=1"),
        ("\r=1", COLUMNS[0], "'\r=1"),
        (" =1", COLUMNS[0], " =1"),
        ("a=1", COLUMNS[0], "a=1"),
        ('say "x", y\nz', COLUMNS[0], 'say "x", y\nz'),
        (-5, COLUMNS[1], "-5"),
        (Decimal("-5.10"), COLUMNS[1], "-5.10"),
        (Decimal("1E+3"), COLUMNS[1], "1000"),
        (Decimal("1E+5000"), COLUMNS[1], "1E+5000"),
        (-0.5, COLUMNS[1], "-0.5"),
        ("=1", COLUMNS[1], "'=1"),
        (-5, COLUMNS[0], "'-5"),
        (None, COLUMNS[0], ""),
        (True, COLUMNS[5], "true"),
        (AT, COLUMNS[3], "2026-11-01T00:30:00+01:00"),
        (date(2026, 10, 1), COLUMNS[4], "2026-10-01"),
    ],
)
def test_csv_guards_texts_and_leaves_numbers(tmp_path: Path, value: Any, column: Column, written: str) -> None:
    text = csv.render(report(table((column,), [(value,)])), tmp_path).path.read_bytes().decode()
    assert text.endswith("\r\n")
    assert next(standard.reader(io.StringIO(text.partition("\r\n")[2], newline="")), [""])[0] == written


def test_csv_of_several_sections_is_a_file_for_each(tmp_path: Path) -> None:
    made = csv.render(report(sales(), sales(name="=Costs")), tmp_path, has_bom=True)
    with zipfile.ZipFile(made.path) as files:
        names = files.namelist()
        texts = [files.read(name) for name in names]
    assert names == ["01-revenue-2026-11-02.csv", "02-costs-2026-11-02.csv"]
    assert all(text.startswith(b"\xef\xbb\xbfDay,Revenue\r\n2026-10-01,0\r\n") for text in texts)
    assert made.rows == 62


def test_json_keeps_every_digit_and_is_one_document(tmp_path: Path) -> None:
    odd = [('\u2028\n"\\', Decimal("0.1234567890123456789"), float("nan"), AT, None, False, Decimal("1E+400"))]
    made = json.render(report(table(COLUMNS, [ROW, *odd]), sales([])), tmp_path)
    found = standard_json.loads(made.path.read_text(), parse_float=Decimal, parse_int=Decimal)
    assert (found["title"], found["timezone"], found["slot"]) == (
        "Sales of October", "Europe/Madrid", "2026-11-02T08:00:00+01:00",
    )  # fmt: skip
    first, second = found["sections"][0]["rows"]
    assert first == {
        "name": "=1+1", "value": Decimal("-5.25"), "share": Decimal("0.125"), "at": "2026-11-01T00:30:00+01:00",
        "day": "2026-10-01", "ok": True, "id": Decimal(12345678901234567890),
    }  # fmt: skip
    assert second["value"] == Decimal("0.1234567890123456789")
    assert second["share"] is None
    assert found["sections"][1]["rows"] == []
    assert found["sections"][1]["headline"]["value"] == Decimal("1234.5")
    assert made.rows == 2


def test_half_a_letter_stops_no_file(tmp_path: Path) -> None:
    whole = report(table((Column("a"),), [("\ud800 \x00 \x07",)], "\ud800"), title="\ud800")
    assert [form.render(whole, tmp_path).rows for form in (csv, json, excel)] == [1, 1, 1]


def test_the_same_report_gives_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    whole = report(sales(), sales(name="Two"), data_as_of=AT)
    for form in (csv, json, excel):
        one, two = (form.render(whole, tmp_path / name).path.read_bytes() for name in ("one", "two"))
        assert one == two


MEASURED = """
import resource, sys
from pathlib import Path
from tests.workers.formats.reports import report, table, DAY, REVENUE
from datetime import date
from decimal import Decimal
from workers.formats import csv, excel, html, json
from workers.formats.report import Column
class Rows:
    def __init__(self, many): self.many = many
    def __iter__(self): return ((date(2026, 1, 1), Decimal(at), f"name {at}") for at in range(self.many))
def whole(many): return report(table((DAY, REVENUE, Column("name")), Rows(many)))
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
folder = Path(sys.argv[1])
for form in (csv, json, excel, html): form.render(whole(2_500), folder)
before = peak()
made = [form.render(whole(many), folder) for form, many in ((csv, 100_000), (json, 60_000), (excel, 30_000), (html, 60_000))]
print(*(one.rows for one in made), peak() - before)
"""


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", MEASURED, tmp_path], capture_output=True, text=True, check=True)
    *rows, grown = map(int, done.stdout.split())
    assert rows == [100_000, 60_000, 30_000, 2_000]
    assert grown < 20_000


def test_a_mail_takes_what_fits_packs_the_rest_and_names_what_is_too_large(tmp_path: Path) -> None:
    made = {}
    for name, content in {"a.csv": b"x" * 50_000, "b.pdf": b"y" * 30_000, "c.json": b"z" * 900}.items():
        (tmp_path / name).write_bytes(content)
        made[name] = Artifact(name, "x/y", tmp_path / name, 1)

    def names(limit: int) -> tuple[list[str], list[str]]:
        found = budget.weigh(list(made.values()), tmp_path, limit)
        return [one.filename for one in found.attached], [one.filename for one in found.linked]

    assert names(200_000) == (["a.csv", "b.pdf", "c.json"], [])
    assert names(60_000) == (["a.csv.zip", "b.pdf", "c.json.zip"], [])
    assert names(20_000) == (["a.csv.zip", "c.json.zip"], ["b.pdf"])
    assert names(10) == ([], ["a.csv.zip", "b.pdf", "c.json.zip"])
    with zipfile.ZipFile(tmp_path / "a.csv.zip") as files:
        assert files.read("a.csv") == b"x" * 50_000
