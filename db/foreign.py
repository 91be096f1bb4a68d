"""A tenant's own Postgres, read once and left: one read-only statement on a connection of its own.

The statement goes by the extended protocol, which takes exactly one (Postgres itself refuses `select 1; drop table x`),
inside a read-only transaction that has already read something, so no statement can turn it back into a writing one.
The connection is never used again, so a setting that the statement changes changes nothing. Waiting is done here and
not by the driver: a server that goes silent, or sends without end, meets the deadline and the caps all the same.
"""

import contextlib
import os
import select
import socket
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer
from psycopg.conninfo import conninfo_to_dict

_KEYS = frozenset({"host", "port", "dbname", "user", "password", "sslmode", "sslrootcert", "application_name"})
_PLAIN_MODES = ("disable", "allow", "prefer")
_TLS_MODES = ("require", "verify-ca", "verify-full")
# libpq hands over no SQLSTATE for a failed login, so its words decide; what is not known here counts as passing.
_LASTING_WORDS = (
    "authentication failed",
    "does not exist",
    "no pg_hba.conf entry",
    "no password supplied",
    "not support ssl",
)
_PASSING_CLASSES = ("08", "40", "53", "55", "57", "58", "XX")
_UNFILLED_PARAMETER = "08P01"  # what `select $1` gives: a fault of the query in the class of broken connections
# As every Postgres numbers them; the first that fits holds, for a bool is an int and a datetime a date.
_TYPES = ((bool, 16), (int, 20), (Decimal, 1700), (datetime, 1184), (date, 1082), (str, 25))
_BATCH = 1000
_LOOK_SECONDS = 0.2
_CANCEL_SECONDS = 2.0


class Unavailable(Exception):
    """The database can't answer now: away, overloaded, or not within the deadline."""


class Refused(Exception):
    """The database, or a wall of ours, will refuse this again: login, SQL, a value that can't be read, too many bytes."""


@dataclass(frozen=True, slots=True)
class Server:
    """Whom to ask, from a tenant's URL."""

    host: str
    port: int
    dbname: str
    user: str
    password: str = field(repr=False)
    sslmode: str = ""


class Limits(NamedTuple):
    """Where reading ends: a monotonic deadline, rows (one more than the cap is read, as proof) and bytes."""

    deadline: float
    row_cap: int
    byte_cap: int


class Answer(NamedTuple):
    """Columns as (name, type), rows as tuples with numerics as Decimal, and the server's clock at the start."""

    columns: list[tuple[str, str]]
    rows: list[tuple[Any, ...]]
    data_as_of: datetime


def parse(url: str) -> Server:
    """Return the server of a postgresql:// URL.

    Raises Refused for whatever reaches beyond one host and port: sockets, several hosts, files, services, options.
    """
    if not url.startswith(("postgresql://", "postgres://")):
        raise Refused("the address begins with neither postgresql:// nor postgres://")
    try:
        found = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
        port = int(found.get("port") or 5432)
    except (psycopg.Error, ValueError):
        raise Refused("the address can't be read; it is postgresql://user:password@host:5432/name") from None
    unknown = sorted(set(found) - _KEYS)
    if unknown:
        raise Refused(f"the address may not set {', '.join(unknown)}")
    host = found.get("host", "")
    if not host or host.startswith(("/", "@")) or "," in host or not 0 < port < 65536:
        raise Refused("the address names no host, several hosts, or a socket; it takes one host and one port")
    if found.get("sslrootcert", "system") != "system":
        raise Refused("the address may not name a file of certificates; sslrootcert takes system")
    if found.get("sslmode", "require") not in (*_PLAIN_MODES, *_TLS_MODES):
        raise Refused(f"sslmode takes one of {', '.join((*_PLAIN_MODES, *_TLS_MODES))}")
    if not found.get("user"):
        raise Refused("the address names no user")
    user = found["user"]
    return Server(host, port, found.get("dbname") or user, user, found.get("password", ""), found.get("sslmode", ""))


Value = datetime | date | str | bool | int | Decimal


class Asked(NamedTuple):
    """One statement for one server, asked at the addresses `at` (the host's, checked) and nowhere else.

    `values` are what its $1, $2 … stand for, each sent beside the statement with its type.
    """

    server: Server
    sql: str
    values: Sequence[Value]
    at: Sequence[str]
    needs_tls: bool


class Reading(NamedTuple):
    """An answer as it comes: columns as (name, type), the server's clock at the start, and rows, some at a time."""

    columns: list[tuple[str, str]]
    data_as_of: datetime
    batches: Iterator[list[tuple[Any, ...]]]


def read(asked: Asked, *, limits: Limits, is_cancelled: Callable[[], bool] = lambda: False) -> Answer:
    """Return the answer to one statement.

    With more than `row_cap` rows the answer holds the first `row_cap` + 1 of them. Raises Unavailable and Refused.
    """
    with reading(asked, limits=limits, is_cancelled=is_cancelled) as found:
        rows = [row for batch in found.batches for row in batch]
    return Answer(found.columns, rows, found.data_as_of)


