"""A living system for the tests of one module: a ticker and a worker, each a process, and a mail server."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.migrate import register
from local.mail import MailSink
from local.postgres import Postgres
from local.redis import Redis
from tests import make
from tests.system import System


@pytest.fixture(scope="module")
def living(
    postgres: Postgres,
    template: str,
    redis_server: Redis,
    mail_server: MailSink,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[System]:
    """A system at work; each test makes its own schedules and looks at their runs alone."""
    name = f"living_{uuid.uuid4().hex}"
    url = postgres.create_database(name, template=template)
    with make.connect(url) as conn:
        register(conn)
    folder = tmp_path_factory.mktemp("living")
    with System(url, redis_server.url_of(1), folder, MAIL_URL=mail_server.url, WORKER_THREADS="8") as system:
        system.ticker(wait=False)
        system.worker(wait=False, METRICS_PORT="0")
        yield system
    postgres.drop_database(name)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """The file that kinds leave their lines in."""
    return tmp_path / "trace"
