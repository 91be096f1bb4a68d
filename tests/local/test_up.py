"""`tocsin up` as a user gives it: kept running, started again, found again, stopped without a trace."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import psycopg
import pytest

from config.environ import SETTINGS
from local.machine import choose_port, is_free
from local.processes import free_port
from local.procfile import commands
from tests.local.leftovers import left_over
from tests.system import until

pytestmark = [pytest.mark.race, pytest.mark.slow]


class Up:
    """A running `up` on a folder."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self._out = (folder.parent / "out").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local.up", "--folder", str(folder)],
            stdout=self._out,
            stderr=self._out,
            text=True,
            env={
                "PATH": os.environ["PATH"],
                "PORT": str(port),
                "TMPDIR": str(folder.parent),
                "TOCSIN_LEASE_SECONDS": "1",
            },
            start_new_session=True,
        )
        until(lambda: self.said().count("until Ctrl-C") or self.process.poll() is not None, 60, self.said)
        assert self.process.poll() is None, self.said()

    def said(self) -> str:
        self._out.seek(0)
        return self._out.read()

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        self.process.send_signal(number)
        status = self.process.wait(60)
        self._out.close()
        return status

    def connect(self) -> psycopg.Connection:
        port = json.loads((self.folder / "machine.json").read_text())["postgresPort"]
        password = (self.folder / "postgres" / "password").read_text()
        return psycopg.connect(f"postgresql://postgres:{password}@127.0.0.1:{port}/tocsin", autocommit=True)


@pytest.fixture
def folder(open_folder: Path) -> Path:
    """Where `up` is to keep its data; it makes the folder itself."""
    return open_folder / "home"


def value(up: Up, statement: str) -> object:
    with up.connect() as conn:
        row = conn.execute(statement).fetchone()
    return row and row[0]


def alive(up: Up, role: str) -> object:
    return value(up, f"select min(pid) from processes where role = '{role}' and stopped_at is null and lost_at is null")


def test_it_runs_starts_again_what_dies_and_finds_its_data_the_next_time(folder: Path) -> None:
    up = Up(folder, free_port())
    with urllib.request.urlopen(f"http://127.0.0.1:{up.port}/readyz", timeout=10) as answer:
        assert json.load(answer)["status"] == "ready"
    printed = re.search(r"http://127\.0\.0\.1:\d+/sign-in/\S+", up.said())
    assert printed
    with urllib.request.urlopen(printed[0], timeout=10) as answer:
        assert "Sign in to Default" in answer.read().decode()
    until(lambda: all(alive(up, role) for role in ("web", "ticker", "worker")))
    worker = alive(up, "worker")
    assert isinstance(worker, int)
    psutil.Process(worker).kill()
    until(lambda: alive(up, "worker") not in (None, worker), 60, up.said)
    assert "worker ended with status 137, and starts again in 1 s" in up.said()
    made = value(up, "select array_agg(id::text order by id) from schedules")
    assert up.stop() == 0
    until(lambda: not left_over(folder.parent))
    again = Up(folder, free_port())
    assert value(again, "select array_agg(id::text order by id) from schedules") == made
    assert again.stop(signal.SIGINT) == 0
    until(lambda: not left_over(folder.parent))


def test_a_second_one_on_the_same_folder_is_one_clear_line(folder: Path) -> None:
    up = Up(folder, free_port())
    second = subprocess.run(
        [sys.executable, "-m", "local.up", "--folder", str(folder)], capture_output=True, text=True, timeout=60
    )
    assert second.returncode == 1
    assert second.stderr == f"tocsin: `tocsin up` runs already on {folder}\n"
    assert up.stop() == 0


def test_a_port_that_was_asked_for_and_is_taken_is_one_clear_line_before_anything_starts(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as other:
        port = other.getsockname()[1]
        environ = {"PATH": os.environ["PATH"], "PORT": str(port), "TMPDIR": str(folder.parent)}
        command = [sys.executable, "-m", "local.up", "--folder", str(folder)]
        refused = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environ)
    assert (refused.returncode, refused.stdout) == (1, "")
    said = re.fullmatch(r"tocsin: port (\d+) is taken; PORT=(\d+) make up\n", refused.stderr)
    assert said
    assert int(said[1]) == port < int(said[2])
    assert not (folder / "postgres").exists()


def test_without_a_wish_of_the_callers_a_taken_port_gives_way_to_a_free_one() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as other:
        taken = other.getsockname()[1]
        chosen = choose_port(taken)
        assert chosen != taken
        assert is_free(chosen)
    assert choose_port(taken) == taken


def test_its_settings_are_told_whole_and_for_its_owner_alone(folder: Path) -> None:
    up = Up(folder, free_port())
    worker = until(lambda: alive(up, "worker"))
    assert isinstance(worker, int)
    its = {name: text for name, text in psutil.Process(worker).environ().items() if name in SETTINGS}
    said = subprocess.run(["sh", "-c", f". {folder}/env; env -0"], env={}, capture_output=True, text=True, check=True)
    told = dict(line.split("=", 1) for line in said.stdout.split("\0") if line)
    assert {name: told.get(name) for name in its} == its
    assert {"ARTIFACT_URL", "CHATBOT_URL", "TOCSIN_EGRESS_ALLOW", "MAIL_URL"} <= its.keys()
    assert "TOKEN" in told
    assert (folder / "machine.json").stat().st_mode & 0o077 == 0
    assert (folder / "env").stat().st_mode & 0o077 == 0
    assert up.stop() == 0


def test_the_procfile_runs_this_very_python() -> None:
    assert commands()["worker"] == [sys.executable, "-m", "tocsin", "worker"]
    assert set(commands()) == {"release", "web", "ticker", "worker"}
