"""The PDF, the pictures and the HTML page: what a person looks at."""

import re
import socket
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import pytest
from pypdf import PdfReader

from tests.workers.formats.reports import BRAND, DAY, HOSTILE, REVENUE, SLOT, days, report, sales, table
from workers.branding import Branding
from workers.formats import html, pdf, png, svg
from workers.formats.report import Chart, Column, Headline, MissingExtra, Report, Section
from workers.kinds import report_mail

pytest.importorskip("typst")


def _text(made: Path) -> str:
    pages = [page.extract_text() for page in PdfReader(made).pages]
    return " ".join("\n".join(pages).replace("\N{ZERO WIDTH SPACE}", "").split())


class _Shown(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.text, self.tags = "", set[str]()
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)


def test_a_pdf_says_what_whose_when_and_how_fresh(tmp_path: Path) -> None:
    as_of = datetime(2026, 11, 2, 5, 30, tzinfo=UTC)
    made = pdf.render(
        report(subtitle="For the board", brand=BRAND, data_as_of=as_of, notes=("Only paid orders.",)), tmp_path
    )
    assert (made.filename, made.content_type, made.rows) == ("sales-of-october-2026-11-02.pdf", "application/pdf", 31)
    text = _text(made.path)
    for said in (
        "A & B <Co>", "Sales of October", "For the board", "Mon 2 Nov 2026, 08:00 (Europe/Madrid)",
        "Data as of Mon 2 Nov 2026, 06:30", "Only paid orders.", "€1,234.50", "▲ 23.5%", "on the day before",
        "Revenue (€)", "2026-10-31", "30.00", "First line", "Second line", "Page 1 of 2",
    ):  # fmt: skip
        assert said in text
    assert PdfReader(made.path).metadata is not None
    assert PdfReader(made.path).metadata.title == "Sales of October"  # type: ignore[union-attr]


def test_what_a_tenant_writes_is_never_markup(tmp_path: Path) -> None:
    hostile = " ".join(HOSTILE)
    rows = [(text, text) for text in HOSTILE]
    columns = (Column("a"), Column("b", label=HOSTILE[1]))
    whole = report(
        table(columns, rows, HOSTILE[0]),
        table(columns, rows * 30, HOSTILE[2]),
        title=hostile,
        subtitle=hostile,
        notes=(hostile,),
    )
    text = _text(pdf.render(whole, tmp_path).path)
    page = _Shown(html.render(whole, tmp_path).path.read_text())
    for said in HOSTILE:
        assert said in text
        assert said in page.text
    assert "root:" not in text
    assert not page.tags & {"script", "img", "link", "iframe", "form", "b"}


def test_letters_that_no_font_has_stop_nothing(tmp_path: Path) -> None:
    odd = "你好 مرحبا 🎉 \x00\x07\u202e\ud800 Ελληνικά Žluťoučký"
    made = pdf.render(report(table((Column("who"),), [(odd,)]), title=odd), tmp_path)
    assert "Ελληνικά Žluťoučký" in _text(made.path)
    assert html.render(report(table((Column("who"),), [(odd,)]), title=odd), tmp_path).rows == 1


@pytest.mark.parametrize(
    ("rows", "link", "said"),
    [
        (60, "", "The first 40 of 60 rows; the other 20 are in the Excel, CSV or JSON form of this report."),
        (1_060, "https://x.example/r", "The first 40 of 1,060 rows; the other 1,020 are at https://x.example/r."),
    ],
)
def test_a_page_says_how_many_rows_it_left_out_and_where_they_are(
    tmp_path: Path, rows: int, link: str, said: str
) -> None:
    whole = report(sales(days(Decimal(at) for at in range(rows))), link=link)
    made = pdf.render(whole, tmp_path, row_cap=40)
    assert made.rows == 40
    assert said in _text(made.path)
    assert said in _Shown(html.render(whole, tmp_path, row_cap=40).path.read_text()).text


