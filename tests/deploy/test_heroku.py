"""The Heroku style: app.json against the settings, TLS with certificates of nobody, and the whole Procfile as one group."""

import json
import os
import re
import signal
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis as redis_client
import yaml
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from api.routes.health import broker_answers
from config.environ import SETTINGS, need, read
from db.pool import Database, DatabaseError
from local import procfile
from local.processes import free_port
from scheduler.relay import relay_to
from tests import kinds, make
from tests.deploy import rootfs
from tests.deploy.tls import Front
from tests.races.traces import lines
from tests.system import ROOT, Process, until
from tocsin import checks
from workers.broker import open_broker

APP: Any = json.loads((ROOT / "app.json").read_text())


def test_app_json_names_settings_alone_and_each_value_is_one_that_the_setting_takes() -> None:
    every = APP["env"] | APP["environments"]["review"]["env"]
    assert not set(every) - set(SETTINGS)
    for name, told in every.items():
        if "value" in told:
            assert not SETTINGS[name].is_secret, name
            need(name, {name: told["value"]})
    # Heroku's generated secrets are 64 hexadecimal characters: right for a token, and no key of 32 bytes.
    assert {name for name, told in APP["env"].items() if told.get("generator")} == {"METRICS_TOKEN"}


def test_app_json_runs_each_process_of_the_procfile_and_brings_what_they_need() -> None:
    assert set(APP["formation"]) == set(procfile.commands()) - {"release"}
    assert [name.partition(":")[0] for name in APP["addons"]] == ["heroku-postgresql", "heroku-redis"]


def test_what_the_platform_installs_is_locked_by_hash_and_holds_the_core() -> None:
    files = [line.split()[1] for line in (ROOT / "requirements.txt").read_text().splitlines() if line.startswith("-r ")]
    assert "requirements/core.txt" in files
    assert "requirements/build.txt" in files
    # What the image ships, but for the broker that the platform's add-on is not.
    (sets,) = [text for step, text in rootfs.instructions(rootfs.DOCKERFILE) if text.startswith("SETS=")]
    shipped = set(sets.partition("=")[2].strip('"').split())
    assert {f"requirements/{name}.txt" for name in shipped - {"rabbitmq"} | {"build"}} == set(files)
    assert "telemetry" in shipped, "SENTRY_DSN would stop every process"
    assert all("--hash=sha256:" in (ROOT / file).read_text() for file in files)


def test_the_platforms_python_is_one_that_the_locks_are_for() -> None:
    # Major and minor alone: the buildpack then takes the newest of its patches.
    found = re.fullmatch(r"3\.(\d+)\n", (ROOT / ".python-version").read_text())
    assert found
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert Version(f"3.{found[1]}") in SpecifierSet(wanted)


def test_the_compose_file_gives_each_process_its_settings_and_no_more() -> None:
    told: Any = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
    services = told["services"]
    assert {"migrate", "web", "ticker", "worker", "postgres", "redis", "mailpit", "prometheus", "grafana"} == set(
        services
    )
    for name in ("migrate", "web", "ticker", "worker"):
        service = services[name]
        keyless = {key: text for key, text in service["environment"].items() if key != "TOCSIN_SECRET_KEYS"}
        assert set(service["environment"]) <= set(SETTINGS)
        read(keyless, {key: str(text) for key, text in keyless.items()})
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["stop_grace_period"] == "30s"
        assert set(service["build"]["args"]) == {"BASE"}  # by its digest: test_image.py
    for name in ("postgres", "redis", "mailpit", "prometheus", "grafana"):
        # Exact: a tag alone may be another image tomorrow, or be none.
        assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+(\.\d+)?(-alpine)?@sha256:[0-9a-f]{64}", services[name]["image"]), name
    commands = {name: words[3:] for name, words in procfile.commands().items()}
    assert services["web"]["command"] == commands["web"]
    assert services["ticker"]["command"] == commands["ticker"]
    assert services["worker"]["command"] == commands["worker"]
    assert services["migrate"]["command"] == commands["release"]


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A way in by TLS, with a certificate that nobody vouches for, as Heroku's Redis has it."""
    with Front(tmp_path_factory.mktemp("tls")) as opened:
        yield opened


def test_every_process_takes_a_redis_whose_certificate_nobody_vouches_for(front: Front, redis: str) -> None:
    url = front.to(redis)
    assert url.startswith("rediss://")
    with pytest.raises(redis_client.ConnectionError, match="certificate"):
        redis_client.Redis.from_url(url).ping()
    assert broker_answers(url)
    assert not checks._problem_of_redis(url)
    relay_to(url)._bell.ring([("default", b"{}", "one")])
    broker = open_broker(url, 4)
    try:
        assert broker.client.ping()  # type: ignore[attr-defined]
    finally:
        broker.close()


