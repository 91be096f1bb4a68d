"""A tenant's sources as people ask them: opened as a worker opens them, for a test of an alert or a backtest."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from config.seal import Seal
from db.pool import Connection
from scheduler.refusals import NotFound
from workers.http import Client
from workers.journal import GET_SOURCE, SourceRow, opened
from workers.sources import Reach, Source, open_source


class Means(NamedTuple):
    """What it takes to open a source: the keys of its secrets, and where it may lie."""

    seal: Seal
    egress_allow: tuple[IPv4Network | IPv6Network, ...]
    files: Path | None


def row_of(conn: Connection, tenant_id: UUID, source_id: UUID) -> SourceRow:
    """The source as it is stored. Raises NotFound."""
    row = GET_SOURCE.one(conn, tenant_id=tenant_id, name=str(source_id))
    if row is None or row.id != source_id:
        raise NotFound(f"there is no source {source_id}")
    return row


def named(conn: Connection, tenant_id: UUID, id_or_name: str) -> SourceRow:
    """The source of that name or id, as it is stored. Raises NotFound."""
    row = GET_SOURCE.one(conn, tenant_id=tenant_id, name=id_or_name)
    if row is None:
        raise NotFound(f"there is no source {id_or_name}")
    return row


@contextmanager
def asked(row: SourceRow, tenant_id: UUID, means: Means) -> Iterator[Source]:
    """The source, opened for the block. Raises SourceRefused, SealError."""
    with closing(Client(allowed=means.egress_allow)) as http:
        yield open_source(opened(row, tenant_id, means.seal), Reach(http, means.egress_allow, means.files))
