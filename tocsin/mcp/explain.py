"""Why somebody did or did not get something: what the API holds of it, told in sentences."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult

from db.jsonb import rfc3339
from tocsin.mcp import days, nouns, shown
from tocsin.mcp.web import NotThere, Web

_MOST_RUNS = 200
_MOST_TOLD = 5
_OF_SCHEDULE = ("/api/schedules", "/api/kpi-alerts", "/api/scheduled-reports")


class Span(NamedTuple):
    """The instants that are asked about, and how an answer names them."""

    first: datetime | None
    last: datetime
    words: str


async def of_anything(
    web: Web, about: str | None, recipient: str | None, day: str | None, timezone: str | None
) -> CallToolResult:
    """The story of a run, of what a schedule did in a span, or of what became of one recipient's messages."""
    if about is None:
        if recipient is None:
            raise ToolError("about: takes a name or an id, unless a recipient is given")
        return await _of_recipient(web, recipient, await _span(web, day, timezone or "UTC"))
    found = await _thing(web, about)
    if "decision" in found:
        return _of_run(web, found)
    return await _of_schedule(
        web, found, recipient, await _span(web, day, timezone or found["timezone"]), await _alert_of(web, found)
    )


async def _span(web: Web, day: str | None, timezone: str) -> Span:
    now = await web.now()
    if day is None:
        return Span(None, now, "lately")
    first, last = days.span_of(day, timezone, now)
    return Span(first, last, f"from {rfc3339(first)} to {rfc3339(last)}")


async def _thing(web: Web, about: str) -> dict[str, Any]:
    """The run or the schedule that is meant; an alert, a report and a dead letter stand for theirs, a pulse is its own."""
    found = nouns.id_of(about)
    if found is None:
        return await _schedule_named(web, about)
    for path in _OF_SCHEDULE:
        row = await _get(web, f"{path}/{found}")
        if row is not None:
            return row if path == _OF_SCHEDULE[0] else dict(await web.get(f"/api/schedules/{row['scheduleId']}"))
    letter = await _get(web, f"/api/dead-letters/{found}")
    run = await _get(web, f"/api/runs/{letter['runId'] if letter else found}")
    if run is None:
        raise ToolError("about: this tenant has no run, schedule, alert, report, pulse or dead letter of that id")
    return run


async def _get(web: Web, path: str) -> dict[str, Any] | None:
    try:
        return dict(await web.get(path))
    except NotThere:
        return None


async def _schedule_named(web: Web, about: str) -> dict[str, Any]:
    rows = await nouns.named(web, "schedules")
    same = nouns.same_as(about, rows)
    near = nouns.near_by(about, [row["name"] for row in rows])
    if not same and len(near) == 1:
        same = [row for row in rows if row["name"] == near[0]]
    if not same:
        told = f"; which of these?\n{shown.marked(near)}" if near else ""
        raise ToolError(f"about: none of the {len(rows)} schedules is meant by that alone{told}")
    return same[0]


async def _alert_of(web: Web, schedule: dict[str, Any]) -> dict[str, Any] | None:
    if not schedule["jobType"].startswith("kpi."):
        return None
    return next((row for row in await nouns.named(web, "alerts") if row["scheduleId"] == schedule["id"]), None)


def _of_run(web: Web, run: dict[str, Any]) -> CallToolResult:
    kept = ("id", "scheduleId", "scheduleName", "kind", "slotAt", "state", "outcome", "deliveries")
    return shown.answer(
        f"The run {run['id']} of the slot {run['slotAt']} is {run['state']}.",
        {"sentences": run["decision"], "run": {name: run[name] for name in kept}},
        [f"{web.url}/runs/{run['id']}"],
    )


async def _of_schedule(
    web: Web, schedule: dict[str, Any], recipient: str | None, span: Span, alert: dict[str, Any] | None
) -> CallToolResult:
    runs = await _runs(web, schedule, span)
    sent = await _sent(web, recipient, span) if recipient else []
    ours = {run["id"] for run in runs}
    mine = [each for each in sent if each["runId"] in ours]
    told = [await web.get(f"/api/runs/{run_id}") for run_id in _worth_telling(runs, mine)]
    sentences = [_status(schedule)]
    if not runs:
        sentences += await _no_run(web, schedule, span)
    if alert is not None and (runs or span.first is None):
        sentences.append(await _last_check(web, alert, recipient, span))
        sentences += await _silences(web, alert, span)
    if recipient:
        sentences += [_delivery(each) for each in mine] or _not_told(recipient, told)
        sentences += await _suppressions(web, recipient, schedule["id"])
        sentences += [f"Of another run: {_delivery(each)}" for each in sent if each["runId"] not in ours][:_MOST_TOLD]
    return shown.answer(
        _counted(schedule, runs, span),
        {
            "schedule": {name: schedule[name] for name in nouns.NOUNS["schedules"].columns},
            "sentences": sentences,
            "runs": [
                {"id": run["id"], "slotAt": run["slotAt"], "state": run["state"], "sentences": run["decision"]}
                for run in told
            ],
        },
        [f"{web.url}/schedules/{schedule['id']}", *(f"{web.url}/runs/{run['id']}" for run in told)],
    )


async def _runs(web: Web, schedule: dict[str, Any], span: Span) -> list[dict[str, Any]]:
    filters = {"scheduleId": schedule["id"], "to": rfc3339(span.last)}
    if span.first is None:
        return list((await nouns.page(web, "runs", _MOST_TOLD, **filters))["items"])
    filters["from"] = rfc3339(span.first)
    return list((await nouns.page(web, "runs", _MOST_RUNS, **filters))["items"])


