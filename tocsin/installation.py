"""What a command works on: the database that DATABASE_URL names, and a tenant in it."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tocsin.complaints import Complaint

if TYPE_CHECKING:
    from api.audit import Author
    from config.seal import Seal
    from db.pool import Connection


@contextmanager
def opened() -> "Iterator[Connection]":
    """A connection to a database whose schema fits. Raises BadSetting, SchemaError, and what the driver raises."""
    from config.environ import read
    from db.migrate import check
    from db.pool import Database

    read(("TOCSIN_MODE",))
    with Database.from_environ().connect("command") as conn:
        check(conn)
        yield conn


@contextmanager
def changing() -> "Iterator[Connection]":
    """The same, and one transaction: what a command changes is kept together with its audit entry, or not at all."""
    # What is loaded takes seconds on a busy machine, and a transaction that rests for five is ended by the server.
    from api import audit, tenants  # noqa: F401 - for `record` and `tenant_id`
    from db.pool import transaction

    with opened() as conn, transaction(conn):
        yield conn


def record(
    conn: "Connection",
    tenant: UUID | None,
    action: str,
    subject: tuple[str, object],
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Adds the audit entry of what a command changed, as the API adds it to each change; None is the operator's chain.

    Comes last in the transaction: until its end nobody else writes into that chain.
    """
    from api import audit

    audit.record(conn, tenant, author(), action, subject, before, after)


def author() -> "Author":
    """Whoever gives the command, as the audit log names them."""
    from api.audit import Author

    return Author(who())


def tenant_id(conn: "Connection", slug: str | None) -> UUID:
    """The tenant of that slug; without one the default tenant, made when it is first used.

    Raises Complaint when there are many tenants and none was named, NotFound.
    """
    from api import tenants
    from config.environ import read

    if slug is not None:
        return tenants.get(conn, slug).id
    if read(("TOCSIN_HOSTING",))["TOCSIN_HOSTING"] == "on":
        raise Complaint("there are many tenants here (TOCSIN_HOSTING is on): name one with --tenant SLUG")
    return tenants.default(conn).id


def seal() -> "Seal":
    """The keys that secrets are sealed with. Raises BadSetting, SealError."""
    from config.environ import read
    from config.seal import Seal

    return Seal(read(("TOCSIN_SECRET_KEYS",))["TOCSIN_SECRET_KEYS"])


def retention_days() -> int:
    """How many days of history are kept."""
    from config.environ import read

    days: int = read(("TOCSIN_RETENTION_DAYS",))["TOCSIN_RETENTION_DAYS"]
    return days


def run_id(text: str) -> UUID:
    """The id that the text is. Raises Complaint."""
    try:
        return UUID(text)
    except ValueError:
        raise Complaint(f"{text!r} is not an id; `--json` on a listing shows ids in full") from None


def who() -> str:
    """Who gives the command, as history keeps it."""
    try:
        return f"command:{getpass.getuser()}"
    except (KeyError, OSError):
        return "command"
