"""A system of the test's own on the shared servers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.system import System


@pytest.fixture
def make_system(database: str, redis: str, tmp_path: Path) -> Iterator[Callable[..., System]]:
    """Makes systems on the test's database, with the settings given; their processes end with the test."""
    with ExitStack() as systems:

        def make(**environ: str) -> System:
            broker = environ.pop("BROKER_URL", redis)
            return systems.enter_context(System(database, broker, tmp_path, **environ))

        yield make


@pytest.fixture
def system(make_system: Callable[..., System]) -> System:
    """A system without any process yet."""
    return make_system()


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """The file that kinds leave their lines in."""
    return tmp_path / "trace"