def test_a_long_table_keeps_every_row_in_step(tmp_path: Path) -> None:
    columns = (Column("name"), Column("count", "number", decimals=0))
    rows = [(f"row {at} " + "long words " * (at % 40), Decimal(at * 1001)) for at in range(400)]
    lines = "\n".join(
        page.extract_text() for page in PdfReader(pdf.render(report(table(columns, rows)), tmp_path).path).pages
    )
    found = re.findall(r"row (\d+) [^\n]*?([\d,]+)(?=\n|$)", lines)
    assert [(int(at), int(count.replace(",", ""))) for at, count in found] == [(at, at * 1001) for at in range(400)]


def test_columns_that_do_not_fit_are_told_of(tmp_path: Path) -> None:
    columns = tuple(Column(f"professional_services_{at}", "number") for at in range(40))
    made = pdf.render(report(table(columns, [tuple(range(40))])), tmp_path)
    page = PdfReader(made.path).pages[1]
    assert page.mediabox.width > page.mediabox.height
    assert re.search(r"\d+ more columns do not fit on paper", _text(made.path))


SHAPES: dict[str, Section] = {
    "nothing": sales([]),
    "nulls": sales([(date(2026, 1, 1), None)]),
    "one point": sales([(date(2026, 1, 1), Decimal(-5))]),
    "one bar": sales([(date(2026, 1, 1), Decimal(0))], chart=Chart("bars", "day", ("revenue",))),
    "a gap": sales([*days([Decimal(1)] * 9), (date(2027, 1, 1), Decimal(2))]),
    "a day without": sales(days([Decimal(1), None, Decimal("1E+30"), Decimal("-1E-30"), Decimal("NaN")])),
    "text by number": sales(
        [("a" * 90, Decimal(-1)), (None, Decimal(2)), ("c", None)],
        columns=(Column("day"), REVENUE),
        chart=Chart("bars", "day", ("revenue",)),
    ),
    "no headline": sales(headline=Headline(None, REVENUE)),
    "from nought": sales(headline=Headline(Decimal(5), REVENUE, Decimal(0), "before", "down")),
    "no column": Section("Empty", (), []),
    "two lines": Section(
        "Two", (DAY, REVENUE, Column("cost", "number", unit="€")),
        [(day, value, 3.5) for day, value in days([Decimal(1)] * 5)], chart=Chart("line", "day", ("revenue", "cost")),
    ),
}  # fmt: skip


def test_every_shape_of_figures_is_drawn(tmp_path: Path) -> None:
    whole = report(*SHAPES.values())
    text = _text(pdf.render(whole, tmp_path).path)
    assert text.count("No figures to draw.") == 2
    assert "no figure" in text
    page = html.render(whole, tmp_path).path.read_text()
    assert page.count("<svg") == len(SHAPES) - 1
    assert "nan" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)


def test_the_same_report_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    for form in (pdf, png, svg, html):
        one, two = (form.render(report(brand=BRAND), tmp_path / name).path.read_bytes() for name in ("one", "two"))
        assert one == two


def test_a_picture_is_the_first_chart(tmp_path: Path) -> None:
    whole = report(table((Column("a"),), [("x",)]), sales())
    picture = png.render(whole, tmp_path).path.read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 100_000
    drawing = ElementTree.parse(svg.render(whole, tmp_path).path)
    assert "Revenue from 1 Oct 2026 to 31 Oct 2026: lowest €0.00" in "".join(drawing.getroot().itertext())
    with pytest.raises(ValueError, match="takes a section with a chart"):
        png.render(report(table((Column("a"),), [])), tmp_path)


def test_without_the_extra_a_pdf_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(MissingExtra, match=r"install tocsin\[reports\]"):
        pdf.render(report(), tmp_path)


