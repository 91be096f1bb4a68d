"""The tools that change something, offered with `--write` alone. Each is called twice: for a plan, and to have it done."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

from mcp.server.elicitation import AcceptedElicitation, ElicitationResult
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.resolve import Elicit, Resolve
from mcp.types import CallToolResult, ToolAnnotations
from pydantic import BaseModel, Field

from db.jsonb import dumps
from tocsin.mcp import nouns, shown
from tocsin.mcp.confirmations import GOOD_FOR_SECONDS, Change, Confirmations, Unconfirmed
from tocsin.mcp.nouns import NOUNS, Made
from tocsin.mcp.reading import Which
from tocsin.mcp.shown import Done, Settled
from tocsin.mcp.web import Web
from workers.chat.data import plain

_ADDS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True)
# Somebody is told less, or no more.
_HUSHES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False)
_PLANNED = (
    "Nothing is done yet. Show the plan to the person who asked for it; once they agree, call again with the same "
    "arguments and the confirmation."
)
_RECIPIENTS = ("recipients", "emailRecipients", "emailCcRecipients", "emailBccRecipients", "channels")
_LONGEST_NAME = 200
SEALED = "x-sealed"

Code = Annotated[str | None, Field(max_length=100, description="none for a plan; the plan's, to have it done")]
Settle = Callable[[Change, str | None, ElicitationResult["Consent"]], Awaitable[CallToolResult]]
Ask = Callable[..., Awaitable[Any]]


class Consent(BaseModel):
    """What the person is asked, where their program can ask."""

    do_it: Annotated[bool, Field(description="Have it done")]


def add(server: MCPServer[Any], web: Web, confirmations: Confirmations) -> None:
    """Adds the tools, which change what `web` holds once a code of `confirmations` was shown."""
    person = _asking(confirmations)
    settle = _settling(web, confirmations)
    _add_create(server, web, settle, person)
    _add_of_schedules(server, web, settle, person)
    _add_of_runs(server, web, settle, person)


def _asking(confirmations: Confirmations) -> Ask:
    async def person(ctx: Context[Any, Any], confirmation: str | None = None) -> Consent | Elicit[Consent]:
        """The person's own word on a plan, where their program can ask them; elsewhere the code has to do."""
        change = None if confirmation is None else confirmations.planned(confirmation)
        if change is None or not _can_ask(ctx):
            return Consent(do_it=True)
        # Nothing of it is cut: what is asked for is what would be done.
        asked = f"Tocsin is asked to {plain(change.sentence)}"
        return Elicit(asked + (f"\n{plain(dumps(change.body))}" if change.body else ""), Consent)

    return person


def _can_ask(ctx: Context[Any, Any]) -> bool:
    capabilities = ctx.client_capabilities
    asks = None if capabilities is None else capabilities.elicitation
    return asks is not None and (asks.form is not None or asks.url is None)


def _settling(web: Web, confirmations: Confirmations) -> Settle:
    async def settle(change: Change, code: str | None, consent: ElicitationResult[Consent]) -> CallToolResult:
        """The plan with a new code; or, with the plan's code, the change that is made now."""
        if code is None:
            return shown.result(
                Settled(
                    says=_PLANNED,
                    untrusted=shown.bounded({"plan": change.sentence, "request": change.request}),
                    done=False,
                    confirmation=confirmations.plan(change),
                    expires_in_seconds=GOOD_FOR_SECONDS,
                )
            )
        try:
            confirmations.take(code, change)
        except Unconfirmed as error:
            raise ToolError(str(error)) from None
        if not (isinstance(consent, AcceptedElicitation) and consent.data.do_it):
            raise ToolError("the person did not agree; nothing was done, and the code is used up")
        made = await web.change(change.method, change.path, change.body, f"mcp-{code}")
        return shown.result(Settled(says="Done.", untrusted=shown.bounded(made), done=True))

    return settle


