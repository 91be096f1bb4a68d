"""The mail of a pulse: its report as a page with the charts that it asks for, and the figures as a file."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from workers.formats import pdf
from workers.formats.report import Report, Section
from workers.kind import Context
from workers.kinds import pages
from workers.outcome import Attachment, Message
from workers.pulses.page import Page


class Sheet(NamedTuple):
    """A report as a page, the figures that it was written from, and how it is sent."""

    page: Page
    figures: tuple[Section, ...]
    attachment: str
    notes: tuple[str, ...]


def render(ctx: Context[Any], recipients: Sequence[str], sheet: Sheet) -> Message:
    """Return the mail of a report. Raises MissingExtra when a format is not installed."""
    brand = ctx.branding()
    title, slot = ctx.schedule_name, ctx.slot_local
    files = list(sheet.page.pictures)
    if sheet.attachment == "pdf":
        sections = sheet.page.sections + sheet.figures
        files.append(_pdf(Report(title, slot, sections, notes=sheet.notes, brand=brand)))
    facts = {
        "title": title,
        "day": f"{slot:%a} {slot.day} {slot:%b %Y}",
        "body": sheet.page.html,
        "text": sheet.page.text,
        "notes": sheet.notes,
        "timezone": ctx.timezone,
        "run_id": str(ctx.run_id),
    }
    text, markup = pages.fill("pulse_mail", facts, brand)
    return Message(
        to=tuple(recipients),
        subject=f"{title}: {facts['day']}",
        text=text,
        html=markup,
        attachments=tuple(files),
        actions=("not_useful", "unsubscribe"),
        thread=f"pulse {title}",
        why=f"You get this as a recipient of the report {title}.",
    )


def _pdf(report: Report) -> Attachment:
    with tempfile.TemporaryDirectory(prefix="tocsin-pulse-") as folder:
        made = pdf.render(report, Path(folder))
        return Attachment(made.filename, made.content_type, made.path.read_bytes())
