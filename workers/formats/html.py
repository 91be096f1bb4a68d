"""A report as one HTML page that needs nothing else: its charts lie in it, by day and by night."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from workers.formats import svg
from workers.formats.page import read
from workers.formats.report import Artifact, Report

ROW_CAP = 2_000


def render(report: Report, folder: Path, row_cap: int = ROW_CAP) -> Artifact:
    """Return the page, with at most `row_cap` rows of its tables; the charts are drawn from all rows."""
    page = read(report, row_cap)
    name = report.filename("html")
    # The palette and the charts stand in the page as they are: all text in them is ours, or escaped where it was drawn.
    text = _TEMPLATES.get_template("report.html.j2").render(
        page=page,
        palette=svg.palette(report.brand.band_color),
        style=svg.STYLE,
        band=report.brand.band_color,
        charts=[svg.draw(body.plot) if body.plot else "" for body in page.bodies],
    )
    (folder / name).write_text(text, encoding="utf-8")
    return Artifact(name, "text/html; charset=utf-8", folder / name, page.rows)


_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
