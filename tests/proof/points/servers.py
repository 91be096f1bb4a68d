"""Servers, witnesses and a nursery for commands that need many places, one after the other."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from redis import Redis as Client

from db.migrate import migrate
from db.pool import Database
from local.mail import MailSink
from local.postgres import NO_FLUSH, Postgres
from local.redis import Redis
from proof.sinks import CallSink
from tests.proof.points.nursery import Nursery
from tests.proof.points.place import Place


class Servers:
    """The servers, the witnesses and the nursery of many places."""

    def __init__(self, closing: ExitStack, folder: Path) -> None:
        self._folder = folder
        self._postgres = closing.enter_context(Postgres(settings=NO_FLUSH))
        self._redis = closing.enter_context(Redis())
        self._nursery = closing.enter_context(Nursery())
        self._calls = closing.enter_context(CallSink())
        self._mails = closing.enter_context(MailSink(events=True, files=False))
        self._count = 0

    @contextmanager
    def place(self, **environ: str) -> Iterator[Place]:
        """A new place with a database of its own."""
        self._count += 1
        name = f"points_{self._count}"
        folder = self._folder / name
        folder.mkdir(parents=True)
        url = self._postgres.create_database(name)
        migrate(Database.at(url))
        with Client.from_url(self._redis.url) as client:
            client.flushall()
        with Place(url, self._redis.url, folder, self._nursery, self._calls, self._mails) as place:
            place.environ |= environ
            yield place
        self._postgres.drop_database(name)

    def create_database(self, name: str) -> str:
        """A database of a tenant's own, and its address."""
        return self._postgres.create_database(name)


@contextmanager
def serving() -> Iterator[Servers]:
    """Servers that end with the block."""
    with tempfile.TemporaryDirectory(prefix="tocsin-points-") as folder, ExitStack() as closing:
        yield Servers(closing, Path(folder))


def tell(line: str) -> None:
    """Says a line to the person at the command, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
