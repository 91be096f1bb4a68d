"""The receivers of docs/receivers.md, as they stand: what is signed is done once, and nothing else is done at all."""

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from standardwebhooks import Webhook

from tests.docs.written import DOCS
from tests.system import Process, until
from tocsin.testing import run_kind
from workers.http import Client
from workers.kinds import http_call
from workers.outcome import Done

EXAMPLES = DOCS / "examples" / "receivers"
SECRET = "whsec_" + base64.b64encode(b"a secret of the receiver's own").decode()
BODY = b'{"job":"clean"}'


def python(_folder: Path) -> list[str]:
    return [sys.executable, str(EXAMPLES / "receiver.py")]


def _made(folder: Path, language: str, *command: str) -> None:
    """Passes once the command made its part of a receiver; else the test is skipped, and says for what."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        pytest.skip(
            f"the receiver in {language} was not run: `{' '.join(command)}` failed: {said[-1].rpartition(': ')[2]}"
        )


def node(folder: Path) -> list[str]:
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("the receiver in Node was not run: there is no node and npm here")
    for name in ("receiver.mjs", "package.json", "package-lock.json"):
        shutil.copy(EXAMPLES / name, folder)
    _made(folder, "Node", "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")
    return ["node", str(folder / "receiver.mjs")]


def go(folder: Path) -> list[str]:
    if not shutil.which("go"):
        pytest.skip("the receiver in Go was not run: there is no go here")
    shutil.copy(EXAMPLES / "receiver.go", folder)
    commands = (["go", "mod", "init", "receiver"], ["go", "mod", "tidy"], ["go", "build", "-o", "receiver", "."])
    for command in commands:
        _made(folder, "Go", *command)
    return [str(folder / "receiver")]


Command = Callable[[Path], list[str]]


class Receiver:
    """A receiver at work."""

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}/hook"

    def worked(self) -> int:
        """How often it has worked."""
        return self.process.log().count("working on")

    def post(self, *, id: str, at: datetime | None = None, body: bytes = BODY, secret: str = SECRET) -> int:
        """The status it answers to a call signed with the secret, whose body was BODY when it was signed."""
        at = at or datetime.now(UTC)
        headers = {
            "webhook-id": id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret).sign(id, at, BODY.decode()),
        }
        return httpx.post(self.url, content=body, headers=headers, trust_env=False).status_code


@pytest.fixture(
    params=[
        pytest.param(python, id="python"),
        pytest.param(node, id="node", marks=pytest.mark.long),
        pytest.param(go, id="go", marks=pytest.mark.long),
    ]
)
def receiver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Receiver]:
    """The page's receiver in each language."""
    make: Command = request.param
    command = make(tmp_path)
    done = tmp_path / "done.sqlite3" if make is python else tmp_path
    environ = {"PATH": os.environ["PATH"], "SECRET": SECRET, "PORT": "0", "DONE": str(done)}
    process = Process(command, environ, tmp_path / "log")
    try:
        process.until_says("listening on")
        port = until(lambda: process.log().partition("listening on ")[2].partition("\n")[0])
        yield Receiver(process, int(port))
    finally:
        process.kill()


def test_what_is_signed_is_done_once_and_nothing_else_is_done(receiver: Receiver) -> None:
    with_loopback = Client(allowed=(IPv4Network("127.0.0.0/8"),))
    params = {"url": receiver.url, "body": {"job": "clean"}, "secret": SECRET}
    outcome = run_kind(http_call.KIND, params, slot_at=datetime.now(UTC), http=with_loopback)
    with_loopback.close()
    assert isinstance(outcome, Done)
    assert receiver.worked() == 1

    run = str(uuid4())
    assert [receiver.post(id=run) for _ in range(3)] == [200] * 3
    assert receiver.worked() == 2, "a call that comes again does nothing more"

    now, other = datetime.now(UTC), "whsec_" + base64.b64encode(b"the secret of somebody else").decode()
    assert receiver.post(id=str(uuid4()), secret=other) == 401
    assert receiver.post(id=str(uuid4()), body=b'{"job":"drop"}') == 401
    assert receiver.post(id=str(uuid4()), at=now - timedelta(minutes=6)) == 401
    assert receiver.post(id=str(uuid4()), at=now + timedelta(minutes=6)) == 401
    assert httpx.post(receiver.url, content=BODY, trust_env=False).status_code == 401
    assert receiver.worked() == 2
