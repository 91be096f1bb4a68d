"""The tools that change nothing: list, show, explain, when it fires, what an alert or a report would tell now."""

from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from tocsin.mcp import explain, nouns, shown
from tocsin.mcp.nouns import NOUNS, Made, What
from tocsin.mcp.shown import Shown
from tocsin.mcp.web import Web

_READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
# It asks the tenant's own source, which is somebody else's.
_LOOKS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True)

Which = Annotated[str, Field(max_length=300, description="its id, or its exact name where it has one")]
Zone = Annotated[str, Field(max_length=100, description="an IANA name, such as Europe/Paris")]
Time = Annotated[str | None, Field(max_length=40, description="an instant such as 2026-03-29T01:00:00Z")]
Count = Annotated[int, Field(ge=1, le=100)]


def add(server: MCPServer[Any], web: Web) -> None:
    """Adds the tools, which ask `web`."""
    _add_lists(server, web)
    _add_times(server, web)
    _add_looks(server, web)


def _add_lists(server: MCPServer[Any], web: Web) -> None:
    @server.tool(name="list", title="List", annotations=_READS)
    async def list_things(
        what: What,
        state: Annotated[str | None, Field(description="of runs, schedules, reports, deliveries, dead letters")] = None,
        kind: Annotated[
            str | None, Field(description="such as kpi.threshold, of schedules, runs, dead letters")
        ] = None,
        schedule: Annotated[str | None, Field(description="of runs and dead letters: its id or exact name")] = None,
        recipient: Annotated[str | None, Field(description="of deliveries and suppressions: the address")] = None,
        since: Time = None,
        until: Time = None,
        limit: Annotated[int, Field(ge=1, le=200)] = 20,
        cursor: Annotated[str | None, Field(description="the nextCursor of the page before")] = None,
    ) -> Shown:
        """Lists what the tenant has, newest first: `nextCursor` continues. `since` and `until` are times of slots."""
        words = {"state": state, "kind": kind, "recipient": recipient, "since": since, "until": until}
        if schedule is not None:
            words["schedule"] = (await nouns.one(web, "schedules", schedule))["id"]
        found = await nouns.page(web, what, limit, cursor, **_filters(what, words))
        rows = [{name: row.get(name) for name in NOUNS[what].columns} for row in found["items"]]
        more = "; there are more" if found["nextCursor"] else ""
        return shown.answer(
            f"{len(rows)} {what.replace('_', ' ')}{more}.",
            {"items": rows, "nextCursor": found["nextCursor"]},
            [web.url + NOUNS[what].page()],
        )

    @server.tool(title="Show one", annotations=_READS)
    async def show(what: What, which: Which) -> Shown:
        """Shows one thing with all its fields; a run with attempts, steps, logs, deliveries, files and `decision`."""
        found = await nouns.one(web, what, which)
        kept = {name: value for name, value in found.items() if value not in (None, [], {})}
        return shown.answer("Its fields, empty ones left out:", kept, [web.url + NOUNS[what].page(found["id"])])

    @server.tool(title="Why", annotations=_READS)
    async def explain_why(
        about: Annotated[
            str | None,
            Field(max_length=300, description="words of a name, or the id of a run, schedule, alert, report"),
        ] = None,
        recipient: Annotated[
            str | None, Field(max_length=320, description="the address that did or didn't get it")
        ] = None,
        day: Annotated[
            str | None,
            Field(max_length=20, description="today, yesterday, a weekday, or 2026-03-29; lately if not given"),
        ] = None,
        timezone: Annotated[
            str | None, Field(max_length=100, description="of the day; the schedule's own if not given")
        ] = None,
    ) -> Shown:
        """Tells why something ran or didn't, and why somebody did or didn't get a message: runs, decisions, deliveries.

        "Why did I not get the sales report on Monday?" is about="sales report", recipient="me@…", day="monday".
        """
        return await explain.of_anything(web, about, recipient, day, timezone)

    @server.tool(title="What `create` takes", annotations=_READS)
    async def describe(
        what: Made,
        kind: Annotated[
            str | None, Field(max_length=200, description="of a schedule: shows the kind's jobPayload")
        ] = None,
    ) -> Shown:
        """The JSON Schema of the body that `create` takes; of a schedule also the kinds that there are, or one kind's params."""
        schemas = (await web.get("/openapi.json"))["components"]["schemas"]
        name = nouns.BODIES[what][1]
        told: dict[str, Any] = {"schema": schemas[name], "$defs": _named_in(schemas, name)}
        if what == "schedule":
            kinds = (await web.get("/api/kinds"))["items"]
            told["kinds"] = [each if each["name"] == kind else {"name": each["name"]} for each in kinds]
        return shown.answer(f"The body of {what.replace('_', ' ')}:", told)


def _filters(what: What, words: dict[str, Any]) -> dict[str, Any]:
    """The API's filters for the tool's words. Raises ToolError for one that the list has not."""
    wanted = {word: value for word, value in words.items() if value is not None}
    known = NOUNS[what].filters
    if unknown := sorted(set(wanted) - set(known)):
        takes = f"takes {', '.join(sorted(known))}" if known else "takes no filter"
        raise ToolError(f"{unknown[0]}: a list of {what} {takes}")
    return {known[word]: value for word, value in wanted.items()}