async def _sent(web: Web, recipient: str, span: Span) -> list[dict[str, Any]]:
    first = None if span.first is None else rfc3339(span.first)
    found = await nouns.page(web, "deliveries", 50, recipient=recipient, to=rfc3339(span.last), **{"from": first})
    return list(found["items"])


def _worth_telling(runs: Sequence[dict[str, Any]], mine: Sequence[dict[str, Any]]) -> list[str]:
    """The runs whose stories say most: those that told this recipient, those that did not succeed, the latest."""
    went_wrong = [run["id"] for run in runs if run["state"] != "succeeded"]
    latest = [run["id"] for run in runs[:2]]
    return list(dict.fromkeys([*(each["runId"] for each in mine[:3]), *went_wrong[:3], *latest]))[:_MOST_TOLD]


def _counted(schedule: dict[str, Any], runs: Sequence[dict[str, Any]], span: Span) -> str:
    if not runs:
        return f"The schedule {schedule['id']} has no run of a slot {span.words}."
    states = [run["state"] for run in runs]
    told = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    most = " at least" if len(runs) >= _MOST_RUNS else ""
    count = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
    return f"The schedule {schedule['id']} has{most} {count} of slots {span.words}: {told}."


def _status(schedule: dict[str, Any]) -> str:
    said = f"{schedule['name']} is {schedule['status']}"
    if schedule["pauseNote"]:
        said += f", with the note: {schedule['pauseNote']}"
    if schedule["lastError"]:
        said += f"; it could not be planned: {schedule['lastError']}"
    if schedule["lateSince"]:
        said += f"; it is late since {schedule['lateSince']}"
    return f"{said}. It was made at {schedule['createdAt']}; it fires next at {schedule['nextRunAt'] or 'no time'}."


async def _no_run(web: Web, schedule: dict[str, Any], span: Span) -> list[str]:
    """Why there is no run in a span: no slot of the expression in it, or one that was not planned."""
    if span.first is None or schedule["cronExpression"] is None:
        return [f"Its last slot was {schedule['lastSlotAt'] or 'none yet'}."]
    body = {"cronExpression": schedule["cronExpression"], "timezone": schedule["timezone"], "count": 1}
    body |= {"dstGap": schedule["dstGap"], "dstFold": schedule["dstFold"], "from": rfc3339(span.first)}
    found = await web.post("/api/cron/preview", body)
    words = f"Its times are: {found['words']}."
    if not found["items"] or found["items"][0]["at"] > rfc3339(span.last):
        at = found["items"][0]["at"] if found["items"] else "never"
        return [words, f"None of them is in that span; the first after its beginning is {at}."]
    missing = f"One of them is {found['items'][0]['at']}, and it has no run: it is still to come, or the schedule was "
    return [words, f"{missing}paused, over, edited or not yet made by then, or its calendar has the day off."]


async def _last_check(web: Web, alert: dict[str, Any], recipient: str | None, span: Span) -> str:
    found = await web.get(f"/api/kpi-alerts/{alert['id']}/why", at=rfc3339(span.last), recipient=recipient)
    return f"Its last check then ({found['slotAt'] or 'none'}) decided: {found['sentence']}."


async def _silences(web: Web, alert: dict[str, Any], span: Span) -> list[str]:
    first, last = rfc3339(span.first or span.last), rfc3339(span.last)
    return [
        f"A silence, {each['name']}, held from {each['startsAt']} to {each['endsAt']}."
        for each in (await nouns.page(web, "silences", _MOST_RUNS))["items"]
        if each["alertId"] in (None, alert["id"]) and each["startsAt"] <= last and each["endsAt"] >= first
    ]


async def _suppressions(web: Web, recipient: str, schedule_id: str | None = None) -> list[str]:
    return [
        f"{recipient} is mailed no more since {each['createdAt']} ({each['reason']}): {each['note'] or 'no note'}."
        for each in (await nouns.page(web, "suppressions", 20, recipient=recipient))["items"]
        if each["scheduleId"] in (None, schedule_id)
    ]


def _not_told(recipient: str, told: Sequence[dict[str, Any]]) -> list[str]:
    others = sorted({each["recipient"] for run in told for each in run["deliveries"]})
    whom = f"those that were made went to {', '.join(others[:20])}" if others else "none was made to anybody"
    return [f"No message to {recipient} was made by the runs told of here: {whom}."]


def _delivery(each: dict[str, Any]) -> str:
    at = f" at {each['sentAt']}" if each["sentAt"] else ""
    why = f": {each['error']}" if each["error"] else ""
    return (
        f"The {each['channel']} to {each['recipient']} of the slot {each['slotAt']} (run {each['runId']}) is "
        f"{each['state']}{at} after {each['attempts']} attempts{why}."
    )


async def _of_recipient(web: Web, recipient: str, span: Span) -> CallToolResult:
    sent = await _sent(web, recipient, span)
    states = [each["state"] for each in sent]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states)) or "none"
    sentences = [*(_delivery(each) for each in sent), *await _suppressions(web, recipient)]
    return shown.answer(
        f"Messages to this recipient of slots {span.words}: {counts}.",
        {"recipient": recipient, "sentences": sentences},
        [f"{web.url}/runs/{each}" for each in list(dict.fromkeys(each["runId"] for each in sent))[:_MOST_TOLD]],
    )
