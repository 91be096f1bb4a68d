"""The work of a chaos run: it says that it began to a witness outside, has an effect there, and mails."""

import http.client
import json
import os
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from workers.kind import Context, Kind
from workers.outcome import Done, Message, Outcome

_TIMEOUT = 10.0
_local = threading.local()


class Params(BaseModel):
    """The witness's address; whom to mail; and how long to take, in seconds."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    sink: str
    to: tuple[str, ...] = ()
    seconds: float = 0.0


def run(ctx: Context[Params]) -> Outcome:
    """Each attempt says that it began before it does anything else."""
    params = ctx.params
    start = {
        "run": str(ctx.run_id),
        "slot": round(ctx.slot_at.timestamp() * 1000),
        "schedule": str(ctx.schedule_id),
        "attempt": ctx.attempt,
        "pid": os.getpid(),
    }
    _post(params.sink, "/start", json.dumps(start).encode(), {})
    if params.seconds:
        time.sleep(params.seconds)
    if not params.to:
        return Done()
    return Done(messages=(Message(to=params.to, subject=ctx.schedule_name, text=f"Run {ctx.run_id}"),))


def call(ctx: Context[Params]) -> Outcome:
    """As `run`, with an effect elsewhere: a provider keeps one for each key."""
    outcome = run(ctx)
    body = json.dumps({"run": str(ctx.run_id)}).encode()
    _post(ctx.params.sink, f"/effect/{ctx.schedule_id}", body, {"Idempotency-Key": str(ctx.run_id)})
    return outcome


def _post(sink: str, path: str, body: bytes, headers: dict[str, str]) -> None:
    """Posts to the witness on a connection that the thread keeps. Raises OSError when it does not answer 2xx."""
    conn: Any = getattr(_local, "conn", None)
    if conn is None:
        parts = urlsplit(sink)
        conn = _local.conn = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT)
    try:
        conn.request("POST", path, body, {"Content-Type": "application/json"} | headers)
        answer = conn.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        _local.conn = None
        conn.close()
        raise
    if answer.status >= http.client.MULTIPLE_CHOICES:
        raise OSError(f"the witness answered {answer.status}")


WORK = Kind("chaos.work", Params, run, "says that it began")
MAIL = Kind("chaos.mail", Params, run, "says that it began, and mails")
CALL = Kind("chaos.call", Params, call, "says that it began, and has an effect elsewhere")
OWED = {MAIL.name: 1, CALL.name: 1}
"""How many effects a run of each kind leaves."""
