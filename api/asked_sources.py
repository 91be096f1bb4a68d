"""A tenant's sources as a request asks them: opened as a worker opens them, for a preview, a test or a backtest."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from uuid import UUID

from api.request import Asked
from scheduler.refusals import NotFound
from workers.http import Client
from workers.journal import GET_SOURCE, SourceRow, opened
from workers.sources import Reach, Source, open_source


def row_of(asking: Asked, source_id: UUID) -> SourceRow:
    """The source as it is stored. Raises NotFound."""
    with asking.reading() as conn:
        row = GET_SOURCE.one(conn, tenant_id=asking.tenant, name=str(source_id))
    if row is None or row.id != source_id:
        raise NotFound(f"there is no source {source_id}")
    return row


@contextmanager
def asked(asking: Asked, row: SourceRow) -> Iterator[Source]:
    """The source, opened for the block. Raises SourceRefused, SealError."""
    settings = asking.web.settings
    with closing(Client(allowed=settings.egress_allow)) as http:
        stored = opened(row, asking.tenant, asking.web.seal)
        yield open_source(stored, Reach(http, settings.egress_allow, settings.files))
