"""`report.export`: makes a report in one or several formats, keeps the files, and mails them if that is wanted.

Each run asks once what its report definition says, with the parameters counted from the slot, writes the rows down as
they come, and makes a file of each format out of them. A file is kept once: an attempt after a crash finds those that
are there and makes the others, and what is mailed is what is kept.
"""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, cast
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from config.zones import zone
from workers.alerting.words import rfc3339
from workers.channels.email import mailbox
from workers.formats import csv, excel, html, json, pdf
from workers.formats.report import Artifact, MissingExtra, Report
from workers.kind import Cancelled, Context, InnerJournal, Kind
from workers.kinds.export_mail import File, Said, Wanted, mail, told
from workers.kinds.export_rows import Drawn, draw
from workers.kinds.wording import Wording
from workers.outcome import Done, Later, Message, Outcome, Rejected
from workers.reports.book import DefinitionRow
from workers.reports.definition import BadParameter, as_told, resolved
from workers.reports.spans import Span
from workers.reports.spool import Watched
from workers.reports.words import Words, context_of, made, words_of
from workers.sources import SourceRefused, SourceUnavailable
from workers.sources.table import Value
from workers.templating.apart import BadSample, Ended

ExportFormat = Literal["pdf", "csv", "json", "excel", "html"]
Address = Annotated[str, AfterValidator(mailbox)]
Addresses = Annotated[list[Address], Field(max_length=1000), AfterValidator(lambda found: list(dict.fromkeys(found)))]
# How far a run is once its rows are there.
READ = 0.4


class Form(NamedTuple):
    """A format: who renders it, the end of its file's name, and its content type."""

    render: Callable[[Report, Path], Artifact]
    ending: str
    content_type: str


FORMS: dict[str, Form] = {
    "pdf": Form(pdf.render, "pdf", "application/pdf"),
    "csv": Form(partial(csv.render, has_bom=True), "csv", "text/csv; charset=utf-8"),
    "json": Form(json.render, "json", "application/json"),
    "excel": Form(excel.render, "xlsx", excel.CONTENT_TYPE),
    "html": Form(html.render, "html", "text/html; charset=utf-8"),
}


class Params(BaseModel):
    """What is made of which definition and who gets it; made by Tocsin out of the scheduled report."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    report_id: UUID
    definition_id: UUID
    export_formats: Annotated[list[ExportFormat], Field(min_length=1, max_length=5)]
    parameters: dict[str, Any] = Field(default_factory=dict)
    email_enabled: bool = False
    email_recipients: Addresses = Field(default_factory=list)
    email_cc_recipients: Addresses = Field(default_factory=list)
    email_bcc_recipients: Addresses = Field(default_factory=list)
    email_subject: Annotated[str, Field(max_length=500)] | None = None
    template_id: UUID | None = None
    email_include_attachment: bool = True
    email_include_preview: bool = False
    email_send_only_if_data: bool = False


class Mailed(NamedTuple):
    """The mail, what is wrong with its subject's line where that is not used, and what the record says of its template."""

    message: Message
    problem: str
    template: Mapping[str, Any]


class Making(NamedTuple):
    """A run's report: its definition in the version that the run keeps, its parameters at the slot, and what was read."""

    row: DefinitionRow
    values: Mapping[str, Value | Span]
    drawn: Drawn
    words: Words
    report: Report


def run(ctx: Context[Params]) -> Outcome:
    """Read the rows, keep a file of each format, and return the mail."""
    book = cast("InnerJournal", ctx.journal).reports()
    now = book.definition(ctx.params.definition_id)
    if now is None:
        return Rejected("its report definition was deleted")
    # An attempt after an edit goes on with what the first one began with.
    version = ctx.step("definition", lambda: now.version)
    row = now if version == now.version else book.definition(now.id, version)
    if row is None:
        return Rejected(f"version {version} of its report definition is no more")
    with tempfile.TemporaryDirectory(prefix="tocsin-report-") as temporary:
        folder = Path(temporary)
        try:
            making = make(ctx, row, folder, told=partial(_read, ctx))
            # The title may count rows, of which there may be others when it is made again: a file is found by its name.
            name = ctx.step("name", lambda: making.report.filename(""))
            files = [_kept(ctx, making, each, folder, name) for each in range(len(ctx.params.export_formats))]
        except BadParameter as error:
            return Rejected(f"the parameter {error.name!r} {error}")
        except SourceUnavailable as error:
            return Later(None, str(error))
        except (SourceRefused, MissingExtra) as error:
            return Rejected(str(error))
        return _done(ctx, making, files, folder)


def make(
    ctx: Context[Params],
    row: DefinitionRow,
    folder: Path,
    *,
    most: int | None = None,
    told: Callable[[int], None] = lambda _: None,
) -> Making:
    """Return the report with its rows, of an own query at most `most` of them.

    Raises BadParameter, SourceUnavailable and SourceRefused.
    """
    values = resolved(row.says.parameters, ctx.params.parameters, ctx.slot_at, zone(ctx.timezone))
    drawn = draw(ctx, row, values, folder, most=most, told=told)
    words = words_of(row.says, context_of(ctx.schedule_name, row.name, ctx.slot_local, values, drawn.rows))
    report = Report(
        title=words.title,
        slot=ctx.slot_local,
        sections=drawn.sections,
        subtitle=words.subtitle,
        data_as_of=drawn.data_as_of,
        notes=words.notes,
        brand=ctx.branding(),
    )
    return Making(row, values, drawn, words, report)