def _add_create(server: MCPServer[Any], web: Web, settle: Settle, person: Ask) -> None:
    @server.tool(title="Create", annotations=_ADDS)
    async def create(
        what: Made,
        body: Annotated[dict[str, Any], Field(description="as `describe` tells it")],
        consent: Annotated[ElicitationResult[Consent], Resolve(person)],
        confirmation: Code = None,
    ) -> Done:
        """Makes a schedule, alert, report, pulse, graph, dashboard or report definition. First call plans, second does."""
        path = NOUNS[nouns.BODIES[what][0]].path
        if what == "schedule":
            await _refuse_secrets(web, body)
        planned = None if confirmation else await web.plan(path, body)
        sentence = f"make the {what.replace('_', ' ')} {_name_of(body)!r}{await _told_by(web, body, planned or {})}"
        return await settle(Change(sentence, "POST", path, body), confirmation, consent)


async def _refuse_secrets(web: Web, body: Mapping[str, Any]) -> None:
    """Passes params without anything that the kind seals: what a model writes is shown, and kept by its program."""
    kinds = (await web.get("/api/kinds"))["items"]
    params: dict[str, Any] = next((each["params"] for each in kinds if each["name"] == body.get("jobType")), {})
    given = body.get("jobPayload")
    for name, field in params.get("properties", {}).items():
        value = given.get(name) if isinstance(given, dict) else None
        within = value if isinstance(value, dict) else {}
        told = [each for each in within if SEALED in field and re.search(field[SEALED], each, re.IGNORECASE)]
        if told or (value is not None and field.get("writeOnly")):
            place = ".".join(["jobPayload", name, *told[:1]])
            raise ToolError(
                f"{place}: secrets have no way in here; make it without, and give them by the API or the command"
            )


def _name_of(body: Mapping[str, Any]) -> str:
    return str(body.get("alertName") or body.get("name") or body.get("jobType") or "")[:_LONGEST_NAME]