def test_a_report_full_of_addresses_fetches_none_and_reads_no_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("kept to itself")
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        texts = [
            f'<img src="{url}">',
            f'<svg><image xlink:href="{url}"/><use href="file://{secret}"/></svg>',
            f'<style>@import "{url}"; body {{ background: url({url}) }}</style>',
            f'<iframe src="{url}"></iframe><object data="file://{secret}"></object><link href="{url}">',
            f'#image("{url}") #read("{secret}") #include "{secret}" #import "@preview/x:1.0.0"',
            f"![a]({url}) [b](file://{secret})",
        ]
        columns = (Column("a", label=texts[0]), Column("b"))
        rows = [(text, text) for text in texts]
        hostile = report(
            sales(name=texts[2], description=texts[4]), table(columns, rows, texts[1]), title=texts[0],
            subtitle=texts[3], notes=tuple(texts), brand=Branding(texts[0], "#ffd400", texts[4]),
        )  # fmt: skip
        made = [
            render(hostile, tmp_path).path.read_bytes() for render in (html.render, pdf.render, png.render, svg.render)
        ]
        mail = report_mail.render(
            report_mail.Sheet(hostile, "html", UUID(int=1), "UTC"), ["ann@example.com"], hostile.brand
        ).message
        server.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert not any(b"kept to itself" in each for each in made)
    for page in (made[0].decode(), mail.html):
        assert (
            not _Shown(page).tags & {"svg", "image", "iframe", "object", "link", "use"} - _Shown(made_of(tmp_path)).tags
        )
    sources = re.findall(r'src="([^"]*)"', mail.html)
    assert set(sources) <= {"cid:chart"}


def made_of(folder: Path) -> str:
    """The page of a report without any of that: what our own page is made of."""
    return html.render(report(sales(), table((Column("a"),), [("x",)])), folder).path.read_text()


def test_a_pdf_acts_on_nothing_and_has_an_end(tmp_path: Path) -> None:
    made = pdf.render(
        report(table((Column("text"),), [(f"{HOSTILE} {number}",) for number in range(20_000)])), tmp_path
    )
    read = PdfReader(made.path)
    root: Any = read.trailer["/Root"]
    assert not {"/OpenAction", "/AA", "/AcroForm"} & set(root)
    assert not {"/JavaScript", "/EmbeddedFiles"} & set(root.get("/Names", {}))
    actions = [note.get_object().get("/A") for page in read.pages for note in page.get("/Annots", [])]
    assert not [action for action in actions if action and action["/S"] != "/GoTo"]
    assert len(read.pages) < 500


def test_a_page_asks_nothing_of_the_network(tmp_path: Path) -> None:
    page = html.render(report(brand=BRAND, link="https://x.example"), tmp_path).path.read_text()
    assert "default-src 'none'" in page
    assert not re.search(r"(src|href)=|url\(|@import", page.replace("default-src", ""))


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Ventas de España: año 2026", "ventas-de-espana-ano-2026-2026-11-02.pdf"),
        ("../../etc/passwd", "etc-passwd-2026-11-02.pdf"),
        ("你好", "report-2026-11-02.pdf"),
        ("x" * 300, "x" * 80 + "-2026-11-02.pdf"),
    ],
)
def test_a_files_name_is_plain(title: str, name: str) -> None:
    assert Report(title, SLOT, ()).filename("pdf") == name


def test_a_pdf_is_drawn_from_every_row_while_its_table_is_cut(tmp_path: Path) -> None:
    hourly = [(SLOT + timedelta(hours=at), Decimal(at % 97)) for at in range(20_000)]
    columns = (Column("day", "instant"), REVENUE)
    drawn = svg.render(report(sales(hourly, columns=columns)), tmp_path).path.read_text()
    points = re.findall(r'points="([^"]+)"', drawn)
    assert 500 < sum(len(one.split()) for one in points) < 2_000
    assert "highest €96.00" in drawn
    assert pdf.render(report(sales(hourly, columns=columns)), tmp_path, 10).rows == 10
