"""Real processes with a mail server, a tenant and its own database: what a story needs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.mail import MailSink
from local.postgres import Postgres
from tests.flow.world import World, open_world


@pytest.fixture
def world(database: str, redis: str, mail: MailSink, postgres: Postgres, tmp_path: Path) -> Iterator[World]:
    """One ticker and one worker at work, a tenant, and a database of the tenant's own with one figure in it."""
    with open_world(database, redis, mail, postgres, tmp_path) as found:
        yield found
