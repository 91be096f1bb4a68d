"""The mail of a pulse: its report as a page with the charts that it asks for, and the figures as a file."""

import hashlib
import re
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from db.store import StoreUnavailable
from workers.artifacts import NoStore
from workers.branding import Branding
from workers.formats import pdf
from workers.formats.budget import GROWTH
from workers.formats.report import Report, Section
from workers.kind import Context
from workers.kinds import pages
from workers.kinds.pages import Made
from workers.kinds.report_mail import BUDGET_BYTES
from workers.outcome import Attachment, Message
from workers.pulses.page import Page


class Sheet(NamedTuple):
    """A report as a page, the figures that it was written from, what is to be noted, and why no model wrote it."""

    page: Page
    figures: tuple[Section, ...]
    notes: tuple[str, ...]
    failure: str = ""


class Told(NamedTuple):
    """Which report it is, and of when."""

    title: str
    slot: datetime
    timezone: str
    run_id: str

    @property
    def day(self) -> str:
        """The slot's day."""
        return f"{self.slot:%a} {self.slot.day} {self.slot:%b %Y}"


class File(NamedTuple):
    """The report as a PDF: what travels with the mail, else where it can be had; `link` opens what is kept."""

    attached: Attachment | None
    name: str = ""
    link: str = ""


def pdf_of(ctx: Context[Any], sheet: Sheet) -> File:
    """Return the report's PDF, rendered once: of the same report a later attempt has the stored bytes.

    Raises MissingExtra, and StoreUnavailable while another attempt may find the store.
    """
    report = Report(
        ctx.schedule_name,
        ctx.slot_local,
        sheet.page.sections + sheet.figures,
        notes=sheet.notes,
        brand=ctx.branding(),
    )
    with tempfile.TemporaryDirectory(prefix="tocsin-pulse-") as folder:

        def render() -> Path:
            return pdf.render(report, Path(folder)).path

        name = f"{re.sub(r'[^a-z0-9]+', '-', ctx.schedule_name.lower()).strip('-')[:80] or 'report'}.pdf"
        name = f"{ctx.slot_local:%Y-%m-%d}-{name}"
        try:
            content, link = _kept(ctx, f"{_digest(report)}-{name}", render)
        except NoStore:
            content, link = render().read_bytes(), ""
        except StoreUnavailable:
            if not ctx.is_last_attempt:
                raise
            content, link = render().read_bytes(), ""
    # Its pictures travel too.
    room = BUDGET_BYTES - sum(len(picture.content) * GROWTH for picture in sheet.page.pictures)
    is_fitting = len(content) * GROWTH <= room
    return File(Attachment(name, "application/pdf", content) if is_fitting else None, name, link)


def _kept(ctx: Context[Any], name: str, render: Callable[[], Path]) -> tuple[bytes, str]:
    """The stored bytes and their link."""
    kept = ctx.keep(name, render, "application/pdf", "pdf")
    return ctx.read_kept(kept.name), kept.link


def _digest(report: Report) -> str:
    """What tells one report from another of the same run, whose sources or whose model answered otherwise."""
    told = [(section.name, section.columns, [*map(tuple, section.rows)]) for section in report.sections]
    return hashlib.sha256(repr((told, report.notes, report.brand)).encode()).hexdigest()[:12]


def render(sheet: Sheet, recipients: Sequence[str], brand: Branding, told: Told, file: File | None = None) -> Made:
    """Return the mail of a report in our own words, and what it was made of."""
    attached = [] if file is None or file.attached is None else [file.attached]
    facts = {
        "title": told.title,
        "day": told.day,
        "text": sheet.page.text,
        "notes": [*sheet.notes],
        "timezone": told.timezone,
        "run_id": told.run_id,
        "linked": [{"name": file.name, "link": file.link}] if file and not attached and file.link else [],
        "too_large": [file.name] if file and not attached and not file.link else [],
    }
    text, markup = pages.fill("pulse_mail", facts | {"body": sheet.page.html}, brand)
    subject = f"{told.title}: {told.day}"
    message = Message(
        to=tuple(recipients),
        subject=subject,
        text=text,
        html=markup,
        attachments=(*sheet.page.pictures, *attached),
        actions=("not_useful", "unsubscribe"),
        thread=f"pulse {told.title}",
        why=f"You get this as a recipient of the report {told.title}.",
    )
    context = {name: value for name, value in facts.items() if name not in ("title", "day")} | {
        "subject": subject,
        "report": told.title,
        "slot": told.day,
        "slot_at": told.slot,
        "failure": sheet.failure,
        "is_fallback": bool(sheet.failure),
        "attached": [each.filename for each in attached],
        "charts": [{"picture": f"cid:{each.content_id}"} for each in sheet.page.pictures],
        "sections": [_section(each) for each in sheet.page.sections if each.chart is None],
        "brand": pages.branded(brand),
    }
    return Made(message, context)


def _section(section: Section) -> dict[str, Any]:
    """A heading with the words or the table below it, as texts."""
    return {
        "name": section.name,
        "headings": [column.label.strip() for column in section.columns],
        "rows": [[str(cell) for cell in row] for row in section.rows],
    }
