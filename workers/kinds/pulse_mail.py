"""The mail of a pulse: its report as a page, its first chart as a picture, and the whole as a file."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workers.formats import pdf, png
from workers.formats.report import Report
from workers.kind import Context
from workers.kinds import pages
from workers.kinds.pulse_writing import Written
from workers.outcome import Attachment, Message
from workers.reporting import Part


def render(
    ctx: Context[Any],
    recipients: Sequence[str],
    attachment: str,
    parts: Sequence[Part],
    written: Written,
    notes: Sequence[str],
) -> Message:
    """Return the mail of a report. Raises MissingExtra when a format is not installed."""
    report = Report(
        title=ctx.schedule_name,
        slot=ctx.slot_local,
        sections=tuple(part.section for part in parts),
        notes=tuple(notes),
        brand=ctx.branding(),
    )
    files = []
    has_chart = any(section.chart for section in report.sections)
    with tempfile.TemporaryDirectory(prefix="tocsin-pulse-") as name:
        folder = Path(name)
        if attachment == "pdf":
            made = pdf.render(report, folder)
            files.append(Attachment(made.filename, made.content_type, made.path.read_bytes()))
        if has_chart:
            drawn = png.render(report, folder)
            files.append(Attachment(drawn.filename, drawn.content_type, drawn.path.read_bytes(), "chart"))
    facts = {
        "title": report.title,
        "day": f"{report.slot:%a} {report.slot.day} {report.slot:%b %Y}",
        "lines": [line for line in written.markdown.splitlines() if line.strip()],
        "text": written.markdown,
        "notes": report.notes,
        "has_chart": has_chart,
        "chart_alt": next((section.name for section in report.sections if section.chart), ""),
        "timezone": ctx.timezone,
        "run_id": str(ctx.run_id),
    }
    text, markup = pages.fill("pulse_mail", facts, report.brand)
    return Message(
        to=tuple(recipients),
        subject=f"{facts['title']}: {facts['day']}",
        text=text,
        html=markup,
        attachments=tuple(files),
        actions=("not_useful", "unsubscribe"),
        thread=f"pulse {report.title}",
        why=f"You get this as a recipient of the report {report.title}.",
    )
