"""A web application on servers of the test's own choice."""

import socket
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg
import pytest
import uvicorn
from fastapi import FastAPI
from httpx2 import Response

from api import tokens
from api.app import create_app
from api.limits import Limit
from api.settings import Settings
from api.state import WRONG_TOKENS, Web
from db import walls
from db.migrate import migrate, register
from db.pool import Database
from local.postgres import NO_FLUSH, Postgres
from local.redis import Redis
from telemetry.telling import Telling
from tests import make

with warnings.catch_warnings():
    # It would rather have httpx2 than the httpx that this project declares; it works with either.
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

__all__ = ["JWT_SECRET", "KEY", "SHOWN", "TOKEN", "Api", "MakeWeb", "Place", "TestClient", "Two", "served", "web_of_it"]

KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
JWT_SECRET = "a secret of the test's own, long enough"
TOKEN = "let-me-in"
SHOWN = {"Authorization": f"Bearer {TOKEN}"}
MakeWeb = Callable[..., TestClient]


def settings_of(database: str, broker: str, **settings: Any) -> Settings:
    """The settings of a web application for a test; any may be named."""
    values: dict[str, Any] = {
        "database": Database.at(database),
        "broker_url": broker,
        "mode": "live",
        "lease_seconds": 1.0,
        "kinds": ("tests.kinds:NOOP",),
        "is_hosting": False,
        "retention_days": 90,
        "secret_keys": (KEY,),
        "jwt_secret": JWT_SECRET,
        "egress_allow": (),
        "proxies": (),
        "files": None,
        "artifact_url": None,
        "mail_hooks": {},
        "url": None,
        "oidc": None,
        "crew_url": None,
        "crew_minutes": 60,
        "port": 0,
        "processes": 1,
        "metrics_port": None,
        "metrics_token": TOKEN,
        "telling": Telling(),
    }
    return Settings(**values | settings)


@pytest.fixture(scope="module")
def hosting(postgres: Postgres, template: str, redis_server: Redis) -> Iterator[TestClient]:
    """One web application of many tenants for a whole module, whose tests keep to tenants of their own."""
    name = f"test_{uuid4().hex}"
    url = postgres.create_database(name, template=template)
    with make.connect(url) as conn:
        register(conn)
    with TestClient(create_app(settings_of(url, redis_server.url, is_hosting=True))) as web:
        yield web
    postgres.drop_database(name)


@pytest.fixture
def host(hosting: TestClient) -> TestClient:
    """The module's web application, which nobody has shown a wrong token yet."""
    web_of_it(hosting).wrong_tokens = Limit(WRONG_TOKENS)
    return hosting


@pytest.fixture
def owner(hosting: TestClient) -> Iterator[make.Connection]:
    """A connection to the module's database, as its owner."""
    with make.connect(web_of_it(hosting).settings.database.url) as found:
        yield found


def web_of_it(client: TestClient) -> Web:
    """What the web application holds."""
    found: Web = client.app.state.web  # type: ignore[attr-defined]  # typed as any ASGI application
    return found


@pytest.fixture
def make_web(redis: str) -> Iterator[MakeWeb]:
    """Makes started web applications, given the address of a database; any setting may be named."""

    def make(database: str, **settings: Any) -> TestClient:
        return open_clients.enter_context(TestClient(create_app(settings_of(database, redis, **settings))))

    with ExitStack() as open_clients:
        yield make


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The address at which the application, which has started already, answers over HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


class Api:
    """A tenant's way to the API, with a token of a scope."""

    def __init__(
        self, web: TestClient, conn: make.Connection, scope: str = "admin", tenant: UUID | None = None
    ) -> None:
        self.web = web
        self.tenant = None if scope == "operator" else tenant or make.tenant(conn)
        self.made, self.token = tokens.create(conn, self.tenant, "a test's", scope)

    def __call__(self, method: str, path: str, **options: Any) -> Response:
        """The answer to a request with the token."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        answer: Response = self.web.request(method, path, headers=headers, **options)
        return answer

    def of_scope(self, conn: make.Connection, scope: str) -> "Api":
        """The same tenant with another token."""
        return Api(self.web, conn, scope, self.tenant)


@pytest.fixture
def conn(database: str) -> Iterator[make.Connection]:
    """A connection of the test's own to its database."""
    with make.connect(database) as found:
        yield found


@pytest.fixture
def api(web: TestClient, conn: make.Connection) -> Api:
    """A tenant with an admin's token."""
    return Api(web, conn)


@pytest.fixture
def web(make_web: MakeWeb, database: str) -> TestClient:
    """A web application on a migrated database."""
    return make_web(database)


class Place(NamedTuple):
    """A database: the address that the web has, the superuser's, and whether the second wall stands there."""

    url: str
    admin_url: str
    is_walled: bool


@pytest.fixture(scope="session")
def plain() -> Iterator[Place]:
    """A migrated database on a server without the role, whose owner may make none."""
    with Postgres(settings=NO_FLUSH) as server:
        with make.connect(server.url) as conn:
            conn.execute("create role keeper login nosuperuser nocreaterole password 'hush'")
            conn.execute("create database kept owner keeper")
        url = f"postgresql://keeper:hush@127.0.0.1:{server.port}/kept"
        migrate(Database.at(url))
        yield Place(url, server.url_of("kept"), is_walled=False)


@pytest.fixture(params=["both walls", "the first wall alone"])
def place(request: pytest.FixtureRequest) -> Place:
    """A database with the second wall, and one where it could not be built."""
    if request.param == "both walls":
        url = request.getfixturevalue("database")
        return Place(url, url, is_walled=True)
    found: Place = request.getfixturevalue("plain")
    return found


class Two(NamedTuple):
    """Two tenants, each with an admin; and the web that both ask."""

    web: TestClient
    conn: make.Connection
    a: Api
    b: Api


@pytest.fixture
def two(web: TestClient, conn: make.Connection) -> Two:
    """Two tenants on one web behind both walls."""
    return Two(web, conn, Api(web, conn), Api(web, conn))


@pytest.fixture
def two_anywhere(make_web: MakeWeb, place: Place) -> Iterator[Two]:
    """Two tenants behind both walls, and behind the first alone."""
    web = make_web(place.url)
    with make.connect(place.admin_url) as conn, psycopg.connect(place.url, autocommit=True) as owner:
        assert walls.has_wall(owner) == place.is_walled
        yield Two(web, conn, Api(web, conn), Api(web, conn))
