"""The mail of a report: its headline figures, its first chart as a picture, the first rows, and the whole as a file."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from workers.branding import Branding
from workers.formats import csv, excel, html, json, pdf, png
from workers.formats.budget import weigh
from workers.formats.page import Page, read
from workers.formats.report import Artifact, Report, Section
from workers.kinds import pages
from workers.kinds.pages import Made
from workers.outcome import Attachment, Message

ROWS_SHOWN = 12
COLUMNS_SHOWN = 6
BUDGET_BYTES = 10_000_000
FORMATS: dict[str, Callable[[Report, Path], Artifact]] = {
    "pdf": pdf.render,
    "excel": excel.render,
    "csv": partial(csv.render, has_bom=True),
    "json": json.render,
    "html": html.render,
    "png": png.render,
}


class Sheet(NamedTuple):
    """A report and how it is sent."""

    report: Report
    attachment_type: str
    run_id: UUID
    timezone: str


def render(
    sheet: Sheet, recipients: Sequence[str], brand: Branding, keep: Callable[[Artifact], str] = lambda _: ""
) -> Made:
    """Return the mail of a report for recipients who share it, in our own words and with what it was made of.

    A file that is too large for a mail is given to `keep`, which answers a link to it, or "" where it has none. Raises
    MissingExtra when a format is not installed.
    """
    report = sheet.report
    has_chart = any(section.chart for section in report.sections)
    with tempfile.TemporaryDirectory(prefix="tocsin-report-") as name:
        folder = Path(name)
        files = []
        if sheet.attachment_type != "none" and (has_chart or sheet.attachment_type != "png"):
            files.append(FORMATS[sheet.attachment_type](report, folder))
        weighed = weigh(files, folder, BUDGET_BYTES)
        attachments = [
            Attachment(each.filename, each.content_type, each.path.read_bytes()) for each in weighed.attached
        ]
        links = {each.filename: keep(each) for each in weighed.linked}
        if has_chart:
            drawn = png.render(report, folder)
            attachments.append(Attachment(drawn.filename, drawn.content_type, drawn.path.read_bytes(), "chart"))
    made = worded(
        sheet,
        recipients,
        brand,
        attached=[each.filename for each in weighed.attached],
        links=links,
    )
    return Made(replace(made.message, attachments=tuple(attachments)), made.context)


def worded(
    sheet: Sheet,
    recipients: Sequence[str],
    brand: Branding,
    *,
    attached: Sequence[str] = (),
    links: Mapping[str, str] = MappingProxyType({}),
    downloads: Mapping[str, str] = MappingProxyType({}),
) -> Made:
    """Return the mail without its files, of which it says what became.

    `links` are of those that are too large, `downloads` of those that nobody wanted attached.
    """
    report = sheet.report
    has_chart = any(section.chart for section in report.sections)
    page = read(replace(report, sections=tuple(_newest(section) for section in report.sections)), ROWS_SHOWN)
    facts = {
        "page": page,
        "has_chart": has_chart,
        "chart_alt": next((section.name for section in report.sections if section.chart), ""),
        "columns": COLUMNS_SHOWN,
        "linked": [{"name": name, "link": link} for name, link in links.items() if link],
        "too_large": [name for name, link in links.items() if not link],
        "attached": list(attached),
        "downloads": [{"name": name, "link": link} for name, link in downloads.items()],
        "timezone": sheet.timezone,
        "run_id": str(sheet.run_id),
    }
    text, markup = pages.fill("report_mail", facts, brand)
    subject = f"{report.title}: {report.slot:%a} {report.slot.day} {report.slot:%b %Y}"
    message = Message(
        to=tuple(recipients),
        subject=subject,
        text=text,
        html=markup,
        actions=("not_useful", "unsubscribe"),
        thread=f"report {report.title}",
        why=f"You get this as a recipient of the report {report.title}.",
    )
    return Made(message, _context(sheet, page, facts) | {"subject": subject, "brand": pages.branded(brand)})


def _context(sheet: Sheet, page: Page, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a template may speak of: what the page says, and the headlines as figures."""
    report = sheet.report
    headlines = [section.headline for section in report.sections if section.headline]
    given = ("has_chart", "chart_alt", "attached", "linked", "too_large", "timezone", "run_id")
    return {name: facts[name] for name in given} | {
        "report": page.title,
        "subtitle": page.subtitle,
        "facts": page.facts,
        "notes": page.notes,
        "slot": page.slot,
        "slot_at": report.slot,
        "data_as_of_at": report.local(report.data_as_of) if report.data_as_of else None,
        "tiles": [
            {
                "name": tile.name,
                "value": tile.value,
                "figure": headline.value,
                "before_figure": headline.before,
                "change": tile.change,
                "tone": tile.tone,
                "beside": tile.beside,
            }
            for tile, headline in zip(page.tiles, headlines, strict=True)
        ],
        "sections": [
            {"name": body.name, "headings": body.headings, "is_number": body.is_number, "rows": body.texts}
            for body in page.bodies
        ],
    }


def _newest(section: Section) -> Section:
    """The section with its newest rows alone, the newest first, where it shows a course of time."""
    rows = list(section.rows)
    if section.chart is not None and section.chart.kind == "line":
        rows = rows[: -ROWS_SHOWN - 1 : -1]
    return replace(section, rows=rows[:ROWS_SHOWN], chart=None)
