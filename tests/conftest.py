"""Real servers for every test: started when a test first asks for one, one of each per pytest process.

A test that only uses Postgres and Redis shares them: `database` is a database of its own, `redis` an emptied server.
A test that stops or kills a server makes one for itself with `make_postgres` or `make_redis`. `--postgres=15` has all
of these be of that version: 16 and 18 lie in the wheel, others are Debian's. Temporary files, the servers' own among them,
lie in memory where there is room: a database is copied in a tenth of the time.
"""

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from redis import Redis as Client

from db.migrate import migrate, register
from db.pool import Database
from local.binaries import DEFAULT_MAJOR
from local.mail import MailSink
from local.postgres import NO_FLUSH, Postgres
from local.redis import Redis

TEMPLATE = "tocsin_template"
MEMORY = Path("/dev/shm")
ROOM = 4 * 2**30


def pytest_configure() -> None:
    """Has this process and those that it starts keep temporary files in memory, where it has room."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Lets somebody choose the version of Postgres."""
    parser.addoption("--postgres", type=int, default=DEFAULT_MAJOR, help="major version of Postgres to test on")


@pytest.fixture(scope="session")
def postgres_major(pytestconfig: pytest.Config) -> int:
    """The version of Postgres that is tested on."""
    found: int = pytestconfig.getoption("--postgres")
    return found


@pytest.fixture(scope="session")
def postgres(postgres_major: int) -> Iterator[Postgres]:
    """The server that this pytest process shares; don't stop it."""
    with Postgres(settings=NO_FLUSH, major=postgres_major) as server:
        yield server


@pytest.fixture(scope="session")
def template(postgres: Postgres) -> str:
    """The name of a migrated database without an installation's row, to be copied."""
    url = postgres.create_database(TEMPLATE)
    migrate(Database.at(url))
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("delete from installation")
    return TEMPLATE


@contextmanager
def copied(postgres: Postgres, template: str) -> Iterator[str]:
    """The address of a migrated database for one test, or for all of a module's."""
    name = f"test_{uuid.uuid4().hex}"
    url = postgres.create_database(name, template=template, strategy="file_copy")
    # Written in the copy: a copied row would tell that this is somebody else's database, and nothing would be claimed.
    with psycopg.connect(url, autocommit=True) as conn:
        register(conn)
    yield url
    postgres.drop_database(name)


@pytest.fixture
def database(postgres: Postgres, template: str) -> Iterator[str]:
    """The address of a migrated database of the test's own."""
    with copied(postgres, template) as url:
        yield url


@pytest.fixture
def empty_database(postgres: Postgres) -> Iterator[str]:
    """The address of a database of the test's own with nothing in it."""
    name = f"test_{uuid.uuid4().hex}"
    yield postgres.create_database(name)
    postgres.drop_database(name)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    """The server that this pytest process shares; don't stop it."""
    with Redis() as server:
        yield server


@pytest.fixture
def redis(redis_server: Redis) -> str:
    """The address of database 0 of an emptied server."""
    with Client.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture(scope="session")
def mail_server() -> Iterator[MailSink]:
    """The mail server that this pytest process shares."""
    with MailSink() as sink:
        yield sink


@pytest.fixture
def mail(mail_server: MailSink) -> MailSink:
    """The shared mail server; what came before this test is forgotten."""
    mail_server.forget()
    return mail_server


@pytest.fixture
def make_postgres(postgres_major: int) -> Iterator[Callable[..., Postgres]]:
    """Makes started servers of the test's own, which it may stop and kill; they are closed after it."""
    with ExitStack() as servers:
        defaults: dict[str, Any] = {"settings": NO_FLUSH, "major": postgres_major}
        yield lambda **options: servers.enter_context(Postgres(**(defaults | options)))


@pytest.fixture
def make_redis() -> Iterator[Callable[..., Redis]]:
    """Makes started servers of the test's own, which it may stop and kill; they are closed after it."""
    with ExitStack() as servers:
        yield lambda **options: servers.enter_context(Redis(**options))