@contextlib.contextmanager
def reading(asked: Asked, *, limits: Limits, is_cancelled: Callable[[], bool] = lambda: False) -> Iterator[Reading]:
    """Give the answer to one statement as it comes, to be read within the block.

    It ends with the first row beyond `row_cap`, as proof. Raises Unavailable and Refused, reading it too.
    """
    server, sql, values, at, needs_tls = asked
    if "\0" in sql or any("\0" in value for value in values if isinstance(value, str)):
        raise Refused("the query holds a NUL character")
    with _connected(server, at, limits.deadline, needs_tls=needs_tls) as conn:
        asking = _Asking(conn, limits, is_cancelled)
        try:
            asking.rows_of("begin transaction isolation level repeatable read read only")
            milliseconds = max(1, int((limits.deadline - time.monotonic()) * 1000))
            prologue = "select set_config('statement_timeout', $1, true), now()"
            [[_, now]] = asking.rows_of(prologue, str(milliseconds)).rows
            pieces = asking.pieces_of(sql, *values)
            first = _first(pieces)
            yield Reading(first.columns, now, _batches(first.rows, pieces, limits.row_cap))
        except (Unavailable, Refused) as error:
            raise type(error)(_without(server.password, str(error))) from None


def _first(pieces: "Generator[_Rows, None, None]") -> "_Rows":
    """The first of the pieces. Raises Refused where there are no rows to come."""
    first = next(pieces, None)
    if first is None or not first.columns:
        raise Refused("the query gives no rows; it takes one statement that reads")
    return first


def _batches(
    first: list[tuple[Any, ...]], pieces: "Generator[_Rows, None, None]", row_cap: int
) -> Iterator[list[tuple[Any, ...]]]:
    """The rows, a thousand at a time, up to the first beyond the cap."""
    batch, rows = list(first), len(first)
    for piece in pieces:
        batch += piece.rows
        rows += len(piece.rows)
        if rows > row_cap:
            break
        if len(batch) >= _BATCH:
            yield batch
            batch = []
    pieces.close()
    if batch:
        yield batch


@contextlib.contextmanager
def _connected(
    server: Server, at: Sequence[str], deadline: float, *, needs_tls: bool
) -> Iterator[psycopg.Connection[Any]]:
    sslmode = server.sslmode
    if needs_tls and sslmode in _PLAIN_MODES:
        raise Refused(f"sslmode={sslmode} would send data in plain text; leave it out or take require")
    try:
        conn = psycopg.connect(
            host=",".join([server.host] * len(at)),
            hostaddr=",".join(at),
            port=server.port,
            dbname=server.dbname,
            user=server.user,
            sslmode="verify-full" if sslmode == "verify-ca" else sslmode or ("require" if needs_tls else "prefer"),
            sslrootcert="system" if sslmode in ("verify-ca", "verify-full") else "",
            # What follows is said so that nothing of our own environment is offered to a tenant's server.
            password=server.password,
            passfile=os.devnull,
            sslcertmode="disable",
            gssencmode="disable",
            options="",
            application_name="tocsin source",
            client_encoding="utf8",
            connect_timeout=max(2, int((deadline - time.monotonic()) / len(at))),
            autocommit=True,
        )
    except psycopg.Error as error:
        text = _without(server.password, _one_line(str(error).rpartition("failed: ")[2]))
        kind = Refused if any(word in str(error).lower() for word in _LASTING_WORDS) else Unavailable
        raise kind(text) from None
    try:
        yield conn
    finally:
        conn.close()


class _Rows(NamedTuple):
    columns: list[tuple[str, str]]
    rows: list[tuple[Any, ...]]


