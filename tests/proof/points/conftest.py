"""A place of the test's own on shared servers, with shared witnesses and a nursery that has everything loaded."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from local.mail import MailSink
from local.postgres import Postgres
from proof.sinks import CallSink
from tests.proof.points.nursery import Nursery
from tests.proof.points.place import Place


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """The process that forks tickers and workers."""
    with Nursery() as process:
        yield process


@pytest.fixture(scope="session")
def witnesses() -> Iterator[tuple[CallSink, MailSink]]:
    """The sinks of calls and of mails."""
    with CallSink() as calls, MailSink(events=True, files=False) as mails:
        yield calls, mails


@pytest.fixture
def make_place(
    database: str, redis: str, tmp_path: Path, nursery: Nursery, witnesses: tuple[CallSink, MailSink]
) -> Iterator[Callable[..., Place]]:
    """Makes places on the test's database, with the settings given."""
    with ExitStack() as places:

        def make(**environ: str) -> Place:
            place = places.enter_context(Place(database, redis, tmp_path, nursery, *witnesses))
            place.environ |= environ
            return place

        yield make


@pytest.fixture
def place(make_place: Callable[..., Place]) -> Place:
    """A place without any process yet."""
    return make_place()


@pytest.fixture
def own_database(postgres: Postgres, tmp_path: Path) -> Iterator[str]:
    """The address of a tenant's own database."""
    name = f"own_{tmp_path.name}".lower().replace("-", "_")[:50]
    yield postgres.create_database(name)
    postgres.drop_database(name)