def message_of(ctx: Context[Params], making: Making, files: list[File], folder: Path) -> Mailed:
    """Return the mail in the words of the tenant's template where there is one."""
    params = ctx.params
    wanted = Wanted(
        params.email_recipients,
        params.email_cc_recipients,
        params.email_bcc_recipients,
        params.email_include_attachment,
        params.email_include_preview,
    )
    mailed = mail(wanted, making.report, making.drawn.previews, files, ctx.read_kept, ctx.run_id, folder)
    context = context_of(ctx.schedule_name, making.row.name, ctx.slot_local, making.values, making.drawn.rows)
    subject, problem = subject_of(ctx, context | {"title": making.words.title})
    said = Said(ctx.schedule_name, making.row.name, making.drawn.rows, context["parameters"])
    wording = Wording(ctx, params.template_id, ctx.schedule_name)
    message = wording.message(told(mailed, said, subject))
    return Mailed(message, problem, wording.record())


def subject_of(ctx: Context[Params], context: Mapping[str, Any]) -> tuple[str, str]:
    """Return the subject as its template words it, empty without one; and why it can't be worded."""
    try:
        return made(ctx.params.email_subject or "", context), ""
    except (BadSample, Ended) as error:
        return "", str(error)


def _kept(ctx: Context[Params], making: Making, number: int, folder: Path, stem: str) -> File:
    """The file of one of the formats, as it is kept; made only where it is not there yet."""
    formats = ctx.params.export_formats
    form = FORMS[formats[number]]
    is_packed = formats[number] == "csv" and len(making.report.sections) > 1
    name = stem + (f"{form.ending}.zip" if is_packed else form.ending)
    content_type = "application/zip" if is_packed else form.content_type
    paths: list[Path] = []

    def render() -> Path:
        paths.append(form.render(_watched(ctx, making, number), folder).path)
        return paths[0]

    kept = ctx.keep(name, render, content_type, formats[number], making.drawn.rows)
    ctx.progress(_share(number + 1, len(formats)), f"{formats[number]} is there")
    return File(kept, next(iter(paths), None))


def _watched(ctx: Context[Params], making: Making, number: int) -> Report:
    """The report, whose rows tell the run how far it is while they are read."""
    formats, rows = ctx.params.export_formats, max(1, making.drawn.rows)

    def told(count: int) -> None:
        _go_on(ctx)
        share = _share(number + min(1.0, count / rows), len(formats))
        ctx.progress(share, f"{formats[number]}: {count:,} of {rows:,} rows")

    sections = tuple(replace(each, rows=Watched(each.rows, told)) for each in making.report.sections)
    return replace(making.report, sections=sections)


def _share(done: float, formats: int) -> float:
    return READ + (0.99 - READ) * done / formats


def _read(ctx: Context[Params], rows: int) -> None:
    """Shows how many rows there are; nobody knows how many more there will be."""
    if rows // 20_000 != (rows - 1) // 20_000:
        _go_on(ctx)
        ctx.progress(READ * rows / (rows + 200_000), f"{rows:,} rows read")


def _go_on(ctx: Context[Params]) -> None:
    if ctx.is_cancelled():
        raise Cancelled


def _done(ctx: Context[Params], making: Making, files: list[File], folder: Path) -> Done:
    """The record of the run, and the mail if there is one."""
    params, problem = ctx.params, making.words.problem
    messages: tuple[Message, ...] = ()
    template: Mapping[str, Any] = {}
    outcome, said = "kept", f"{making.drawn.rows:,} rows in {', '.join(params.export_formats)}"
    if params.email_enabled and params.email_send_only_if_data and not making.drawn.rows:
        outcome, said = "empty", "not mailed: there are no rows"
    elif params.email_enabled:
        mailed = message_of(ctx, making, files, folder)
        messages, problem, template = (mailed.message,), problem or mailed.problem, mailed.template
        outcome, said = "sent", f"{said}, mailed"
    if problem:
        ctx.log("a line is in Tocsin's words", why=problem)
    found = {**record(making, outcome, said, files), **template}
    return Done(found | ({"wordingProblem": problem} if problem else {}), messages)


def record(making: Making, outcome: str, sentence: str, files: list[File]) -> dict[str, Any]:
    """Return the decision record that the run keeps."""
    as_of = making.drawn.data_as_of
    return {
        "outcome": outcome,
        "notified": outcome == "sent",
        "sentence": sentence,
        "definitionId": str(making.row.id),
        "definitionVersion": making.row.version,
        "reportType": making.row.name,
        "parameters": as_told(making.values),
        "recordCount": making.drawn.rows,
        "dataAsOf": rfc3339(as_of) if as_of else None,
        "files": [{"name": file.kept.name, "sizeBytes": file.kept.size_bytes} for file in files],
    }


KIND = Kind(
    name="report.export",
    Params=Params,
    run=run,
    summary="makes a report in several formats, keeps the files and mails them",
    queue="reports",
    timeout_seconds=1800,
    made_at="/api/scheduled-reports",
)
