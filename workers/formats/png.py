"""The chart of a report as a picture, small enough to stand in a mail."""

from datetime import datetime
from pathlib import Path

from workers.formats import colors, grid
from workers.formats.page import as_plain, read
from workers.formats.report import Artifact, Report
from workers.formats.typesetter import typeset


def render(report: Report, folder: Path) -> Artifact:
    """Return the picture of the first section that has a chart. Raises ValueError when none has."""
    page = read(report, 0)
    drawn = [body for body in page.bodies if body.plot]
    if not drawn:
        raise ValueError("a picture takes a section with a chart")
    first = drawn[0]
    facts = [text for text in (page.title,) if text != first.name] + page.facts
    name = report.filename("png")
    (content, *_) = typeset(
        "picture.typ",
        {
            "title": grid.breakable(first.name),
            "facts": "  ·  ".join(facts),
            "plot": as_plain(first.plot),
            "colors": colors.series_colors(report.brand.band_color, colors.WHITE),
        },
        "png",
        report.slot,
    )
    path = folder / name
    path.write_bytes(content)
    return Artifact(name, "image/png", path, first.rows)


def of_svg(svg: str, alt: str, width: float, slot: datetime) -> bytes:
    """Return a picture that is drawn already, `width` points wide, as one of pixels. Raises MissingExtra."""
    (content, *_) = typeset("svg.typ", {"svg": svg, "alt": alt, "width": width}, "png", slot)
    return content