async def _told_by(web: Web, body: Mapping[str, Any], planned: Mapping[str, Any]) -> str:
    """Whom a new thing would tell, and when it would fire first; as far as its body, or its plan, says so."""
    whom = [str(each) for name in _RECIPIENTS for each in _list(body.get(name))]
    said = f"; it tells {', '.join(whom)}" if whom else ""
    inner = body.get("threshold")
    threshold = inner if isinstance(inner, dict) else {}
    cron = body.get("cronExpression") or body.get("cron") or threshold.get("checkCron")
    first = planned.get("nextRunAt") or planned.get("nextRun")
    if not isinstance(cron, str):
        return said + (f"; it fires first at {first}" if first else "")
    timezone = body.get("timezone") or body.get("cronTimezone") or threshold.get("timezone") or "UTC"
    found = await web.post("/api/cron/preview", {"cronExpression": cron, "timezone": timezone, "count": 1})
    first = first or (found["items"][0]["at"] if found["items"] else "never")
    return f"{said}; it fires {found['words']}, first at {first}"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _add_of_schedules(server: MCPServer[Any], web: Web, settle: Settle, person: Ask) -> None:
    async def moved(schedule: str, verb: str, sentence: str, body: Mapping[str, Any] | None = None) -> Change:
        row = await nouns.one(web, "schedules", schedule)
        said = sentence.format(name=repr(row["name"]), id=row["id"], next=row["nextRunAt"] or "no time")
        return Change(said, "POST", f"/api/schedules/{row['id']}/{verb}", body)

    @server.tool(title="Pause", annotations=_HUSHES)
    async def pause(
        schedule: Which,
        consent: Annotated[ElicitationResult[Consent], Resolve(person)],
        note: Annotated[str | None, Field(max_length=500, description="why, for those who look later")] = None,
        confirmation: Code = None,
    ) -> Done:
        """Lets a schedule fire nothing until it is resumed. First call plans, second does."""
        change = await moved(
            schedule,
            "pause",
            "pause the schedule {name} ({id}), which fires next at {next}",
            None if note is None else {"note": note},
        )
        return await settle(change, confirmation, consent)

    @server.tool(title="Resume", annotations=_ADDS)
    async def resume(
        schedule: Which,
        consent: Annotated[ElicitationResult[Consent], Resolve(person)],
        confirmation: Code = None,
    ) -> Done:
        """Lets a paused schedule go on after now. First call plans, second does."""
        change = await moved(schedule, "resume", "resume the schedule {name} ({id}) from now on")
        return await settle(change, confirmation, consent)

    @server.tool(title="Run now", annotations=_ADDS)
    async def run(
        schedule: Which,
        consent: Annotated[ElicitationResult[Consent], Resolve(person)],
        confirmation: Code = None,
    ) -> Done:
        """Makes one run of a schedule now, beside its slots; it tells its recipients. First call plans, second does."""
        change = await moved(schedule, "run", "run the schedule {name} ({id}) once now; it tells whom it always tells")
        return await settle(change, confirmation, consent)

    @server.tool(title="Silence alerts", annotations=_HUSHES)
    async def silence(
        name: Annotated[str, Field(min_length=1, max_length=200, description="why, such as: deploy of the warehouse")],
        duration_seconds: Annotated[int, Field(ge=1, le=31_536_000)],
        consent: Annotated[ElicitationResult[Consent], Resolve(person)],
        alert: Annotated[
            str | None, Field(max_length=300, description="its id or exact name; all if not given")
        ] = None,
        segment: Annotated[str | None, Field(max_length=300, description="a pattern of segments, such as eu-*")] = None,
        confirmation: Code = None,
    ) -> Done:
        """Lets an alert, or all of them, tell nobody for a while from now on. First call plans, second does."""
        body: dict[str, Any] = {"name": name, "durationSeconds": duration_seconds}
        whose = "all alerts of the tenant"
        if alert is not None:
            row = await nouns.one(web, "alerts", alert)
            body["alertId"], whose = row["id"], f"the alert {row['alertName']!r} ({row['id']})"
        if segment is not None:
            body["segment"] = segment
        sentence = f"let {whose} tell nobody for {duration_seconds} s" + (f", of {segment!r}" if segment else "")
        return await settle(Change(sentence, "POST", "/api/silences", body), confirmation, consent)

    @server.tool(title="Preview a pulse", annotations=_ADDS)
    async def preview_pulse(
        pulse: Which,
        consent: Annotated[ElicitationResult[Consent], Resolve(person)],
        confirmation: Code = None,
    ) -> Done:
        """Has a pulse written now and sent to nobody; a model is asked, which costs. First call plans, second does."""
        row = await nouns.one(web, "pulses", pulse)
        sentence = f"have the pulse {row['name']!r} ({row['id']}) written now, for nobody; a model is asked for it"
        return await settle(Change(sentence, "POST", f"/api/pulse/{row['id']}/preview"), confirmation, consent)


def _add_of_runs(server: MCPServer[Any], web: Web, settle: Settle, person: Ask) -> None:
    @server.tool(title="Retry a run", annotations=_ADDS)
    async def retry(
        run: Annotated[str, Field(max_length=36, description="the id of a dead run")],
        consent: Annotated[ElicitationResult[Consent], Resolve(person)],
        confirmation: Code = None,
    ) -> Done:
        """Opens a dead run again; nobody who was served is served again. First call plans, second does."""
        row = await nouns.one(web, "runs", run)
        sentence = f"open the run {row['id']} of {row['scheduleName']!r} ({row['state']}, slot {row['slotAt']}) again"
        return await settle(Change(sentence, "POST", f"/api/runs/{row['id']}/retry"), confirmation, consent)

    @server.tool(title="Replay a dead letter", annotations=_ADDS)
    async def replay(
        dead_letter: Annotated[str, Field(max_length=36, description="its id, or its run's")],
        consent: Annotated[ElicitationResult[Consent], Resolve(person)],
        confirmation: Code = None,
    ) -> Done:
        """Opens the run of a dead letter again; nobody who was served is served again. First call plans, second does."""
        row = await nouns.one(web, "dead_letters", dead_letter)
        sentence = (
            f"replay the dead letter {row['id']} ({row['cause']}): open the run {row['runId']} of "
            f"{row['scheduleName']!r}, slot {row['slotAt']}, again"
        )
        return await settle(Change(sentence, "POST", f"/api/dead-letters/{row['id']}/replay"), confirmation, consent)
