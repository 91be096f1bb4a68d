"""The editor of an alert's rule: its fields in groups, the basic ones first, and its threshold drawn on the past as it is dragged."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args
from uuid import UUID

from fastapi import Query
from fastapi.responses import Response

from api import timings
from api.alert_checks import BacktestIn
from api.kpi_alert_bodies import KpiAlertIn, KpiAlertPatch
from api.kpi_schedules import Frequency
from api.pages.alert_refusals import at_fields, lacking
from api.pages.backtests import Redrawn, redraw, wanted
from api.pages.forms import ETAG, Form, Typed, Values, read_as
from api.pages.page import EditorPage, Page, told
from api.pages.rooms import Field, names_of
from api.pages.route import pages
from api.problems import Refusal
from api.routes import calendars, channels, dashboards, graphs, kpi_alerts, templates
from workers.alerting.periods import Season
from workers.alerting.policy import BaselineName, WithoutAnswer, ZeroBase
from workers.kinds.report_options import AttachmentType, Shift

router = pages("alert forms")
Type = Literal["threshold", "schedule"]
# What is only the page's: over how many days the past is drawn.
TRY = "try."
_ROLES = ("viewer", "editor", "admin")
CONDITION_WORDS: Final = {
    "GREATER_THAN": "is above",
    "GREATER_THAN_OR_EQUAL": "is at or above",
    "LESS_THAN": "is below",
    "LESS_THAN_OR_EQUAL": "is at or below",
    "EQUAL": "is exactly",
    "NOT_EQUAL": "is not",
    "BETWEEN": "is between",
    "OUTSIDE": "is outside",
}
MEASURE_WORDS: Final = {
    "value": "the figure",
    "change": "its change",
    "percentChange": "its change in %",
    "anomaly": "how unusual it is (an anomaly)",
    "noData": "that there is none",
    "freshness": "its age in seconds",
}


class Group(NamedTuple):
    """Fields that belong together; what few need is folded."""

    title: str
    fields: tuple[Field, ...]
    is_folded: bool = True
    note: str = ""


def _words(names: Sequence[str], blank: str | None = None) -> list[tuple[str, str]]:
    return [*([("", blank)] if blank is not None else []), *((each, each) for each in names)]


def _seconds(name: str, label: str, hint: str = "") -> Field:
    return Field(name, label, "number", hint or "In seconds.", may_be_null=True)


NAMED = Group(
    "Alert",
    (
        Field("alertName", "Name", required=True),
        Field("description", "What it is about", hint="Who is told reads it too."),
    ),
    is_folded=False,
)
WATCHED = Group(
    "What is watched",
    (
        Field("graphId", "Graph", "choice", choices=names_of(graphs.list_graphs), required=True),
        Field("threshold.measure", "It fires when", "choice", choices=list(MEASURE_WORDS.items())),
        Field("threshold.condition", "Condition", "choice", choices=list(CONDITION_WORDS.items())),
        Field("threshold.thresholdValue", "Threshold", "number", may_be_null=True),
        Field("threshold.thresholdHigh", "Upper threshold", "number", "Of between and outside.", may_be_null=True),
        Field(
            "threshold.checkCron",
            "Checked at",
            hint="A cron expression; blank: as often as its schedule says.",
            placeholder="*/5 * * * *",
            may_be_null=True,
        ),
    ),
    is_folded=False,
)
RULE: Final = (
    Group(
        "Compared with what",
        (
            Field("threshold.baseline", "Baseline", "choice", "Of a change.", _words(get_args(BaselineName), "-"), may_be_null=True),
            Field("threshold.baselinePeriods", "Its periods", "number", may_be_null=True),
            Field("threshold.season", "Season", "choice", "Of an anomaly or a forecast: which earlier periods are alike.", _words(get_args(Season))),
            Field("threshold.historyPeriods", "Periods of an anomaly", "number", "30 if blank.", may_be_null=True),
            Field("threshold.minimumChange", "Smallest change that counts", "number", may_be_null=True),
            Field("threshold.minimumBase", "Smallest baseline that counts", "number", may_be_null=True),
            Field("threshold.zeroBase", "From zero", "choice", choices=_words(get_args(ZeroBase))),
            Field("threshold.completePeriodsOnly", "Judge only periods that are over", "flag"),
            Field("threshold.lagPeriods", "Figures come late by", "number", "In periods.", may_be_null=True),
            Field("threshold.timezone", "Time zone", hint="Blank: the tenant's.", placeholder="Europe/Madrid", may_be_null=True),
        ),
    ),
    Group(
        "Before it fires, and before it is over",
        (
            _seconds("threshold.guards.forSeconds", "Fires once it held for"),
            Field("threshold.guards.matches.n", "or in so many", "number", may_be_null=True),
            Field("threshold.guards.matches.of", "of the last checks", "number", may_be_null=True),
            Field("threshold.guards.recoverThreshold", "Is over only beyond", "number", "A threshold on its good side.", may_be_null=True),
            _seconds("threshold.guards.keepFiringForSeconds", "Is over once it did not hold for"),
            Field("threshold.guards.noData", "Without data", "choice", choices=_words(get_args(WithoutAnswer))),
            Field("threshold.guards.onError", "Without an answer", "choice", choices=_words(get_args(WithoutAnswer))),
        ),
    ),
    Group(
        "Further conditions",
        (
            Field("threshold.match", "They hold together with the first if", "choice", choices=_words(("all", "any"))),
            Field("threshold.also", "Conditions", "json", "JSON, such as the placeholder; or a group with match and conditions.", rows=4, may_be_null=True, placeholder='[{"measure": "percentChange", "condition": "LESS_THAN", "thresholdValue": -10}]'),
        ),
    ),
    Group(
        "When people are told",
        (
            _seconds("threshold.notify.repeatSeconds", "Once more while it fires, every"),
            Field("threshold.notify.escalateByPercent", "Once more when worse by", "number", "In % of the figure last told.", may_be_null=True),
            Field("threshold.notify.escalateAt", "Once more beyond", "lines", "Thresholds, one a line.", rows=2),
            Field("threshold.notify.resolved", "Tell them that it is over", "flag"),
            _seconds("threshold.notify.minSecondsBetweenNotices", "Between notices at least"),
            Field("threshold.notify.quietHours", "Quiet hours", "json", "JSON, such as the placeholder.", rows=3, may_be_null=True, placeholder='{"timezone": "Europe/Madrid", "windows": [{"from": "22:00", "until": "07:00"}]}'),
        ),
    ),
)  # fmt: skip
SENT = Group(
    "What is sent, and when",
    (
        Field("graphId", "Graph", "choice", "Or a dashboard.", lambda page: [("", "-"), *names_of(graphs.list_graphs)(page)], may_be_null=True),
        Field("dashboardId", "Dashboard", "choice", choices=lambda page: [("", "-"), *names_of(dashboards.list_dashboards)(page)], may_be_null=True),
        Field("schedule.frequencyInterval", "Each", "choice", "Or a cron expression.", _words(get_args(Frequency), "-"), may_be_null=True),
        Field("schedule.scheduleHour", "Hour", "number", may_be_null=True),
        Field("schedule.scheduleMinute", "Minute", "number", may_be_null=True),
        Field("schedule.selectedDays", "Days", "lines", "One a line: mon, 15, last day, first business day.", rows=2),
        Field("schedule.cron", "Cron expression", placeholder="0 8 * * mon-fri", may_be_null=True),
        Field("schedule.attachmentType", "Attached as", "choice", choices=_words(get_args(AttachmentType))),
    ),
    is_folded=False,
)  # fmt: skip
REPORT: Final = (
    Group(
        "Only if",
        (
            Field("schedule.gatingCondition.expression", "This is true", hint="CEL, such as revenue > 10000 && rows > 0.", may_be_null=True),
            Field("schedule.gatingCondition.conditions", "These conditions hold", "json", rows=3, may_be_null=True, placeholder='[{"of": "value", "condition": "GREATER_THAN", "thresholdValue": 100}]'),
            Field("schedule.gatingCondition.match", "of which", "choice", choices=_words(("all", "any"))),
            Field("schedule.gatingCondition.onlyIfChanged", "The figures changed since it was last sent", "flag"),
            Field("schedule.freshness.maxAgeSeconds", "The figures are not older than", "number", "In seconds.", may_be_null=True),
            _seconds("schedule.freshness.waitSeconds", "It waits for them for"),
            Field("schedule.freshness.otherwise", "and then", "choice", choices=_words(("send", "skip"))),
        ),
    ),
    Group(
        "How it looks and recurs",
        (
            Field("schedule.subtitle", "Subtitle"),
            Field("schedule.periods", "Periods shown", "number", "30 if blank.", may_be_null=True),
            Field("schedule.every", "Every so many", "number", "Of the days, weeks, months above.", may_be_null=True),
            Field("schedule.from", "Counted from", placeholder="2026-01-05", may_be_null=True),
            Field("schedule.shift", "On a day of the calendar", "choice", choices=_words(get_args(Shift))),
            Field("schedule.timezone", "Time zone", hint="Blank: the tenant's.", may_be_null=True),
            Field("schedule.audiences", "Audiences", "json", "Recipients with a security context of their own.", rows=3, may_be_null=True, placeholder='[{"recipients": ["ann@example.com"], "context": {"region": "north"}}]'),
        ),
    ),
)  # fmt: skip
TOLD = Group(
    "Who is told",
    (
        Field("recipients.people", "People", "lines", "An address a line.", rows=3),
        Field("recipients.roles", "Everybody who is", "boxes", choices=[(each, each) for each in _ROLES]),
        Field("channels", "Channels", "boxes", choices=names_of(channels.list_channels)),
        Field("recipients.graphId", "Addresses in a graph", "choice", choices=lambda page: [("", "-"), *names_of(graphs.list_graphs)(page)], may_be_null=True),
        Field("recipients.column", "in its column", may_be_null=True),
    ),
    is_folded=False,
)  # fmt: skip
BESIDES = Group(
    "Wording, calendar and lateness",
    (
        Field("templateId", "Template", "choice", "Its words; Tocsin's if none.", lambda page: [("", "-"), *names_of(templates.list_templates)(page)], may_be_null=True),
        Field("calendarId", "Calendar", "choice", "On its days it is not checked.", lambda page: [("", "-"), *names_of(calendars.list_calendars)(page)], may_be_null=True),
        Field("deliverWithinSeconds", "Through within", "number", "In seconds after its slot; its owner is told when it is later.", may_be_null=True),
        Field("tags", "Tags", "lines", rows=2),
    ),
)  # fmt: skip
GROUPS: Final[Mapping[str, tuple[Group, ...]]] = {
    "threshold": (NAMED, WATCHED, *RULE, TOLD, BESIDES),
    "schedule": (NAMED, SENT, *REPORT, TOLD, BESIDES),
}
DEFAULTS: Final = {
    "threshold.measure": "value",
    "threshold.condition": "GREATER_THAN",
    "threshold.checkCron": "*/5 * * * *",
    "threshold.season": "none",
    "threshold.zeroBase": "new",
    "threshold.completePeriodsOnly": True,
    "threshold.match": "all",
    "threshold.guards.noData": "keep",
    "threshold.guards.onError": "keep",
    "threshold.notify.resolved": True,
    "schedule.attachmentType": "none",
    "schedule.gatingCondition.match": "all",
    "schedule.freshness.otherwise": "send",
    "schedule.shift": "skip",
}


@router.get("/alerts/new")
def new_alert(page: EditorPage, alert_type: Annotated[Type, Query(alias="type")] = "threshold") -> Response:
    """The empty form; `?graphId=` names the graph."""
    return _form(page, Values({**DEFAULTS, "graphId": page.query["graphId"]}), alert_type)


@router.post("/alerts/new")
def make_alert(page: EditorPage, form: Typed) -> Response:
    """Makes an alert."""
    alert_type = "schedule" if form["alertType"] == "schedule" else "threshold"
    page.if_refused(lambda refusal: _form(page, shown_again(form, alert_type), alert_type, refusal))
    body = without_nothing(body_of(form))
    made = told(kpi_alerts.create_kpi_alert(page.asking, read_as(KpiAlertIn, body)))
    return page.done(f"/alerts/{made['id']}", f"The alert {made['alertName']} is made.")


@router.post("/alerts/new/backtest")
def backtest_new_alert(page: EditorPage, form: Typed, *, is_draft: bool = False) -> Response:
    """What the typed rule would have told; nothing is saved."""
    return _tried(page, form, "schedule" if form["alertType"] == "schedule" else "threshold", None, is_draft=is_draft)


@router.get("/alerts/{alert_id}/edit")
def edit_alert(page: EditorPage, alert_id: UUID) -> Response:
    """The form, as the alert is."""
    alert = _row(page, alert_id)
    return _form(page, values_of(alert), alert["alertType"], row=alert)


@router.post("/alerts/{alert_id}/edit")
def save_alert(page: EditorPage, alert_id: UUID, form: Typed) -> Response:
    """Saves what was changed."""
    alert = _row(page, alert_id)
    kind = alert["alertType"]
    page.if_refused(lambda refusal: _form(page, shown_again(form, kind), kind, refusal, row=alert))
    body = body_of(form)
    saved = told(kpi_alerts.edit_kpi_alert(page.read_as(form[ETAG]), alert_id, read_as(KpiAlertPatch, body)))
    return page.done(f"/alerts/{alert_id}", f"The alert {saved['alertName']} is saved.")


@router.post("/alerts/{alert_id}/backtest")
def backtest_alert(page: EditorPage, alert_id: UUID, form: Typed, *, is_draft: bool = False) -> Response:
    """What the rule as typed would have told; nothing is saved."""
    alert = _row(page, alert_id)
    return _tried(page, form, alert["alertType"], alert, is_draft=is_draft)


def body_of(form: Form) -> dict[str, Any]:
    """The body as it was typed, with the recipients as one list; null where a field was left blank."""
    body = tidied(form.without(TRY).raw())
    if "recipients" in body:
        typed = body["recipients"] or {}
        rules: list[Any] = [{"role": each} for each in typed.get("roles") or ()]
        if typed.get("graphId") or typed.get("column"):
            rules.append({"graphId": typed.get("graphId"), "column": typed.get("column") or ""})
        body["recipients"] = [*(typed.get("people") or ()), *rules, *(typed.get("more") or ())]
    gate = (body.get("schedule") or {}).get("gatingCondition")
    if gate is not None and not (gate.get("expression") or gate.get("conditions") or gate.get("onlyIfChanged")):
        body["schedule"]["gatingCondition"] = None
    elif gate is not None:
        body["schedule"]["gatingCondition"] = without_nothing(gate)
    fresh = (body.get("schedule") or {}).get("freshness")
    if fresh is not None and fresh.get("maxAgeSeconds") is None:
        body["schedule"]["freshness"] = None
    return body


def tidied(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body, where a part of which every field was left blank is null."""
    found: dict[str, Any] = {}
    for name, value in body.items():
        part = tidied(value) if isinstance(value, dict) else value
        is_blank = isinstance(part, dict) and all(each is None for each in part.values())
        found[name] = None if is_blank else part
    return found