def _named_in(schemas: dict[str, Any], name: str) -> dict[str, Any]:
    """The schemas that one refers to, and those that they do."""
    found: dict[str, Any] = {}
    waiting = [name]
    while waiting:
        for inner in _references(schemas[waiting.pop()]):
            if inner not in found and inner != name:
                found[inner] = schemas[inner]
                waiting.append(inner)
    return found


def _references(schema: Any) -> list[str]:
    if isinstance(schema, list):
        return [name for each in schema for name in _references(each)]
    if not isinstance(schema, dict):
        return []
    own = [schema["$ref"].rsplit("/", 1)[-1]] if isinstance(schema.get("$ref"), str) else []
    return own + [name for each in schema.values() for name in _references(each)]


def _add_times(server: MCPServer[Any], web: Web) -> None:
    @server.tool(title="When it fires next", annotations=_READS)
    async def next_fire_times(schedule: Which, count: Count = 10) -> Shown:
        """When a schedule fires next, nights of daylight saving explained."""
        row = await nouns.one(web, "schedules", schedule)
        found = await web.get(f"/api/schedules/{row['id']}/next", count=count)
        return shown.answer(_fires(found, row["id"]), {"schedule": row["name"], **found})

    @server.tool(title="When an expression fires", annotations=_READS)
    async def preview_cron(
        expression: Annotated[str, Field(max_length=1000, description="five fields, or @daily and the like")],
        timezone: Zone = "UTC",
        after: Time = None,
        count: Count = 10,
    ) -> Shown:
        """When a cron expression would fire and what it means; it is stored nowhere."""
        body = {"cronExpression": expression, "timezone": timezone, "count": count}
        found = await web.post("/api/cron/preview", body if after is None else {**body, "from": after})
        return shown.answer(_fires(found), found)


def _fires(found: dict[str, Any], schedule_id: str | None = None) -> str:
    whose = "It" if schedule_id is None else f"The schedule {schedule_id}"
    return f"{whose} fires next at {found['items'][0]['at']}." if found["items"] else f"{whose} does not fire any more."


def _add_looks(server: MCPServer[Any], web: Web) -> None:
    @server.tool(title="Preview a report", annotations=_LOOKS)
    async def preview_report(report: Which) -> Shown:
        """The mail of a scheduled report as it would be now; nothing is kept and nobody is told."""
        row = await nouns.one(web, "reports", report)
        found = await web.post(f"/api/scheduled-reports/{row['id']}/preview")
        kept = {name: value for name, value in found.items() if name != "html"}
        return shown.answer(f"The report {row['id']} would have {found['recordCount']} rows now.", kept)

    @server.tool(title="Test an alert", annotations=_LOOKS)
    async def test_alert(alert: Which) -> Shown:
        """What a check of an alert would decide now; nothing is stored and nobody is told."""
        row = await nouns.one(web, "alerts", alert)
        found = await web.post(f"/api/kpi-alerts/{row['id']}/test")
        return shown.answer(f"A check of the alert {row['id']} now would end so:", found)

    @server.tool(title="Backtest a threshold", annotations=_LOOKS)
    async def backtest(
        alert: Annotated[str | None, Field(max_length=300, description="an alert's id or exact name")] = None,
        graph: Annotated[str | None, Field(max_length=300, description="or a graph's, with a threshold")] = None,
        threshold: Annotated[dict[str, Any] | None, Field(description="as `describe` of an alert tells it")] = None,
        since: Time = None,
        until: Time = None,
        wanted_messages: Annotated[
            int | None, Field(ge=0, le=1000, description="suggest a threshold for so many")
        ] = None,
    ) -> Shown:
        """What an alert, or a threshold on a graph, would have told in the past; 90 days if not given."""
        body = await _backtested(web, alert, graph, threshold)
        options = {"from": since, "to": until, "wantedMessages": wanted_messages}
        found = await web.post(
            "/api/kpi-alerts/backtest", {**body, **{name: each for name, each in options.items() if each is not None}}
        )
        kept = {name: value for name, value in found.items() if name != "plots"}
        return shown.answer(
            f"{found['checks']} checks from {found['from']} to {found['to']} would have told {found['messages']} messages.",
            kept,
        )


async def _backtested(
    web: Web, alert: str | None, graph: str | None, threshold: dict[str, Any] | None
) -> dict[str, Any]:
    if (alert is None) == (graph is None) or (graph is not None and threshold is None):
        raise ToolError("alert: takes an alert, or a graph with a threshold")
    if graph is not None:
        return {"graphId": (await nouns.one(web, "graphs", graph))["id"], "threshold": threshold}
    row = await nouns.one(web, "alerts", str(alert))
    if row["graphId"] is None or row["threshold"] is None:
        raise ToolError("alert: only an alert of the type threshold, on a graph, can be tested on the past")
    return {"graphId": row["graphId"], "threshold": threshold or row["threshold"]}
