"""A Tocsin worth showing: `tocsin up` in a folder of its own, with a past, a few failures, and something in each room.

All of it is made through the API, and all that it did is real: backfills ran, mails went out, calls were refused.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from httpx import Client, HTTPError

from api import tenants, tokens
from bench.shop import Fill, listed, until
from db.pool import Database
from local.processes import free_port

_KINDS = frozenset({"kpi.threshold", "kpi.schedule", "pulse.report", "report.export", "crew.call", "http.call"})


class Shown(NamedTuple):
    """Where it is, an admin's and an operator's token, and the ids of what was made, by their names.

    `newcomer` makes a tenant that has nothing, and returns its admin's token.
    """

    url: str
    token: str
    operator: str
    ids: dict[str, str]
    newcomer: Callable[[], str]


@contextmanager
def shown(folder: Path, tell: Callable[[str], None]) -> Iterator[Shown]:
    """Starts it, fills it, and stops it at the end."""
    environ = {**os.environ, "PORT": str(free_port())}
    log = folder / "up.log"
    with log.open("wb") as out:
        up = subprocess.Popen(
            [sys.executable, "-m", "local.up", "--folder", str(folder)],
            env=environ,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        settings = until(lambda: _settings(folder), f"it did not start: see {log}")
        with Client(base_url=settings["TOCSIN_URL"], headers=_shown(settings["TOKEN"]), timeout=60) as web:
            until(lambda: _answers(web), "its web process does not answer")
            tell("it runs; waiting for the first run of each kind")
            until(
                lambda: {each["kind"] for each in listed(web, "runs", state="succeeded")} >= _KINDS,
                "a kind did not run",
            )
            # Once a minute is for the first look; from now on it is quieter.
            for each in listed(web, "schedules"):
                web.patch(f"/api/schedules/{each['id']}", json={"intervalSeconds": 3600}).raise_for_status()
            ids = Fill(web, json.loads((folder / "machine.json").read_text())).fill(tell)
            with Database.at(settings["DATABASE_URL"]).connect("pictures") as conn:
                operator = tokens.create(conn, None, "pictures", "operator")[1]
            newcomer = partial(_newcomer, settings["DATABASE_URL"])
            yield Shown(settings["TOCSIN_URL"], settings["TOKEN"], operator, ids, newcomer)
    finally:
        up.send_signal(signal.SIGTERM)
        up.wait(60)


def _newcomer(database: str) -> str:
    with Database.at(database).connect("pictures") as conn:
        return tokens.create(conn, tenants.create(conn, "newcomer", "Newcomer").id, "pictures", "admin")[1]


def _shown(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _settings(folder: Path) -> dict[str, str] | None:
    """What `up` wrote for a shell, once it has."""
    file = folder / "env"
    lines = file.read_text().splitlines() if file.exists() else []
    found = dict(shlex.split(line)[1].split("=", 1) for line in lines)
    return found if "TOKEN" in found else None


def _answers(web: Client) -> bool:
    try:
        return web.get("/api/runs").is_success
    except HTTPError:
        return False
