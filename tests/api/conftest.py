"""A web application on servers of the test's own choice."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from api.app import create_app
from api.settings import Settings
from db.pool import Database

with warnings.catch_warnings():
    # It would rather have httpx2 than the httpx that this project declares; it works with either.
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

__all__ = ["SHOWN", "TOKEN", "MakeWeb", "TestClient"]

TOKEN = "let-me-in"
SHOWN = {"Authorization": f"Bearer {TOKEN}"}
MakeWeb = Callable[..., TestClient]


@pytest.fixture
def make_web(redis: str) -> Iterator[MakeWeb]:
    """Makes started web applications, given the address of a database; any setting may be named."""

    def make(database: str, **settings: Any) -> TestClient:
        values: dict[str, Any] = {
            "database": Database.at(database),
            "broker_url": redis,
            "mode": "live",
            "lease_seconds": 1.0,
            "kinds": (),
            "port": 0,
            "processes": 1,
            "metrics_port": None,
            "metrics_token": TOKEN,
            "log_format": "text",
            "log_level": "info",
        }
        return open_clients.enter_context(TestClient(create_app(Settings(**values | settings))))

    with ExitStack() as open_clients:
        yield make


@pytest.fixture
def web(make_web: MakeWeb, database: str) -> TestClient:
    """A web application on a migrated database."""
    return make_web(database)
