"""Sources: each turns a tenant's query into a Table, read-only, with a deadline and caps on rows and bytes."""

from collections.abc import Callable, Sequence

from workers.addresses import IPNetwork
from workers.sources.postgres import Observe, Postgres
from workers.sources.table import Column, RowCap, Source, SourceRefused, SourceUnavailable, Table

__all__ = ["Column", "Postgres", "RowCap", "Source", "SourceRefused", "SourceUnavailable", "Table", "open_source"]


def open_source(
    source_type: str,
    url: str,
    *,
    allowed: Sequence[IPNetwork] = (),
    is_cancelled: Callable[[], bool] = lambda: False,
    observe: Observe | None = None,
) -> Source:
    """Return the source of a stored type; nothing is connected yet. Raises SourceRefused for a type not known here."""
    if source_type != "postgres":
        raise SourceRefused(f"no source of the type {source_type!r} here; the types are: postgres")
    return Postgres(url, allowed=allowed, is_cancelled=is_cancelled, observe=observe)
