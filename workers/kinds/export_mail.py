"""The mail of an exported report: its files or links to them, and a table and a chart of it where that is wanted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from workers.artifacts import Artifact as Kept
from workers.formats import png
from workers.formats.budget import GROWTH, PACKED, weigh
from workers.formats.report import Artifact, Report, Section
from workers.kinds.pages import Made
from workers.kinds.report_mail import BUDGET_BYTES, Sheet, worded
from workers.outcome import Attachment, Message

# What is packed into a mail is packed in memory's reach; a larger file is a link at once.
MOST_PACKED = 100_000_000


class Wanted(NamedTuple):
    """Who gets the mail, and what travels with it."""

    to: Sequence[str]
    cc: Sequence[str]
    bcc: Sequence[str]
    has_attachment: bool
    has_preview: bool


class Said(NamedTuple):
    """What a template may speak of beside the report itself: whose mail it is, and what was asked."""

    name: str
    report_type: str
    record_count: int
    parameters: Mapping[str, Any]


class File(NamedTuple):
    """A file that was kept, and where it lies here if this attempt made it."""

    kept: Kept
    path: Path | None


def mail(
    wanted: Wanted,
    report: Report,
    previews: tuple[Section, ...],
    files: Sequence[File],
    read: Callable[[str], bytes],
    run_id: UUID,
    folder: Path,
) -> Made:
    """Return the mail. What is attached is what is kept, which `read` gives: a further attempt sends the same bytes."""
    attachments, links = _travelling(files, read, folder) if wanted.has_attachment else ([], {})
    downloads = {} if wanted.has_attachment else {file.kept.name: file.kept.link for file in files}
    names = [each.filename for each in attachments]
    has_chart = wanted.has_preview and any(section.chart for section in report.sections)
    if has_chart:
        drawn = png.render(report, folder)
        attachments.append(Attachment(drawn.filename, drawn.content_type, drawn.path.read_bytes(), "chart"))
    shown = replace(report, sections=previews if wanted.has_preview else ())
    sheet = Sheet(shown, "none", run_id, report.zone)
    made = worded(sheet, wanted.to, report.brand, attached=names, links=links, downloads=downloads)
    message: Message = replace(made.message, cc=tuple(wanted.cc), bcc=tuple(wanted.bcc), attachments=tuple(attachments))
    return with_downloads(Made(message, made.context), downloads)


def with_downloads(made: Made, downloads: Mapping[str, str]) -> Made:
    """Return the mail with the links to files that are not attached said to its template too."""
    return Made(
        made.message, made.context | {"downloads": [{"name": each, "link": downloads[each]} for each in downloads]}
    )


def told(made: Made, said: Said, subject: str = "") -> Made:
    """Return the mail with its subject, if it is given one, and with all that a template may speak of."""
    message = replace(made.message, subject=subject or made.message.subject)
    parameters = [{"name": name, "value": _text(value)} for name, value in said.parameters.items()]
    more = said._asdict() | {"parameters": parameters, "subject": message.subject}
    return Made(message, made.context | more)


def _text(value: Any) -> str:
    """A parameter's value as a text: of a period its days, of yes or no the word."""
    if isinstance(value, Mapping):
        return f"{value['first_day']} to {value['last_day']}"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _travelling(
    files: Sequence[File], read: Callable[[str], bytes], folder: Path
) -> tuple[list[Attachment], dict[str, str]]:
    """What is attached, within a mail's budget and packed where that helps, and links to the rest."""
    if sum(file.kept.size_bytes for file in files) * GROWTH <= BUDGET_BYTES:
        return [_attachment(file.kept.name, file.kept.content_type, read(file.kept.name)) for file in files], {}
    small = [file for file in files if file.kept.size_bytes <= _most(file.kept.name)]
    weighed = weigh([_laid_down(file, read, folder) for file in small], folder, BUDGET_BYTES)
    attached = {each.filename.removesuffix(".zip"): each for each in weighed.attached}
    found, links = [], {}
    for file in files:
        name = file.kept.name.removesuffix(".zip")
        if name in attached:
            one = attached[name]
            found.append(_attachment(one.filename, one.content_type, one.path.read_bytes()))
        else:
            links[file.kept.name] = file.kept.link
    return found, links


def _most(name: str) -> int:
    return BUDGET_BYTES if name.endswith(PACKED) else MOST_PACKED


def _laid_down(file: File, read: Callable[[str], bytes], folder: Path) -> Artifact:
    path = file.path
    if path is None:
        path = folder / file.kept.name
        path.write_bytes(read(file.kept.name))
    return Artifact(file.kept.name, file.kept.content_type, path, 0)


def _attachment(name: str, content_type: str, content: bytes) -> Attachment:
    return Attachment(name, content_type, content)
