"""The mail of a threshold alert: one for all segments that there is something to tell of, in text and in HTML."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from workers.alerting import chart
from workers.alerting.chart import Picture
from workers.alerting.check import Decision
from workers.alerting.machine import ALARMING
from workers.alerting.notices import Code
from workers.alerting.words import rough, span
from workers.branding import Branding
from workers.formats.numbers import with_unit
from workers.formats.png import of_svg
from workers.formats.report import MissingExtra
from workers.graphs import Graph
from workers.kinds import pages
from workers.kinds.pages import Made
from workers.outcome import Attachment, Message

MOST_SHOWN = 50
# As sentences name instants, which a record keeps in UTC and a reader wants on his own clock.
_INSTANT = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
# What each notice is headed by, the tone it is shown in, and the word that its subject begins with.
HEADS: dict[Code, tuple[str, str, str]] = {
    "fired": ("Threshold crossed", "alarm", "Alert"),
    "escalated": ("Worse", "alarm", "Worse"),
    "repeated": ("Still crossed", "alarm", "Still"),
    "resolved": ("Back to normal", "calm", "Recovered"),
    "no_data": ("No data", "unknown", "No data"),
    "could_not_check": ("Could not check", "unknown", "Could not check"),
}
STILL = ("Still crossed", "alarm", "Still")


def _drawn(picture: Picture, local: datetime) -> bytes | None:
    """The picture as a mail shows it; None where the extra that draws is not installed, and the mail does without."""
    try:
        return of_svg(chart.draw(picture), chart.told(picture), chart.WIDTH, local)
    except MissingExtra:
        return None


class Told(NamedTuple):
    """What a mail tells of: a check of an alert, at a slot in the schedule's own zone, by a run; and how a segment went."""

    alert_id: UUID
    alert_name: str
    graph: Graph
    decisions: Mapping[str, Decision]
    local: datetime
    timezone: str
    run_id: UUID
    picture: Callable[[Decision], Picture | None] = lambda _: None
    draw: Callable[[Picture, datetime], bytes | None] = _drawn


def render(told: Told, recipients: Sequence[str], brand: Branding) -> Made:
    """Return the mail about what changed, and about what still fires beside it; all times are in the schedule's zone."""
    members = members_of(told)
    first = members[0]
    picture = told.picture(next(each for each in told.decisions.values() if each.finding.segment == first["segment"]))
    drawn = None if picture is None else told.draw(picture, told.local)
    as_of = next((each.finding.data_as_of for each in told.decisions.values() if each.finding.data_as_of), None)
    is_single = is_whole(told, members)
    counts = _counts(members)
    facts = {
        "alert": told.alert_name,
        "graph": told.graph.name,
        "headline": first["headline"] if is_single else counts,
        "tone": first["tone"],
        "is_single": is_single,
        "members": members[:MOST_SHOWN],
        "left_out": max(0, len(members) - MOST_SHOWN),
        "slot": _spoken(told.local),
        "timezone": told.timezone,
        "data_as_of": _spoken(as_of.astimezone(told.local.tzinfo)) if as_of else "",
        "run_id": str(told.run_id),
        "has_chart": drawn is not None,
        "chart_of": first["segment"] or told.graph.name,
        "chart_alt": "" if drawn is None or picture is None else chart.told(picture),
    }
    text, html = pages.fill("threshold_alert", facts, brand)
    subject = subject_of(told, members)
    context = facts | {
        "subject": subject,
        "unit": told.graph.unit,
        "slot_at": told.local,
        "data_as_of_at": as_of.astimezone(told.local.tzinfo) if as_of else None,
        "brand": pages.branded(brand),
    }
    is_calm = all(member["tone"] == "calm" for member in members)
    since = min((each.row.firing_since or each.row.since for each in told.decisions.values()), default=told.local)
    message = Message(
        to=tuple(recipients),
        subject=subject,
        text=text,
        html=html,
        attachments=() if drawn is None else (Attachment("chart.png", "image/png", drawn, "chart"),),
        actions=("not_useful", "unsubscribe") if is_calm else ("acknowledge", "snooze", "not_useful", "unsubscribe"),
        thread=f"{told.alert_id} {_began(told, since):%Y-%m-%dT%H:%M:%S}",
        why=f"You get this as a recipient of the alert {told.alert_name}.",
    )
    return Made(message, context)


