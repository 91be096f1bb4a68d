"""What templates are for: each purpose with what its templates may speak of, and samples made as its messages are made.

A new purpose is one entry in PURPOSES, and its table in docs/templates.md.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache, partial
from types import MappingProxyType
from typing import Any
from uuid import UUID

from config.zones import zone
from workers.alerting.chart import Picture, Point
from workers.alerting.check import Decision, check
from workers.alerting.machine import StateRow
from workers.alerting.notify import Facts
from workers.alerting.policy import Policy
from workers.alerting.series import read
from workers.branding import Branding
from workers.formats.report import Report
from workers.graphs import Graph
from workers.kinds import pulse_mail, report_mail, report_purposes, threshold_mail
from workers.kinds.pages import Made
from workers.outcome import Attachment
from workers.pulses.evidence import gather
from workers.pulses.fallback import fallback
from workers.pulses.page import make
from workers.reporting import Part, part_of
from workers.sources import Column, Table

ZONE = "Europe/Paris"
BRAND = Branding("Acme", "#0b5fff", "Acme Ltd\nParis")
READER = ("ann@example.com",)
_ID = UUID("0192f0c1-0000-7000-8000-000000000001")
_SLOT = datetime(2026, 11, 23, 8, 0, tzinfo=zone(ZONE))
_GRAPH = Graph(_ID, "Revenue", _ID, "select 1", "€", "number", None, "value", "day", "day", [], 3, is_failing=False)


@dataclass(frozen=True)
class Purpose:
    """A sort of message. `fields`: what a template may speak of, by its path; `samples`: messages, each by its name."""

    summary: str
    fields: Mapping[str, str]
    samples: Callable[[], Mapping[str, Made]]


def paths_of(value: Any, path: str = "") -> dict[str, str]:
    """Return each path that leads to a value of a context, with the sort of the value."""
    if isinstance(value, Mapping):
        inner = [paths_of(each, f"{path}.{name}".lstrip(".")) for name, each in value.items()]
    elif isinstance(value, (list, tuple)):
        inner = [paths_of(each, f"{path}[]") for each in value]
    else:
        sorts = {bool: "yes or no", int: "number", Decimal: "number", datetime: "time", str: "text"}
        return {path: next((said for sort, said in sorts.items() if isinstance(value, sort)), "nothing")}
    found: dict[str, str] = {}
    for each in inner:
        # What is null in one place of a list is something in another.
        found |= {name: sort for name, sort in each.items() if sort != "nothing" or name not in found}
    return found


@cache
def _threshold_samples() -> Mapping[str, Made]:
    rule = Policy.model_validate(
        {"condition": "LESS_THAN", "measure": "percentChange", "thresholdValue": -10, "baseline": "previousPeriod"}
    )
    by_country = _GRAPH._replace(segment_by=["country"])
    fell = _checked(rule, _GRAPH, [(("2026-11-21", 5200), ("2026-11-22", 4100))])
    back = [(("2026-11-20", 5200), ("2026-11-21", 4100)), (("2026-11-21", 4100), ("2026-11-22", 5000))]
    segments = [
        [
            ("2026-11-20", "France", 5200),
            ("2026-11-21", "France", 4100),
            ("2026-11-20", "Spain", 100),
            ("2026-11-21", "Spain", 120),
        ],
        [
            ("2026-11-21", "France", 4100),
            ("2026-11-22", "France", 5000),
            ("2026-11-21", "Spain", 120),
            ("2026-11-22", "Spain", 60),
        ],
    ]
    return {
        "fired": _told(_GRAPH, fell),
        "resolved": _told(_GRAPH, _checked(rule, _GRAPH, back)),
        "segments": _told(by_country, _checked(rule, by_country, segments)),
        "no_data": _told(_GRAPH, _checked(rule.model_copy(update={"guards": _SAID}), _GRAPH, [()])),
    }


_SAID = Policy.model_validate({"thresholdValue": 0, "guards": {"noData": "message"}}).guards


def _checked(rule: Policy, graph: Graph, days: Sequence[Sequence[tuple[Any, ...]]]) -> dict[str, Decision]:
    """The decisions of the last of some checks, a day apart, of a table each."""
    rows: dict[str, StateRow] = {}
    decisions: dict[str, Decision] = {}
    columns = ["day", *graph.segment_by, "value"]
    for place, table in enumerate(days):
        slot = _SLOT.replace(day=_SLOT.day - len(days) + 1 + place)
        reading = read(columns, [(*row[:-1], Decimal(row[-1])) for row in table], graph.meaning(ZONE), slot)
        decisions = check(rule, reading, rows, Facts(alert_id=str(_ID)), slot)
        rows |= {segment: each.row for segment, each in decisions.items()}
    return decisions


def _told(graph: Graph, decisions: Mapping[str, Decision]) -> Made:
    """The mail as a run would send it, with the place of a picture where there is a figure; none is drawn for a sample."""
    told = threshold_mail.Told(
        _ID, "Revenue fell", graph, decisions, _SLOT, ZONE, _ID, _picture, lambda *_: b"its picture"
    )
    return threshold_mail.render(told, READER, BRAND)


def _picture(decision: Decision) -> Picture | None:
    newest = Point(_SLOT, decision.finding.value)
    picture = Picture([newest._replace(number=Decimal(5200)), newest], _GRAPH.style, zone(ZONE), "LESS_THAN")
    return picture if newest.number is not None else None


@cache
def _report_samples() -> Mapping[str, Made]:
    sales = _GRAPH._replace(name="Sales by country", time_dimension=None, grain=None, segment_by=["country"])
    days = _table("day", [(date(2026, 11, day), Decimal(4000 + 37 * day)) for day in range(16, 23)], "date")
    countries = _table("country", [("France", Decimal(4100)), ("Spain", Decimal(1200))], "text")
    parts = [part_of(_GRAPH, days, ZONE), part_of(sales, countries, ZONE)]
    return {
        "report": _sent(parts, subtitle="Every Monday", attached=["weekly-sales-2026-11-23.pdf"]),
        "late": _sent(
            parts[1:],
            notes=("Late data: its figures are 2 d old.",),
            links={"weekly-sales.csv": "", "weekly-sales.xlsx": "https://tocsin.example.com/f/token"},
        ),
        "empty": _sent([part_of(_GRAPH, _table("day", [], "date"), ZONE)]),
    }


def _table(first: str, rows: list[tuple[Any, ...]], holds: Any) -> Table:
    return Table((Column(first, holds, holds), Column("value", "numeric", "number")), rows, _SLOT, 0.0)


def _sent(
    parts: Sequence[Part | str],
    *,
    subtitle: str = "",
    notes: tuple[str, ...] = (),
    attached: Sequence[str] = (),
    links: Mapping[str, str] = MappingProxyType({}),
) -> Made:
    known = [part for part in parts if isinstance(part, Part)]
    report = Report(
        title="Weekly sales",
        slot=_SLOT,
        sections=tuple(part.section for part in known),
        subtitle=subtitle,
        data_as_of=_SLOT,
        notes=notes,
        brand=BRAND,
    )
    sheet = report_mail.Sheet(report, "none", _ID, ZONE)
    return report_mail.worded(sheet, READER, BRAND, attached=attached, links=links)


@cache
def _export_samples() -> Mapping[str, Made]:
    days = _table("day", [(date(2026, 11, day), Decimal(4000 + 37 * day)) for day in range(16, 23)], "date")
    parts = [part_of(_GRAPH, days, ZONE)]
    made = partial(_sent, subtitle="2026-11-16 to 2026-11-22")
    files = ["weekly-sales-2026-11-23.pdf", "weekly-sales-2026-11-23.csv"]
    link = "https://tocsin.example.com/f/token"
    return {
        "attached": report_purposes.exported(made(parts, attached=files)),
        "linked": report_purposes.exported(made([], notes=("Without the test shop.",)), dict.fromkeys(files, link)),
        "large": report_purposes.exported(made([], links={files[0]: "", files[1]: link})),
    }


@cache
def _pulse_samples() -> Mapping[str, Made]:
    days = _table("day", [(date(2026, 11, day), Decimal(4000 + 37 * day)) for day in range(16, 23)], "date")
    part = part_of(_GRAPH, days, ZONE)
    figures = () if isinstance(part, str) else (part.section,)
    evidence = gather(_SLOT, figures)
    told = pulse_mail.Told("Monday's pulse", _SLOT, ZONE, str(_ID))
    text = (
        "## In short\n\nRevenue stands at 4,814 € on 22 November.\n\n"
        "| Day | Revenue |\n|---|---|\n| 21 November | 4,777 € |\n| 22 November | 4,814 € |"
    )

    def made(
        markdown: str, file: pulse_mail.File | None = None, notes: tuple[str, ...] = (), failure: str = ""
    ) -> Made:
        page = make(markdown, evidence, brand=BRAND)
        if not failure:
            page = page._replace(pictures=(Attachment("chart-1.png", "image/png", b"", "chart-1"),))
        sheet = pulse_mail.Sheet(page, figures, notes, failure)
        return pulse_mail.render(sheet, READER, BRAND, told, file)

    late = fallback(evidence, "the model did not answer in time")
    large = pulse_mail.File(None, "monday.pdf", "https://tocsin.example.com/f/token")
    attached = pulse_mail.File(Attachment("monday.pdf", "application/pdf", b""), "monday.pdf")
    return {
        "pulse": made(text, attached),
        "fallback": made(
            late, large, ("Without figures: Costs: its source gave no answer.",), "the model was too slow"
        ),
        "large": made(text, pulse_mail.File(None, "monday.pdf")),
    }


_EVERYWHERE = {
    "subject": "the subject in Tocsin's words",
    "slot": "the slot in the schedule's zone, as a text",
    "slot_at": "the slot",
    "data_as_of_at": "how old the data is; null where nobody knows",
    "timezone": "the schedule's zone",
    "run_id": "the run",
    "brand.name": "the tenant's name, as its branding has it",
    "brand.footer": "the lines at the end",
    "brand.color": "the colour of the band",
    "brand.text_color": "black or white, whichever is read better on it",
}
PURPOSES: Mapping[str, Purpose] = {
    "kpi.threshold": Purpose(
        "what a threshold alert tells",
        {
            **_EVERYWHERE,
            "alert": "the alert's name",
            "graph": "the graph's name",
            "unit": "the graph's unit",
            "headline": "what happened, such as `Threshold crossed`; of several segments how many of each",
            "tone": "`alarm`, `calm` or `unknown`",
            "is_single": "whether the graph has no segments",
            "left_out": "how many more members there are than are told of",
            "has_chart": "whether the mail has the picture `cid:chart`",
            "chart_of": "whose course the picture shows: the first member's segment, or the graph",
            "chart_alt": "what the picture shows, in words; empty where there is none",
            "data_as_of": "how old the data is, as a text; empty where nobody knows",
            "members[].segment": "the segment; empty for a graph without any",
            "members[].headline": "what happened to it",
            "members[].tone": "`alarm`, `calm` or `unknown`",
            "members[].word": "the same in a word: `Alert`, `Worse`, `Still`, `Recovered`, `No data`, `Could not check`",
            "members[].value": "the figure with its unit; empty without one",
            "members[].figure": "the figure; null without one",
            "members[].sentence": "why, in a sentence",
            "members[].since": "since when it fires; empty where it began at this slot, or is over",
            "members[].began": "when its firing began; where it never fired, its state",
            "members[].lasted": "for how long it fired, once that is over",
            "members[].period": "the period of the figure; empty for a reading",
            "members[].baseline": "what it is compared with, with its unit; empty without one",
            "members[].baseline_figure": "what it is compared with; null without one",
        },
        _threshold_samples,
    ),
    "pulse.report": Purpose(
        "the mail of a pulse",
        {
            **{name: said for name, said in _EVERYWHERE.items() if name != "data_as_of_at"},
            "report": "the pulse's name",
            "text": "the report as it was written and checked, as plain text",
            "is_fallback": "whether no model wrote it",
            "failure": "why none did; empty where one did",
            "notes[]": "which graphs gave no figures",
            "sections[].name": "a heading; empty without one",
            "sections[].headings[]": "the columns of the table below it; one empty one where there are words",
            "sections[].rows[][]": "the table's rows, or the words, each paragraph as a row of one cell",
            "charts[].picture": "the address of a chart in the mail, for `<img src>`",
            "attached[]": "the name of the PDF",
            "too_large[]": "its name where it was too large for a mail, and could not be kept",
            "linked[].name": "its name where it was too large for a mail, and is kept",
            "linked[].link": "where it is downloaded",
        },
        _pulse_samples,
    ),
    "kpi.schedule": Purpose(
        "the mail of a scheduled report",
        {**_EVERYWHERE, **report_purposes.REPORT},
        _report_samples,
    ),
    "report.export": Purpose(
        "the mail of an exported report",
        {**_EVERYWHERE, **report_purposes.EXPORT},
        _export_samples,
    ),
}
