"""What a report's page says, in words and numbers alone: the PDF and the HTML page are laid out from the same."""

from dataclasses import dataclass
from typing import Any

from workers.formats.plot import Plot, Points, plot
from workers.formats.report import Column, Headline, Report, Section, change, figure, heading_of, plain, shown, spoken


@dataclass(frozen=True, slots=True)
class Tile:
    """A section's headline: its number, how it changed, and beside what."""

    name: str
    value: str
    change: str
    tone: str
    beside: str


@dataclass(frozen=True, slots=True)
class Body:
    """A section whose rows have been read: the first of them as texts, all of them counted and in its chart."""

    name: str
    description: str
    headings: list[str]
    is_number: list[bool]
    texts: list[list[str]]
    rows: int
    more: str
    plot: Plot | None


@dataclass(frozen=True, slots=True)
class Page:
    """A whole report, read."""

    title: str
    subtitle: str
    brand: str
    footer: list[str]
    slot: str
    facts: list[str]
    notes: list[str]
    tiles: list[Tile]
    bodies: list[Body]

    @property
    def rows(self) -> int:
        """How many rows of data the page shows."""
        return sum(len(body.texts) for body in self.bodies)


def read(report: Report, row_cap: int) -> Page:
    """Return the report's page, whose tables have at most `row_cap` rows in all, shared out evenly."""
    share = max(1, row_cap // max(1, len(report.sections)))
    as_of = report.data_as_of
    return Page(
        title=plain(report.title),
        subtitle=plain(report.subtitle),
        brand=plain(report.brand.name),
        footer=[plain(line) for line in report.brand.footer.splitlines()],
        slot=spoken(report.slot),
        facts=[
            f"{spoken(report.slot)} ({report.zone})",
            *([f"Data as of {spoken(report.local(as_of))}"] if as_of else []),
        ],
        notes=[plain(note) for note in report.notes],
        tiles=[_tile(section.name, section.headline) for section in report.sections if section.headline],
        bodies=[_body(section, report, share) for section in report.sections],
    )


def _tile(name: str, headline: Headline) -> Tile:
    moved, tone = change(headline)
    value = "no figure" if headline.value is None else figure(headline.value, headline.column)
    return Tile(plain(name), signed(plain(value)), moved, tone, plain(headline.before_label) if moved else "")


def _body(section: Section, report: Report, cap: int) -> Body:
    points = Points(section, report)
    texts: list[list[str]] = []
    rows = 0
    for row in section.rows:
        points.take(row)
        if rows < cap:
            texts.append(
                [
                    _cell(shown(value, column, report), column)
                    for value, column in zip(row, section.columns, strict=True)
                ]
            )
        rows += 1
    return Body(
        name=plain(section.name),
        description=plain(section.description),
        headings=[plain(heading_of(column)) for column in section.columns],
        is_number=[column.type == "number" for column in section.columns],
        texts=texts,
        rows=rows,
        more=_more(rows, cap, report.link),
        plot=plot(points),
    )


def _cell(text: str, column: Column) -> str:
    return signed(text) if column.type == "number" else text


def signed(text: str) -> str:
    """Return a number with the sign that is as wide as a figure, instead of a hyphen."""
    return f"\N{MINUS SIGN}{text[1:]}" if text.startswith("-") else text


def _more(rows: int, cap: int, link: str) -> str:
    """Return the line below a table that was cut."""
    if rows <= cap:
        return ""
    where = f"at {plain(link)}" if link else "in the Excel, CSV or JSON form of this report"
    return f"The first {cap:,} of {rows:,} rows; the other {rows - cap:,} are {where}."


def as_plain(plot: Plot | None) -> dict[str, Any] | None:
    """Return a chart as plain values, for the page's JSON."""
    if plot is None:
        return None
    return {
        "kind": plot.kind,
        "summary": plot.summary,
        "caption": plot.caption,
        "x": [{"at": tick.at, "label": tick.label} for tick in plot.x_ticks],
        "y": [{"at": tick.at, "label": signed(tick.label)} for tick in plot.y_ticks],
        "zero": plot.zero,
        "series": [{"name": one.name, "pieces": one.pieces, "bars": one.bars} for one in plot.series],
        "names": [bar._replace(figure=signed(bar.figure))._asdict() for bar in plot.names],
        "more": plot.more,
    }
