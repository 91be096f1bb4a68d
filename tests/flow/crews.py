"""What stories of crews are told with: users, endpoints, rules, and answers that go wrong."""

import asyncio
import json
from typing import Any, LiteralString
from uuid import UUID

from scheduler.asked import run_now
from tests import make
from tests.crew import Crew, endpoint
from tests.flow.world import World
from tests.system import until


def start(world: World, **params: Any) -> UUID:
    """A run of a new crew, by hand."""
    conn, tenant = world.system.conn, world.system.tenant
    schedule = world.schedule("crew.call", params)
    return run_now(conn, tenant, schedule)


def ended(world: World, run: UUID, seconds: float = 30) -> dict[str, Any]:
    """The crew's run once it is over."""

    def found() -> dict[str, Any] | None:
        row = world.all("select id, slot_at, state, outcome, progress, attempt from runs where id = %s", run)[0]
        return row if row["state"] not in ("pending", "queued", "running") else None

    return until(found, seconds, world.system.logs)


def user(world: World, uid: str, **columns: Any) -> None:
    """A user whom the crew may ask about."""
    row = {"tenant_id": world.system.tenant, "uid": uid, "context": f"of {uid}", "goal": uid} | columns
    make.insert(world.system.conn, "users", row)


def answers(world: World) -> dict[str, dict[str, Any]]:
    """What is kept of the tenant's users, by their uid."""
    rows = world.all("select * from crew_responses where tenant_id = %s", world.system.tenant)
    return {row["user_uid"]: row for row in rows}


def of_tenant(world: World, statement: LiteralString) -> Any:
    """The first value that the statement answers of the story's tenant."""
    return make.value(world.system.conn, statement, world.system.tenant)


def notices(world: World) -> list[str]:
    """The subjects of what the tenant's owners were told, in turn."""
    statement = (
        "select params ->> 'subject' as subject from runs where tenant_id = %s and kind = 'notice.mail' "
        "order by created_at, id"
    )
    return [each["subject"] for each in world.all(statement, world.system.tenant)]


def ask_all(world: World, crew: Crew, **columns: Any) -> UUID:
    """An endpoint at which the crew is asked."""
    made = endpoint(world.system.conn, world.system.tenant, crew.url, **columns)
    world.system.notify()
    return made


def rule_of(*recipients: str, channels: tuple[str, ...] = (), language: str = "cel") -> dict[str, Any]:
    """A rule that finds users in alarm, and tells these."""
    expression = {"cel": "answer.risk > 0", "jmespath": "risk > `0`"}[language]
    told = {"recipients": list(recipients), "channels": list(channels)}
    return {"language": language, "expression": expression, "notify": told}


def alarmed(*uids: str) -> Any:
    """A script by which the answers about these users match."""
    return lambda _path, body: (200, json.dumps({"risk": int(body["customer_goal_latest"] in uids)}).encode())


async def slowly(writer: asyncio.StreamWriter) -> None:
    """Answers a byte at a time."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.1)


async def cut(writer: asyncio.StreamWriter) -> None:
    """Answers half of what it promised."""
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"plan": ')
    await writer.drain()


async def endless(writer: asyncio.StreamWriter) -> None:
    """Answers fifty megabytes."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n")
    for _ in range(50):
        writer.write(b"[" + b" " * 1_000_000)
        await writer.drain()


BAD: dict[str, tuple[Any, str]] = {
    "html": ((200, b"<html>out of order</html>"), "the answer is not JSON"),
    "cut JSON": ((200, b'{"plan": '), "the answer is not JSON"),
    "nothing": ((200, b""), "the answer is not JSON"),
    "NaN": ((200, b'{"score": NaN}'), "the answer holds NaN, which is no JSON"),
    "deep": ((200, b"[" * 100_000 + b"]" * 100_000), "the answer is more than 100 levels deep"),
    "a huge number": ((200, b'{"score": 1e999999999}'), "the answer holds a number that is too long"),
    "NUL": ((200, b'{"a": "\\u0000"}'), "the answer holds the character NUL"),
    "half a character": ((200, b'{"a": "\\ud800"}'), "the answer is not JSON"),
    "another charset": ((200, '{"a": "größer"}'.encode("latin-1")), "the answer is not UTF-8"),
    "a redirect": ((302, b""), "the endpoint answered 302, and a redirect is not followed"),
    "fifty megabytes": (endless, "the answer is larger than 1000000 bytes"),
    "a byte at a time": (slowly, "no whole answer before the deadline"),
    "cut off": (cut, "RemoteProtocolError"),
}