def members_of(told: Told) -> list[dict[str, Any]]:
    """Return what there is to tell of each segment, and of what still fires beside it, the worst first."""
    members = [_member(each, told) for each in told.decisions.values() if each.notice.is_told or _still(each)]
    order = {name: place for place, name in enumerate(("Alert", "Worse", "Still", "No data", "Could not check"))}
    members.sort(key=lambda member: order.get(member["word"], len(order)))
    return members


def is_whole(told: Told, members: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the alert has no segments."""
    return len(told.decisions) == 1 and not members[0]["segment"]


def subject_of(told: Told, members: Sequence[Mapping[str, Any]]) -> str:
    """Return what is told in one line: `Alert: orders is 4`, `orders: 2 new, 1 still`."""
    if is_whole(told, members):
        return f"{members[0]['word']}: {told.alert_name}{_said(members[0])}"
    return f"{told.alert_name}: {_counts(members)}"


def _began(told: Told, since: datetime) -> datetime:
    """When what is told of began, so that all mails of one firing are one thread: its recovery knows it from before."""
    before = [each.before.firing_since for each in told.decisions.values() if each.before and each.before.firing_since]
    return min([since, *before]).astimezone(UTC)


def _said(member: Mapping[str, Any]) -> str:
    return f" is {member['value']}" if member["value"] and member["tone"] != "unknown" else ""


def _still(each: Decision) -> bool:
    """Whether it fires, as its recipients know, and there is nothing new of it."""
    return not each.notice.is_told and each.row.alarm in ALARMING and each.row.is_told


def _member(each: Decision, told: Told) -> dict[str, Any]:
    finding, style = each.finding, told.graph.style
    headline, tone, word = HEADS.get(each.notice.code, STILL) if each.notice.is_told else STILL
    sentence = each.notice.sentence if each.notice.is_told else finding.sentence
    since = each.row.firing_since or each.row.since
    return {
        "segment": finding.segment,
        "headline": headline,
        "tone": tone,
        "word": word,
        "value": "" if finding.value is None else with_unit(finding.value, style),
        "figure": finding.value,
        "sentence": _sentence(sentence, told),
        "since": "" if tone == "calm" or since == each.row.slot else _spoken(since.astimezone(told.local.tzinfo)),
        "lasted": _lasted(each, told),
        "began": (each.row.firing_since or (each.before.firing_since if each.before else None) or since).astimezone(
            told.local.tzinfo
        ),
        "period": _period(finding.start, finding.end, told),
        "baseline": "" if finding.baseline is None else rough(finding.baseline, style),
        "baseline_figure": finding.baseline,
    }


def _sentence(text: str, told: Told) -> str:
    """The sentence as one, with its instants in the schedule's zone."""
    local = _INSTANT.sub(lambda found: _spoken(datetime.fromisoformat(found[0]).astimezone(told.local.tzinfo)), text)
    return local[:1].upper() + local[1:] + ("" if local.endswith(".") else ".")


def _lasted(each: Decision, told: Told) -> str:
    """For how long it had fired, once that is over."""
    began = each.before.firing_since if each.before and each.notice.code == "resolved" else None
    if began is None or each.row.firing_since is not None:
        return ""
    return f"{span(told.local - began)}, since {_spoken(began.astimezone(told.local.tzinfo))}"


def _period(start: datetime | None, end: datetime | None, told: Told) -> str:
    """The period that the figure is of, as people call it; empty for a reading."""
    if start is None or end is None:
        return ""
    first, after = start.astimezone(told.local.tzinfo), end.astimezone(told.local.tzinfo)
    grain = told.graph.grain
    if grain == "year":
        return f"{first:%Y}"
    if grain == "quarter":
        return f"Q{(first.month + 2) // 3} {first:%Y}"
    if grain == "month":
        return f"{first:%B %Y}"
    if grain == "week":
        return f"{_day(first)} to {_day(after - timedelta(days=1))}"
    return _day(first) if grain == "day" else f"{_spoken(first)} to {after:%H:%M}"


def _counts(members: Sequence[Mapping[str, Any]]) -> str:
    """`2 new, 1 still, 1 recovered`."""
    names = {
        "Alert": "new",
        "Worse": "worse",
        "Still": "still",
        "Recovered": "recovered",
        "No data": "without data",
        "Could not check": "not checked",
    }
    words = [member["word"] for member in members]
    return ", ".join(f"{words.count(word)} {name}" for word, name in names.items() if word in words)


def _day(local: datetime) -> str:
    return f"{local:%a} {local.day} {local:%b %Y}"


def _spoken(local: datetime) -> str:
    return f"{_day(local)}, {local:%H:%M}"