def without_nothing(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body without what is null."""
    return {
        name: without_nothing(value) if isinstance(value, dict) else value
        for name, value in body.items()
        if value is not None
    }


def values_of(alert: Mapping[str, Any]) -> Values:
    """The values of the form's fields, of an alert as the API shows it."""
    given = {name: value for name, value in alert.items() if value is not None}
    found = Values({**DEFAULTS, **Values.of(given)})
    if "checkCron" not in (alert["threshold"] or {}):
        # It is checked by an interval or a recurrence, which no field of the form tells.
        found["threshold.checkCron"] = ""
    listed = alert["recipients"]
    of_graphs = [each for each in listed if isinstance(each, dict) and "column" in each]
    first = of_graphs[0] if of_graphs else {}
    people = [each for each in listed if isinstance(each, str)]
    roles = [each["role"] for each in listed if isinstance(each, dict) and "role" in each]
    found["recipients.people"], found["recipients.roles"] = people, roles
    found["recipients.graphId"], found["recipients.column"] = first.get("graphId", ""), first.get("column", "")
    found["recipients.more"] = of_graphs[1:]
    return found


def shown_again(form: Form, alert_type: str) -> Values:
    """What was typed: of boxes all, and of a flag whether it is ticked."""
    values = form.typed()
    for each in fields_of(alert_type):
        if each.kind == "boxes":
            values[each.name] = [value for value in form.all(each.name) if value]
        elif each.kind == "flag":
            values[each.name] = form[each.name] == "yes"
    return values


def fields_of(alert_type: str) -> list[Field]:
    """All fields of an alert's form."""
    return [field for group in GROUPS[alert_type] for field in group.fields]


def shown_names(page: Page, alert: Mapping[str, Any]) -> dict[str, str]:
    """The names of what an alert names by id, for links to it."""
    found: dict[str, str] = {}
    for field, listed in (("graphId", graphs.list_graphs), ("dashboardId", dashboards.list_dashboards)):
        if alert[field]:
            found |= dict(names_of(listed)(page))
    if alert["channels"]:
        found |= dict(names_of(channels.list_channels)(page))
    return found


def _row(page: Page, alert_id: UUID) -> dict[str, Any]:
    response = kpi_alerts.get_kpi_alert(page.asking, alert_id)
    return told(response) | {"etag": response.headers.get("etag", "")}


def _tried(page: Page, form: Form, alert_type: str, alert: dict[str, Any] | None, *, is_draft: bool) -> Response:
    values = shown_again(form, alert_type)
    if lacking(values, values[f"{TRY}days"]):
        return _form(page, values, alert_type, row=alert, is_trying=True)
    page.if_refused(lambda refusal: _form(page, values, alert_type, refusal, row=alert, is_trying=True))
    body = without_nothing(wanted(body_of(form)))
    if alert is not None and "threshold" in body and "checkCron" not in body["threshold"]:
        body["threshold"] |= {name: value for name, value in alert["threshold"].items() if name in timings.NAMES}
    days = form[f"{TRY}days"]
    redrawn = redraw(
        page, read_as(BacktestIn, body), int(days) if days in ("1", "7", "30", "90") else 90, is_draft=is_draft
    )
    return _form(page, values, alert_type, row=alert, redrawn=redrawn, is_trying=True)


def _form(
    page: Page,
    values: Values,
    alert_type: str,
    refusal: Refusal | None = None,
    *,
    row: Mapping[str, Any] | None = None,
    redrawn: Redrawn | None = None,
    is_trying: bool = False,
) -> Response:
    # Only the picture of an answer to htmx is looked at: what can be chosen is not asked for again.
    is_part = is_trying and page.request.headers.get("hx-request") == "true"
    groups = [
        group._replace(
            fields=tuple(
                each if is_part else replace(each, choices=each.options(page, values[each.name]))
                for each in group.fields
            )
        )
        for group in GROUPS[alert_type]
    ]
    labels = {each.name: each.label for each in fields_of(alert_type)}
    return page.show(
        "alerts/part.html.j2" if is_part else "alerts/form.html.j2",
        groups=groups,
        values=values,
        alert_type=alert_type,
        refusal=refusal and at_fields(refusal, values, labels),
        lacks=lacking(values, values[f"{TRY}days"]) if alert_type == "threshold" else "",
        labels=labels,
        row=row,
        redrawn=redrawn,
        is_trying=is_trying,
        at=f"/alerts/{row['id']}" if row else "/alerts/new",
    )
