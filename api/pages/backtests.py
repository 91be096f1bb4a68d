"""A threshold on the past, as it is dragged: the source is asked once, and every change is judged on what it gave."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import Any, NamedTuple

from markupsafe import Markup

from api.alert_checks import Asking, BacktestIn, backtest_of, checks_of, read_past
from api.charts.backtest import draw
from api.kpi_thresholds import Threshold
from api.pages.look import span
from api.pages.page import Page
from api.pages.schedules import words_of
from api.pasts import Past
from api.recurrences import told
from api.refusals import BadDefinition, refuse
from api.routes.kpi_alerts import means_of
from config.zones import zone
from scheduler.schedules import read_now
from workers.alerting.backtest import Backtest, backtest
from workers.alerting.lookback import window
from workers.alerting.policy import Policy
from workers.formats.numbers import Style
from workers.sources import SourceUnavailable

# How many judgements are made at most, and how many while it is still being dragged: what each change costs.
MOST_JUDGED, MOST_DRAFTED, LEAST = 40_000, 2_500, 150
PLOTS = 3
SPANS = (90, 30, 7, 1)


class Redrawn(NamedTuple):
    """A backtest as a page shows it: a sentence, pictures of the busiest segments, and what is to be known of it."""

    sentence: str
    plots: list[tuple[str, Markup]]
    cron: str
    notes: list[str]
    is_rough: bool


def redraw(page: Page, body: BacktestIn, days: int, *, is_draft: bool) -> Redrawn:
    """What the policy would have told in the last days. Raises BadDefinition."""
    with page.reading() as conn:
        now = read_now(conn)
        what = backtest_of(conn, page.tenant, body)
    threshold = body.threshold
    past = _past(page, what, now, days)
    days, checks = _checks(threshold, what.timezone, past, days)
    segments = max(len(past.reading.series), 1)
    most = MOST_DRAFTED if is_draft else MOST_JUDGED
    step = min(ceil(segments * len(checks) / most), max(len(checks) // LEAST, 1))
    done = backtest(what.policy, past.reading, checks[::-step][::-1])
    busiest = sorted(done.points, key=lambda name: -sum(each.segment == name for each in done.notices))[:PLOTS]
    handles = handles_of(threshold)
    style = {"percentChange": Style("%"), "freshness": Style(form="duration")}.get(threshold.measure, what.graph.style)
    notes = list(done.notes)
    if step > 1:
        notes.append(
            f"Drawn by every {step}th of {len(checks):,} checks"
            + ("; by all of them once you let go." if is_draft else ".")
        )
    if segments > len(busiest):
        notes.append(f"The {len(busiest)} busiest of {segments} segments are drawn; the sentence counts all.")
    return Redrawn(
        sentence_of(done, days, is_rough=step > 1),
        [(name, draw(done, name, zone(what.timezone), handles, style)) for name in busiest],
        when_of(threshold, what.timezone),
        notes,
        step > 1,
    )


def when_of(threshold: Threshold, timezone: str) -> str:
    """When it is checked, in plain words."""
    return words_of(threshold.check_cron, told(threshold.recurrence), threshold.interval_seconds, timezone, "")


def handles_of(policy: Policy) -> Mapping[str, Decimal]:
    """The thresholds that stand still over time, by their fields: those of an anomaly move with its past."""
    if policy.measure in ("anomaly", "noData"):
        return {}
    found = {"threshold.thresholdValue": policy.threshold_value, "threshold.thresholdHigh": policy.threshold_high}
    return {name: value for name, value in found.items() if value is not None}


def sentence_of(done: Backtest, days: int, *, is_rough: bool) -> str:
    """What it comes to: "In the last 90 days: 4 notifications, 2 resolved, longest 3 d"."""
    resolved = sum(each.code == "resolved" for each in done.notices)
    longest = max((each.ended - each.began for each in done.firings), default=timedelta())
    count = len(done.notices)
    told = f"{count} notification{'' if count == 1 else 's'}" if count else "nobody would have been told"
    parts = [
        told,
        *([f"{resolved} resolved"] if count else []),
        *([f"longest {span(longest)}"] if done.firings else []),
    ]
    if any(not each.is_over for each in done.firings):
        parts.append("firing still")
    ago = "day" if days == 1 else f"{days} days"
    return f"In the last {ago}: {'about ' if is_rough and count else ''}{', '.join(parts)}"


def _checks(threshold: Threshold, timezone: str, past: Past, days: int) -> tuple[int, list[datetime]]:
    """The checks of the last days, of fewer days where they would be too many. Raises BadDefinition."""
    for fewer in [days, *(each for each in SPANS if each < days)]:
        try:
            return fewer, checks_of(threshold, timezone, past.last - timedelta(days=fewer), past.last)
        except BadDefinition as error:
            if fewer == SPANS[-1] or [each.pointer for each in error.problems] != ["from"]:
                raise
    raise AssertionError


def _past(page: Page, what: Asking, now: datetime, days: int) -> Past:
    """What the graph gave of late, asked for anew where that is too old or too short. Raises BadDefinition."""
    graph, source = what.graph, what.source
    key = (page.tenant, page.asking.caller.who, repr(graph), source.id, source.updated_at, what.timezone)
    pasts = page.asking.web.pasts
    found = pasts.find(key)
    last = now if found is None else found.last
    earliest = last - timedelta(days=days)
    needed = window(what.policy, graph.meaning(what.timezone), last, earliest)
    first = earliest if needed is None or needed.start is None else needed.start
    if found is not None and found.first <= first:
        return found
    try:
        reading = read_past(what, means_of(page.asking), last, earliest)
    except SourceUnavailable as error:
        raise refuse("graphId", str(error)) from None
    past = Past(reading, first, last)
    pasts.keep(key, past)
    return past


def wanted(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What of an alert's form a backtest takes."""
    return {name: raw[name] for name in ("graphId", "threshold") if raw.get(name) is not None}
