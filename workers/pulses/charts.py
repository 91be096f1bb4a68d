"""A chart that a text asks for by a small typed spec: drawn from the evidence, by the plots of every report."""

import tempfile
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workers.branding import Branding
from workers.formats import png
from workers.formats.plot import MOST_SERIES
from workers.formats.report import Chart, Report, Section, plain
from workers.outcome import Attachment
from workers.pulses.evidence import Answer, Evidence
from workers.pulses.narrative import Checker

MOST_CHARTS = 6
_SPEC_LETTERS = 2_000


class Spec(BaseModel):
    """What a model may say of a chart: a graph of the evidence, a line or bars, which of its figures, a title."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    graph: Annotated[str, Field(min_length=1, max_length=200)]
    kind: Literal["line", "bars"]
    columns: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=MOST_SERIES)] = Field(
        default_factory=list
    )
    title: Annotated[str, Field(max_length=200)] = ""


def section_of(spec: str, checker: Checker) -> Section | str:
    """Return what a chart's spec asks for as a section, or why it is left out."""
    if len(spec) > _SPEC_LETTERS:
        return "its spec is too long"
    try:
        wanted = Spec.model_validate_json(spec)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"its spec is none: {'.'.join(str(place) for place in first['loc']) or 'spec'}: {first['msg']}"
    answer = checker.evidence.answer(wanted.graph)
    if answer is None:
        return f"the graph {plain(wanted.graph)!r} is not in the evidence"
    return _drawn(wanted, answer, checker)


def _drawn(wanted: Spec, answer: Answer, checker: Checker) -> Section | str:
    x = answer.time
    if x is None:
        x = next((place for place, column in enumerate(answer.columns) if column.type == "text"), None)
    if x is None or not answer.rows:
        return f"the graph {answer.graph!r} has nothing to draw"
    if wanted.kind == "line" and answer.time is None:
        return f"the graph {answer.graph!r} is no course of time, and a line takes one"
    names = {
        name.casefold(): answer.columns[at].name
        for at in answer.numbers
        for name in (answer.columns[at].name, answer.columns[at].heading)
    }
    unknown = [name for name in wanted.columns if name.casefold() not in names]
    if unknown:
        return f"the graph {answer.graph!r} has no figures {plain(unknown[0])!r}"
    chosen = tuple(dict.fromkeys(names[name.casefold()] for name in wanted.columns))
    y = chosen or tuple(answer.columns[at].name for at in answer.numbers[:MOST_SERIES])
    if not y:
        return f"the graph {answer.graph!r} has no figures"
    # A title is a text with numbers like any other.
    is_true = bool(wanted.title.strip()) and not checker.check(wanted.title).unverified
    title = plain(wanted.title).strip() if is_true else answer.graph
    return Section(title, answer.columns, answer.rows, chart=Chart(wanted.kind, answer.columns[x].name, y))


def draw(section: Section, evidence: Evidence, brand: Branding, number: int) -> Attachment:
    """Return a section's chart as a picture within the page, named `chart-N`. Raises MissingExtra without Typst."""
    report = Report(section.name, evidence.slot, (section,), brand=brand)
    with tempfile.TemporaryDirectory(prefix="tocsin-chart-") as folder:
        made = png.render(report, Path(folder))
        content = made.path.read_bytes()
    return Attachment(f"chart-{number}.png", "image/png", content, f"chart-{number}")
