"""`python -m bench.pulse_gallery FOLDER`: the mail of an example pulse and its PDF, as pictures, by Chromium and Typst.

The figures are the demo's (local/dataset.py); the text is one that a model may write, and it is checked as any is.
"""

import argparse
import base64
import tempfile
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from bench.gallery import BRAND, PIXELS_PER_INCH, SLOT, photograph
from local.dataset import read
from workers.formats import pdf
from workers.formats.page import read as read_page
from workers.formats.report import Report
from workers.formats.typesetter import typeset
from workers.graphs import Graph
from workers.kinds import pulse_mail
from workers.pulses.evidence import Evidence, gather
from workers.pulses.narrative import check
from workers.pulses.page import make
from workers.pulses.settle import settle
from workers.reporting import Part, part_of
from workers.sources import Column, Table

TEXT = """\
## In short

There were 12,360 thousand jobs in factories in December 2015, 6 thousand more than the month before. \
In all they have fallen by 13% since January 2006.

```chart
{"graph": "Jobs in factories", "kind": "line", "title": "Jobs in factories"}
```

| Month | Jobs |
|---|---|
"""
ID = UUID("0192f0c1-0000-7000-8000-000000000001")


def _part() -> Part:
    figures = read()
    place = figures.sectors.index("manufacturing")
    rows = [(month, Decimal(values[place])) for month, values in figures.rows]
    graph = Graph(ID, "Jobs in factories", ID, "", "thousand", "number", 0, "value", "month", "month", [], 1, False)  # noqa: FBT003  a row
    table = Table((Column("month", "date", "date"), Column("value", "numeric", "number")), rows, SLOT, 0.0)
    found = part_of(graph, table, "America/New_York")
    assert isinstance(found, Part), found
    return found


def _text(evidence: Evidence) -> str:
    """The text, as it would be sent: what nothing proves is marked."""
    last = evidence.answers[0].rows[-3:]
    lines = "\n".join(f"| {row[0]:%B %Y} | {row[1]:,.0f} thousand |" for row in last)
    checked = check(TEXT + lines, evidence)
    for claim in checked.claims:
        print(f"{claim.text:24} {claim.verdict:11} {claim.why}")
    return settle(checked, "mark", evidence).markdown


def _pictured(html: str, pictures: dict[str, bytes], target: Path, width: int, height: int) -> None:
    for name, content in pictures.items():
        html = html.replace(f"cid:{name}", f"data:image/png;base64,{base64.b64encode(content).decode()}")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "mail.html"
        page.write_text(html)
        photograph(page, target, width, height)


def main() -> None:
    """Writes the pictures into the folder named."""
    parser = argparse.ArgumentParser(prog="python -m bench.pulse_gallery", description="An example pulse, as pictures.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--width", type=int, default=720)
    parser.add_argument("--height", type=int, default=860)
    asked = parser.parse_args()
    part = _part()
    evidence = gather(SLOT, [part])
    page = make(_text(evidence), evidence, brand=BRAND)
    sheet = pulse_mail.Sheet(page, (part.section,), ())
    told = pulse_mail.Told("Factory jobs in words", SLOT, "America/New_York", str(ID))
    mail = pulse_mail.render(sheet, ["board@acme.example"], BRAND, told).message
    pictures = {each.content_id: each.content for each in page.pictures}
    _pictured(mail.html, pictures, asked.folder / "pulse-mail.png", asked.width, asked.height)
    report = Report(told.title, SLOT, (*page.sections, *sheet.figures), brand=BRAND)
    pages = typeset(
        "report.typ", pdf.document(read_page(report, pdf.ROW_CAP), report), "png", SLOT, pixels_per_inch=PIXELS_PER_INCH
    )
    (asked.folder / "pulse-page-1.png").write_bytes(pages[0])


if __name__ == "__main__":
    main()