class _Asking:
    """Statements on one connection under one set of limits."""

    def __init__(self, conn: psycopg.Connection[Any], limits: Limits, is_cancelled: Callable[[], bool]) -> None:
        self._conn = conn
        self._limits = limits
        self._is_cancelled = is_cancelled
        self._bytes = 0
        self._transformer: Any = None
        self._columns: list[tuple[str, str]] = []
        self._bytes_before = _bytes_received(conn.fileno()) or 0
        conn.pgconn.nonblocking = 1

    def rows_of(self, sql: str, *params: Value) -> _Rows:
        """Return what one statement gives, no columns for one that gives no rows. Raises Unavailable and Refused."""
        answer = _Rows([], [])
        for piece in self.pieces_of(sql, *params):
            answer = _Rows(piece.columns or answer.columns, answer.rows + piece.rows)
        return answer

    def pieces_of(self, sql: str, *params: Value) -> Generator[_Rows, None, None]:
        """Give what one statement gives as it comes; closed before its end, it stops the statement.

        Raises Unavailable and Refused.
        """
        pgconn = self._conn.pgconn
        self._transformer = None
        try:
            pgconn.send_query_params(sql.encode(), [_sent(each) for each in params], [_type(each) for each in params])
            pgconn.set_single_row_mode()
            while pgconn.flush():
                self._wait(select.POLLIN | select.POLLOUT)
                pgconn.consume_input()
            while (result := self._next_result()) is not None:
                yield self._taken(result)
        except GeneratorExit:
            self._stop()
            raise
        except UnicodeEncodeError:
            raise Refused("the query holds characters that are not valid text") from None
        except psycopg.DataError as error:
            raise Refused(f"a value can't be read: {_one_line(str(error))}") from None
        except psycopg.Error as error:
            raise Unavailable(_one_line(str(error))) from None

    def _next_result(self) -> pq.abc.PGresult | None:
        pgconn = self._conn.pgconn
        while pgconn.is_busy():
            self._wait(select.POLLIN)
            pgconn.consume_input()
            received = _bytes_received(self._conn.fileno())
            # The network's own count, where the system has one, sees a single huge value before it is all here.
            if max(self._bytes, (received or 0) - self._bytes_before) > self._limits.byte_cap:
                self._stop()
                raise Refused(f"the query gives more than {self._limits.byte_cap} bytes")
        return pgconn.get_result()

    def _taken(self, result: pq.abc.PGresult) -> _Rows:
        """Return a result's rows, or raise what its status says."""
        if result.status in (pq.ExecStatus.SINGLE_TUPLE, pq.ExecStatus.TUPLES_OK):
            is_first = self._transformer is None
            transformer = self._transformer = self._transformer or Transformer(self._conn)
            # A row a result: their columns are looked up once.
            transformer.set_pgresult(result, set_loaders=is_first)
            if is_first:
                self._columns = [self._column(result, index) for index in range(result.nfields)]
            self._bytes += sum(
                len(result.get_value(row, column) or b"")
                for row in range(result.ntuples)
                for column in range(result.nfields)
            )
            return _Rows(self._columns, list(transformer.load_rows(0, result.ntuples, tuple)))
        if result.status == pq.ExecStatus.FATAL_ERROR:
            state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
            text = (result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or result.error_message).decode(
                errors="replace"
            )
            is_passing = not state or (state.startswith(_PASSING_CLASSES) and state != _UNFILLED_PARAMETER)
            kind = Unavailable if is_passing else Refused
            raise kind(f"{_one_line(text)} ({state})" if state else _one_line(text))
        if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.EMPTY_QUERY):
            self._stop()
            raise Refused("the query copies instead of reading rows")
        return _Rows([], [])

    def _column(self, result: pq.abc.PGresult, index: int) -> tuple[str, str]:
        info = self._conn.adapters.types.get(result.ftype(index))
        return (result.fname(index) or b"").decode(errors="replace"), info.name if info else str(result.ftype(index))

    def _wait(self, wanted: int) -> None:
        """Return when the socket is ready. Raises Unavailable, the query stopped, at the deadline or when cancelled."""
        poll = select.poll()
        poll.register(self._conn.fileno(), wanted)
        while True:
            left = self._limits.deadline - time.monotonic()
            # The server's own statement_timeout goes off at the deadline; a little later it is taken for silent.
            if left < -1.0 or self._is_cancelled():
                self._stop()
                raise Unavailable("the run was cancelled" if left >= -1.0 else "no answer before the deadline")
            if poll.poll(max(1, min(_LOOK_SECONDS, left + 1.0) * 1000)):
                return

    def _stop(self) -> None:
        """Ask the server to end the query; best effort, for its statement_timeout ends it in any case."""
        with contextlib.suppress(psycopg.Error, OSError):
            self._conn.cancel_safe(timeout=_CANCEL_SECONDS)


def _bytes_received(fileno: int) -> int | None:
    """Return how many bytes this TCP connection has received, None where the system does not count them."""
    if sys.platform != "linux":
        return None
    # tcpi_bytes_received of struct tcp_info lies at byte 128 since Linux 4.1; duplicating the descriptor changes nothing.
    with socket.socket(fileno=os.dup(fileno)) as sock:
        try:
            info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 136)
        except OSError:
            return None
    return int.from_bytes(info[128:136], sys.byteorder) if len(info) == 136 else None


def _sent(value: Value) -> bytes:
    if isinstance(value, bool):
        return b"true" if value else b"false"
    return (value.isoformat() if isinstance(value, date) else str(value)).encode()


def _type(value: Value) -> int:
    return next(number for sort, number in _TYPES if isinstance(value, sort))


def _one_line(text: str) -> str:
    return " ".join(text.split())[:500] or "the connection broke"


def _without(password: str, text: str) -> str:
    return text.replace(password, "***") if password else text
