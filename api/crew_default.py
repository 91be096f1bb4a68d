"""The endpoint of a tenant that made none: `default`, at CREW_API_URL, for as long as nobody sends it elsewhere."""

from uuid import UUID

from config.environ import BadSetting, read
from db.pool import Connection
from db.query import Query
from workers.http import BadUrl, check_url

NAME = "default"
INSERT = Query("insert_default_endpoint")
FOLLOW = Query("follow_crew_setting")


def url_of_setting() -> str | None:
    """CREW_API_URL, which an endpoint could have. Raises BadSetting."""
    url: str | None = read(("CREW_API_URL",))["CREW_API_URL"]
    try:
        return url and check_url(url)
    except BadUrl as error:
        raise BadSetting(f"CREW_API_URL takes what a crew endpoint's url takes: {error}") from None


def make(conn: Connection, tenant_id: UUID, url: str | None) -> None:
    """Where the tenant made no endpoint and the setting names one, it has that."""
    if url is not None:
        INSERT.run(conn, tenant_id=tenant_id, name=NAME, url=url)


def follow(conn: Connection, url: str | None) -> None:
    """Every tenant's endpoint of the setting lies where the setting says now."""
    if url is not None:
        FOLLOW.run(conn, url=url)
