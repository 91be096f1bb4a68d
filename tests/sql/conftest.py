"""A migrated database that the tests of one module share: each makes its own tenants and asks about its own rows."""

import uuid
from collections.abc import Iterator

import pytest

from db.migrate import register
from local.postgres import Postgres
from tests import make


@pytest.fixture(scope="module")
def shared(postgres: Postgres, template: str) -> Iterator[str]:
    """The address of the database."""
    name = f"shared_{uuid.uuid4().hex}"
    url = postgres.create_database(name, template=template)
    with make.connect(url) as conn:
        register(conn)
    yield url
    postgres.drop_database(name)


@pytest.fixture(scope="module")
def schema(shared: str) -> Iterator[make.Connection]:
    """A connection to the shared database, for looking at its schema."""
    with make.connect(shared) as conn:
        yield conn


@pytest.fixture
def conn(shared: str) -> Iterator[make.Connection]:
    """A connection of the test's own to the shared database, as the owner."""
    with make.connect(shared) as conn:
        yield conn
