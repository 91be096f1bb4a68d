"""Real processes with a mail server, a tenant and its own database: what a story needs."""

import base64
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config.seal import Seal
from local.mail import MailSink
from local.postgres import Postgres
from tests.flow.world import World
from tests.system import System

KEY = base64.b64encode(b"k" * 32).decode()


@pytest.fixture
def world(
    database: str, redis: str, mail: MailSink, postgres: Postgres, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[World]:
    """One ticker and one worker at work, a tenant, and a database of the tenant's own with one figure in it."""
    name = f"own_{Path(request.node.name).stem.strip('[]')[:30]}_{abs(hash(database)) % 10**8}"
    own = postgres.create_database(name)
    with (
        psycopg.connect(own, autocommit=True) as figures,
        System(
            database,
            redis,
            tmp_path,
            MAIL_URL=mail.url,
            MAIL_FROM="Tocsin <tocsin@example.com>",
            TOCSIN_EGRESS_ALLOW="127.0.0.0/8",
            TOCSIN_SECRET_KEYS=KEY,
        ) as system,
    ):
        figures.execute("create table figure as select 100::numeric as value")
        system.ticker()
        system.worker()
        yield World(system, mail, figures, own, Seal((KEY,)))
    postgres.drop_database(name)
