"""The command, called in this process on a database of the test's own."""

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from tests import make
from tocsin.command import main

KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


class Answer(NamedTuple):
    """What a command answered."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)

    def complaint(self) -> str:
        """The one line on standard error of a command that failed and printed nothing else."""
        assert self.status == 1
        assert self.out == ""
        assert self.err.startswith("tocsin: ")
        assert self.err.count("\n") == 1
        return self.err.removeprefix("tocsin: ").strip()


Tocsin = Callable[..., Answer]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tocsin:
    """The command without any setting."""
    import os

    for name in [name for name in os.environ if name.startswith("TOCSIN_") or name.endswith("_URL")]:
        monkeypatch.delenv(name)

    def call(*argv: str) -> Answer:
        capsys.readouterr()
        status = main(argv)
        return Answer(status, *capsys.readouterr())

    return call


@pytest.fixture
def tocsin(bare: Tocsin, database: str, monkeypatch: pytest.MonkeyPatch) -> Tocsin:
    """The command on the test's database, with a key for secrets and the tests' kinds."""
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("TOCSIN_SECRET_KEYS", KEY)
    monkeypatch.setenv("TOCSIN_KINDS", "tests.kinds:NOOP")
    return bare


@pytest.fixture
def conn(database: str) -> Iterator[make.Connection]:
    """A connection of the test's own to its database."""
    with make.connect(database) as found:
        yield found
