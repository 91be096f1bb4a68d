"""A tenant's own Postgres as a source: the address is checked here, the reading is done by `db.foreign`."""

import time
from collections.abc import Callable, Sequence

from db import foreign
from workers import addresses
from workers.addresses import IPNetwork
from workers.sources.table import Column, RowCap, SourceRefused, SourceUnavailable, Table

BYTE_CAP = 16_000_000

Observe = Callable[[str, str, float], None]


class Postgres:
    """Answers one statement at a time, each on a connection of its own that is closed afterwards.

    `observe(type, outcome, seconds)` is called once a query; outcome is ok, refused, row_cap or unavailable.
    """

    def __init__(
        self,
        url: str,
        *,
        allowed: Sequence[IPNetwork] = (),
        is_cancelled: Callable[[], bool] = lambda: False,
        observe: Observe | None = None,
        byte_cap: int = BYTE_CAP,
    ) -> None:
        self._url = url
        self._allowed = tuple(allowed)
        self._is_cancelled = is_cancelled
        self._observe = observe
        self._byte_cap = byte_cap

    def query(self, sql: str, *, timeout_seconds: float, row_cap: int) -> Table:
        """Return the whole answer to one read-only statement.

        Raises SourceUnavailable (passing), SourceRefused (lasting) and RowCap; no text of theirs holds the password.
        """
        started = time.monotonic()
        outcome = "raised"
        try:
            table = self._read(sql, started + timeout_seconds, row_cap)
            outcome = "ok"
            if len(table.rows) > row_cap:
                outcome = "row_cap"
                raise RowCap(f"the query gives more than {row_cap} row{'s' * (row_cap != 1)}", table)
        except (foreign.Unavailable, addresses.Unresolved, addresses.ResolveTooSlow) as error:
            outcome = "unavailable"
            raise SourceUnavailable(f"the source's database: {error}") from None
        except (foreign.Refused, addresses.Forbidden) as error:
            outcome = "refused"
            raise SourceRefused(f"the source's database: {error}") from None
        else:
            return table
        finally:
            if self._observe is not None:
                self._observe("postgres", outcome, time.monotonic() - started)

    def _read(self, sql: str, deadline: float, row_cap: int) -> Table:
        started = time.monotonic()
        server = foreign.parse(self._url)
        targets = addresses.resolve(server.host, server.port, self._allowed, deadline - started)
        answer = foreign.read(
            server,
            sql,
            at=[target.address for target in targets],
            needs_tls=not all(target.is_opened for target in targets),
            limits=foreign.Limits(deadline, row_cap, self._byte_cap),
            is_cancelled=self._is_cancelled,
        )
        columns = tuple(Column(name, type_name) for name, type_name in answer.columns)
        return Table(columns, answer.rows, answer.data_as_of, (time.monotonic() - started) * 1000)
