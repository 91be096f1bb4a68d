"""The Dockerfile's own steps, followed without an engine, and the product run in what they make: `make image-check`."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from local.processes import free_port
from local.receiver import Receiver
from tests import make
from tests.deploy import rootfs
from tests.system import Process, until

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(400),
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap: `make test-deps` installs it"),
]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rootfs.Stage]:
    """The image, with what Tocsin needs and no more."""
    folder = tmp_path_factory.mktemp("image")
    yield rootfs.build(folder / "built", {"SETS": "core"})
    shutil.rmtree(folder)


@pytest.fixture
def environ(image: rootfs.Stage, empty_database: str, redis: str) -> dict[str, str]:
    """What an engine would start it with."""
    own = {"DATABASE_URL": empty_database, "REDIS_URL": redis, "TOCSIN_EGRESS_ALLOW": "127.0.0.0/8"}
    return image.environ | own | {"TOCSIN_LEASE_SECONDS": "1"}


def ran(image: rootfs.Stage, environ: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(image.command(words), env=environ, capture_output=True, text=True, timeout=60)


def test_it_fires_a_schedule_as_nobody_in_particular_on_a_read_only_root_without_a_shell(
    image: rootfs.Stage, environ: dict[str, str], tmp_path: Path
) -> None:
    assert image.entrypoint == ("tocsin",)
    assert ran(image, environ, *image.entrypoint, "migrate").returncode == 0
    ports = {"api": free_port(), "ticker": free_port(), "worker": free_port()}
    started = {}
    for word, port in ports.items():
        own = environ | {"METRICS_PORT": str(port), "PORT": str(free_port())}
        command = image.command([*image.entrypoint, word])
        started[word] = Process(command, own, tmp_path / f"{word}.log")
    try:
        for word, process in started.items():
            process.until_says("web.started" if word == "api" else f"{word}.started")
            asked = ran(image, environ | {"METRICS_PORT": str(ports[word])}, "python", "-m", "telemetry.alive")
            assert asked.returncode == 0, asked.stderr
        with Receiver("whsec_" + "a" * 32, tmp_path / "calls.jsonl") as receiver:
            params = f'{{"url": "http://127.0.0.1:{receiver.port}/hook"}}'
            due = f"{datetime.now(UTC) - timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"
            words = ("schedules", "create", "http.call", "--name", "once", "--at", due, "--params", params)
            made = ran(image, environ, "tocsin", *words)
            assert made.returncode == 0, made.stderr
            until(lambda: receiver.calls, why=started["worker"].log)
        with make.connect(environ["DATABASE_URL"]) as conn:
            assert make.value(conn, "select count(*) from runs") == 1
        for process in started.values():
            # bubblewrap stays above what it started, and passes on nothing but the status.
            (inside,) = psutil.Process(process.pid).children()
            for _ in range(2):
                inside.send_signal(signal.SIGTERM)
        assert [process.wait(25) for process in started.values()] == [0, 0, 0]
    finally:
        for process in started.values():
            with suppress(OSError):
                process.kill()


def test_nothing_can_be_written_but_in_tmp_and_nobody_is_root(image: rootfs.Stage, environ: dict[str, str]) -> None:
    script = """
import os, pathlib, subprocess
pathlib.Path("/tmp/x").write_text("x")
for place in ("/x", "/opt/tocsin/x", "/etc/x", "/usr/x"):
    try:
        pathlib.Path(place).write_text("x")
    except OSError:
        continue
    raise SystemExit(place)
try:
    subprocess.run("true", shell=True)
except OSError:
    pass
else:
    raise SystemExit("there is a shell")
status = pathlib.Path("/proc/self/status").read_text()
assert "CapEff:\\t0000000000000000" in status
assert os.getuid() != 0 and not pathlib.Path("/work").exists() and not pathlib.Path("/home").exists()
"""
    done = ran(image, environ, "python", "-c", script)
    assert done.returncode == 0, done.stderr


def test_it_holds_no_test_and_no_installer(image: rootfs.Stage, environ: dict[str, str]) -> None:
    script = (
        "import importlib.util as i; print([n for n in ('pip', 'setuptools', 'pytest', 'tests') if i.find_spec(n)])"
    )
    assert ran(image, environ, "python", "-c", script).stdout.strip() == "[]"
    assert rootfs.size(image.folder) < 220 * 2**20


def test_an_alive_check_of_nobody_fails(image: rootfs.Stage, environ: dict[str, str]) -> None:
    assert ran(image, environ, "python", "-m", "telemetry.alive", str(free_port())).returncode == 1
