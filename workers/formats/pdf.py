"""A report as a PDF: tiles, charts drawn as lines of ink, tables, page numbers."""

from pathlib import Path
from typing import Any

from workers.formats import colors, grid
from workers.formats.page import Body, Page, as_plain, read
from workers.formats.report import Artifact, Report
from workers.formats.typesetter import typeset

# Forty rows a page; Typst keeps the layout of the last ten documents in memory, some 8 kB a row.
ROW_CAP = 1_000
# Tags tell a screen reader rows from columns, and cost 1.2 kB a row.
TAGGED_ROWS = 500
# So many rows of a long table are never parted by the end of a page.
LINES = 5


def render(report: Report, folder: Path, row_cap: int = ROW_CAP) -> Artifact:
    """Return the PDF, with at most `row_cap` rows of its tables; the charts are drawn from all rows."""
    page = read(report, row_cap)
    name = report.filename("pdf")
    (content,) = typeset("report.typ", document(page, report), "pdf", report.slot, is_tagged=page.rows <= TAGGED_ROWS)
    path = folder / name
    path.write_bytes(content)
    return Artifact(name, "application/pdf", path, page.rows)


def document(page: Page, report: Report) -> dict[str, Any]:
    """Return the data of the template `report.typ`."""
    band = report.brand.band_color
    across = _tiles_across(len(page.tiles))
    room = (grid.PORTRAIT - 8 * (across - 1)) / across - 20
    is_long = any(grid.ems(tile.name) * 7.5 > room for tile in page.tiles)
    return {
        "brand": page.brand,
        "brandColor": band,
        "brandText": colors.readable(band, colors.WHITE, colors.FOR_TEXT),
        "colors": colors.series_colors(band, colors.WHITE),
        "title": grid.breakable(page.title),
        "subtitle": grid.breakable(page.subtitle),
        "facts": "  ·  ".join(page.facts),
        "notes": [grid.breakable(note) for note in page.notes],
        "slot": page.slot,
        "running": grid.cut(page.title, 360, 7.5),
        "foot": grid.cut(f"{page.brand} · {page.title}" if page.brand else page.title, 420, 7.5),
        "tileColumns": across,
        "tileHeight": 86 if is_long else 76,
        "tiles": [
            {
                "name": grid.cut(tile.name, 2 * room, 7.5),
                "value": tile.value,
                "size": max(7.0, min(18.0, room / max(1.0, grid.ems(tile.value)))),
                "change": tile.change,
                "tone": tile.tone,
                "beside": grid.cut(tile.beside, room + grid.PADDING, 7.5),
            }
            for tile in page.tiles
        ],
        "sections": [_section(body) for body in page.bodies],
        "footer": page.footer,
    }


def _tiles_across(tiles: int) -> int:
    """Return how many tiles stand in a line, so that the last line is as full as can be."""
    if tiles <= 4:
        return max(1, tiles)
    return 4 if tiles % 4 == 0 or tiles % 3 == 1 else 3


def _section(body: Body) -> dict[str, Any]:
    layout = grid.fit(body.headings, body.texts[: grid.WRAPPED_ROWS * 4], body.is_number)
    is_dense = len(body.texts) > grid.WRAPPED_ROWS
    fitting = len(layout.widths)
    if is_dense:
        rows = [
            [grid.cut(text, width, layout.size) for text, width in zip(row, layout.widths, strict=False)]
            for row in body.texts
        ]
    else:
        rows = [[grid.breakable(text) for text in row[:fitting]] for row in body.texts]
    left_out = len(body.headings) - fitting
    columns = f"{left_out} more columns do not fit on paper: the Excel, CSV and JSON forms have them."
    return {
        "name": grid.breakable(body.name),
        "description": grid.breakable(body.description),
        "plot": as_plain(body.plot),
        "table": {
            "headings": body.headings[:fitting],
            "right": body.is_number[:fitting],
            "widths": layout.widths,
            "size": layout.size,
            "landscape": layout.is_landscape,
            "dense": is_dense,
            "lines": LINES,
            "rows": rows,
        },
        "more": [line for line in (body.more, columns if left_out else "") if line],
    }