def test_a_database_that_is_named_as_heroku_names_it_is_reached_by_tls(front: Front, database: str) -> None:
    url = front.to(database)
    assert url.startswith("postgres://")
    need("DATABASE_URL", {"DATABASE_URL": url})
    for address in (url, f"{url}?sslmode=require"):
        with Database.at(address).connect("test") as conn:
            assert make.value(conn, "select 1") == 1
            assert conn.pgconn.ssl_in_use
    # Whoever wants the certificate vouched for says so, and is then obeyed.
    with pytest.raises(DatabaseError):
        Database.at(f"{url}?sslmode=verify-full&sslrootcert=system").connect("test")


def started(folder: Path, database: str, redis: str, kill_wait: int | None = None) -> Process:
    """The command of docs/deploy.md in the checkout, as honcho ships it or with another patience."""
    environ = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(folder),
        "DATABASE_URL": database,
        "REDIS_URL": redis,
        "PORT": str(free_port()),
        "WORKER_PROCESSES": "2",
        "TOCSIN_LEASE_SECONDS": "1",
        "TOCSIN_KINDS": kinds.NAMES,
        "LOG_FORMAT": "text",
    }
    patience = "" if kill_wait is None else f"import honcho.manager as m; m.KILL_WAIT = {kill_wait}; "
    honcho = f"import sys; {patience}from honcho.command import main; main(sys.argv[1:])"
    (told,) = re.findall(r"^    (?:\S*/)?honcho (start\b.*)$", (ROOT / "docs" / "deploy.md").read_text(), re.MULTILINE)
    running = Process([sys.executable, "-c", honcho, *told.split()], environ, folder / "honcho.log")
    for event in ("web.started", "ticker.started", "worker.started", "the release is done"):
        running.until_says(event)
    # The second as well: one that SIGTERM meets before it began says nothing.
    until(lambda: running.log().count("worker.started") == 2, why=running.log)
    return running


@pytest.mark.race
def test_honcho_runs_the_procfile_from_an_empty_database_by_tls_and_sigterm_to_everybody_twice_drains(
    front: Front, empty_database: str, redis: str, tmp_path: Path
) -> None:
    """Heroku sends SIGTERM to every process of a dyno: to the shell, to a supervisor and to its children alike."""
    trace = tmp_path / "trace"
    # It kills what has not ended 5 seconds after the first, where the platform waits 30.
    running = started(tmp_path, front.to(empty_database), front.to(redis), kill_wait=30)
    try:
        with make.connect(empty_database) as conn:
            tenant = make.tenant(conn)
            params = {"file": str(trace), "seconds": 1.5}
            for _ in range(6):
                make.schedule(conn, tenant, kind="test.wait_deaf", params=params, max_attempts=1)
            conn.execute("select pg_notify('tocsin', '')")
            until(lambda: len(lines(trace, "began")) == 6, why=running.log)
            everybody = psutil.Process(running.pid).children(recursive=True)
            began = time.monotonic()
            for _ in range(2):
                for each in everybody:
                    with suppress(psutil.NoSuchProcess):
                        each.send_signal(signal.SIGTERM)
            running.wait(25)
            assert time.monotonic() - began < 25
            stopped = {who: running.log().count(f" {who}.stopped") for who in ("web", "ticker", "worker")}
            assert stopped == {"web": 1, "ticker": 1, "worker": 2}, running.log()
            assert "SIGKILL" not in running.log(), running.log()
            assert {line.run for line in lines(trace, "ended")} == {line.run for line in lines(trace, "began")}
            assert make.value(conn, "select count(*) from runs where state = 'succeeded'") == 6
            assert make.value(conn, "select count(*) from processes where stopped_at is null") == 0
    finally:
        running.kill()


@pytest.mark.long
@pytest.mark.race
def test_what_honcho_kills_after_five_seconds_is_taken_up_at_the_next_start_and_nothing_is_done_twice(
    empty_database: str, redis: str, tmp_path: Path
) -> None:
    """As it ships: of six short runs and a long one, the long one is cut, and is done by the second start."""
    short, long, over = tmp_path / "short", tmp_path / "long", tmp_path / "over"
    running = started(tmp_path, empty_database, redis)
    try:
        with make.connect(empty_database) as conn:
            tenant = make.tenant(conn)
            params = {"file": str(long), "seconds": 60.0, "until": str(over)}
            make.schedule(conn, tenant, kind="test.wait_deaf", params=params)
            for _ in range(6):
                make.schedule(conn, tenant, kind="test.wait_deaf", params={"file": str(short), "seconds": 0.5})
            conn.execute("select pg_notify('tocsin', '')")
            until(lambda: len(lines(short, "began")) == 6 and lines(long, "began"), why=running.log)
            running.signal(signal.SIGTERM)
            running.wait(25)
            assert "SIGKILL" in running.log(), running.log()
            assert len(lines(short, "ended")) == 6
            assert not lines(long, "ended")
            over.touch()
            running = started(tmp_path, empty_database, redis)
            until(lambda: lines(long, "ended"), why=running.log)
            until(lambda: make.value(conn, "select count(*) from runs where state = 'succeeded'") == 7, why=running.log)
            assert len(lines(short)) == 12
            # Twice begun, at the price of no attempt: what held it was lost.
            assert [(line.attempt, line.word) for line in lines(long)] == [(1, "began"), (1, "began"), (1, "ended")]
    finally:
        running.kill()
