"""`tocsin crew`: the endpoints that are asked about users."""

from typing import TYPE_CHECKING, Any

from tocsin import bodies
from tocsin.listed import Listed, finish, verbs_of

if TYPE_CHECKING:
    from uuid import UUID

    from api.crew_endpoints import CrewEndpoint
    from api.nouns import Noun
    from db.pool import Connection


def add(commands: Any) -> None:
    """Adds the parsers."""
    verbs = verbs_of(commands, "crew", "the endpoints that are asked about users")
    _ENDPOINTS.add(verbs, "list", "show", "create", "delete")
    finish(verbs)


def _noun() -> "Noun[CrewEndpoint]":
    from api.crew_endpoints import ENDPOINTS

    return ENDPOINTS


def _make(conn: "Connection", tenant: "UUID", body: dict[str, Any]) -> "CrewEndpoint":
    from api import crew_endpoints
    from tocsin.installation import seal

    return crew_endpoints.create(conn, tenant, bodies.read(crew_endpoints.CrewEndpointIn, body), seal())


_ENDPOINTS = Listed(
    "crew endpoints",
    "endpoint",
    _noun,
    _make,
    {
        "ID": "id",
        "NAME": "name",
        "URL": "url",
        "CONCURRENCY": "concurrency",
        "SEGMENTS": "segments",
        "OPEN SINCE": "circuitOpenSince",
    },
)
