"""A graph's figures, drawn as reports draw them; the style sheet has the colours."""

from markupsafe import Markup

from workers.formats.plot import Points, plot
from workers.formats.report import Report, Section
from workers.formats.svg import draw as drawn


def draw(section: Section, report: Report) -> Markup:
    """The chart of a section; nothing for one that has none."""
    points = Points(section, report)
    for row in section.rows:
        points.take(row)
    found = plot(points) if points.kind else None
    return Markup(drawn(found)) if found else Markup("")  # noqa: S704  the texts in it are escaped there
