"""A tenant's own files as a source: CSV, Parquet and JSON below its folder, read by DuckDB, which reaches nothing else.

Two walls: only one statement that selects is taken, since DuckDB would let a COPY write wherever it may read; and
DuckDB itself may open that folder alone, loads nothing, and takes no setting any more.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from config.zones import BadZone, zone
from workers.sources import parameters
from workers.sources.table import (
    BYTE_CAP,
    STREAM_BYTE_CAP,
    Column,
    Holds,
    Observe,
    Question,
    SourceRefused,
    SourceUnavailable,
    Stream,
    Table,
    counted,
    observing,
    within,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

NO_FOLDER = "sources of the type duckdb are shut: an operator opens them by TOCSIN_FILES, a folder with one of each tenant in it"
_READERS = {
    ".csv": "read_csv",
    ".tsv": "read_csv",
    ".parquet": "read_parquet",
    ".json": "read_json",
    ".ndjson": "read_json",
}
_MOST_FILES = 10_000
_BATCH = 1_000
_LOOK_SECONDS = 0.1
_ZONED = "TIMESTAMP WITH TIME ZONE"
_HOLDS: tuple[tuple[str, Holds], ...] = (
    ("TIMESTAMP", "time"),
    ("DATE", "date"),
    ("BOOLEAN", "bool"),
    ("DECIMAL", "number"),
    ("DOUBLE", "number"),
    ("FLOAT", "number"),
    ("TINYINT", "number"),
    ("SMALLINT", "number"),
    ("INTEGER", "number"),
    ("BIGINT", "number"),
    ("HUGEINT", "number"),
    ("UTINYINT", "number"),
    ("USMALLINT", "number"),
    ("UINTEGER", "number"),
    ("UBIGINT", "number"),
    ("UHUGEINT", "number"),
    ("JSON", "json"),
    ("STRUCT", "json"),
    ("MAP", "json"),
)


class DuckDB:
    """Answers SQL over the files of one folder; each of them that the SQL names is a table by its name without its end."""

    def __init__(
        self,
        folder: Path,
        *,
        is_cancelled: Callable[[], bool] = lambda: False,
        observe: Observe | None = None,
        memory_megabytes: int = 256,
        byte_cap: int = BYTE_CAP,
    ) -> None:
        self._folder = folder
        self._is_cancelled = is_cancelled
        self._observe = observe
        self._memory = memory_megabytes
        self._byte_cap = byte_cap

    def query(self, question: Question, *, timeout_seconds: float, row_cap: int) -> Table:
        """Return the answer to one select; it is as old as the oldest file that it names.

        Raises SourceUnavailable, SourceRefused and RowCap.
        """
        with observing(self._observe, "duckdb"):
            started = time.monotonic()
            deadline = started + timeout_seconds
            try:
                with self._asked(question, deadline, self._byte_cap) as found:
                    rows: list[tuple[Any, ...]] = []
                    while len(rows) <= row_cap and (batch := next(found.batches, None)):
                        rows += batch
            except OSError as error:
                raise SourceUnavailable(f"the source's files: {error.strerror}") from None
            return within(Table(found.columns, rows, found.data_as_of, (time.monotonic() - started) * 1000), row_cap)

    @contextlib.contextmanager
    def stream(self, question: Question, *, timeout_seconds: float, row_cap: int) -> Iterator[Stream]:
        """Give the answer to one select as it comes. Raises SourceUnavailable and SourceRefused."""
        with (
            observing(self._observe, "duckdb"),
            self._asked(question, time.monotonic() + timeout_seconds, STREAM_BYTE_CAP) as found,
        ):
            yield found._replace(batches=counted(found.batches, row_cap))

    @contextlib.contextmanager
    def _asked(self, question: Question, deadline: float, byte_cap: int) -> Iterator[Stream]:
        """Give the answer as it comes, with what DuckDB says told as a source does."""
        sql, values = parameters.in_sql(question.query, question, lambda name, _: f"${name}")
        duckdb = _library()
        try:
            with (
                _opened(self._folder, question.timezone, self._memory) as conn,
                _interrupted(conn, deadline, self._is_cancelled),
            ):
                _check_selects(conn, sql)
                ages = _make_views(conn, self._folder, sql)
                columns, batches = _read(conn, sql, values, byte_cap)
                yield Stream(columns, min(ages, default=None), batches)
        except duckdb.InterruptException:
            is_late = time.monotonic() >= deadline
            why = "no answer before the deadline" if is_late else "the run was cancelled"
            raise SourceUnavailable(f"the source's files: {why}") from None
        except duckdb.OutOfMemoryException:
            raise SourceRefused(f"the source's files: the query takes more than {self._memory} MB of memory") from None
        except duckdb.Error as error:
            raise SourceRefused(f"the source's files: {_brief(error, self._folder)}") from None


def _read(
    conn: "DuckDBPyConnection", sql: str, values: Mapping[str, Any], byte_cap: int
) -> tuple[tuple[Column, ...], Iterator[list[tuple[Any, ...]]]]:
    """Return columns, and rows as they come. Reading them raises SourceRefused beyond the byte cap."""
    types = [(str(name), str(kind)) for name, kind, *_ in conn.execute(f"describe {sql}", dict(values)).fetchall()]
    zoned = [number for number, (_, kind) in enumerate(types) if kind == _ZONED]
    if zoned:
        # Its driver hands over an instant only where a library for zones is there that nothing else needs.
        names = [f"c{number}" for number in range(len(types))]
        shown = ", ".join(f"epoch_us({name})" if number in zoned else name for number, name in enumerate(names))
        sql = f"select {shown} from ({sql}\n) as answer ({', '.join(names)})"  # noqa: S608  names of our own, and the tenant's whole statement
    conn.execute(sql, dict(values))
    return tuple(Column(name, kind, _holds(kind)) for name, kind in types), _fetched(conn, zoned, byte_cap)


def _fetched(conn: "DuckDBPyConnection", zoned: list[int], byte_cap: int) -> Iterator[list[tuple[Any, ...]]]:
    size = 0
    while batch := conn.fetchmany(_BATCH):
        size += sum(_size(value) for row in batch for value in row)
        if size > byte_cap:
            raise SourceRefused(f"the source's files: the query gives more than {byte_cap} bytes")
        yield [_with_instants(row, zoned) for row in batch] if zoned else batch


def folder_of(url: str, files: Path | None, tenant: str) -> Path:
    """Return the folder that an address names below the tenant's own.

    Raises SourceRefused for an address that names anything else, and where TOCSIN_FILES is not set.
    """
    parts = urlsplit(url)
    path = unquote(parts.path)
    if not url.startswith("file:///") or parts.query or parts.fragment or not path.isprintable() or "\\" in path:
        raise SourceRefused("the address takes file:/// and a folder below the tenant's own, such as file:///sales/")
    if ".." in path.split("/") or "'" in path:
        raise SourceRefused("the address may hold neither .. nor a quote")
    if files is None:
        raise SourceRefused(NO_FOLDER)
    return files / tenant / path.strip("/")


def _library() -> Any:
    try:
        import duckdb
    except ImportError:
        raise SourceRefused(
            "sources of the type duckdb need the extra tocsin[duckdb], which is not installed"
        ) from None
    return duckdb


@contextlib.contextmanager
def _opened(folder: Path, timezone: str, memory_megabytes: int) -> Iterator["DuckDBPyConnection"]:
    """A database in memory that may open the folder and nothing else; its settings are locked after the views are made."""
    try:
        zone(timezone)
    except BadZone as error:
        raise SourceRefused(str(error)) from None
    if not folder.is_dir():
        raise SourceRefused("the source's files: there is no such folder")
    config = {
        "memory_limit": f"{memory_megabytes}MB",
        "threads": "1",
        "temp_directory": "",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
    }
    conn = _library().connect(":memory:", config=config)
    try:
        conn.execute(f"set allowed_directories = [{_quoted(f'{folder}/')}]")
        conn.execute("set enable_external_access = false")
        conn.execute(f"set TimeZone = {_quoted(timezone)}")
        conn.execute("set lock_configuration = true")
        yield conn
    finally:
        conn.close()


def _check_selects(conn: "DuckDBPyConnection", sql: str) -> None:
    """Pass for one statement that selects. Raises SourceRefused, and what DuckDB says of SQL that is none."""
    found = conn.extract_statements(sql)
    if len(found) != 1 or found[0].type != _library().StatementType.SELECT:
        raise SourceRefused("the source's files: the query takes one statement that selects")


def _make_views(conn: "DuckDBPyConnection", folder: Path, sql: str) -> list[datetime]:
    """Make a view of each file that the SQL names, and return when each was written.

    Raises SourceRefused where a link leads out of the folder: the tenant's SQL could follow it.
    """
    root, words, ages = folder.resolve(), sql.lower(), []
    for number, path in enumerate(sorted(folder.rglob("*"))):
        if number >= _MOST_FILES:
            raise SourceRefused(
                f"the source's files: the folder holds more than {_MOST_FILES} files; name one below it"
            )
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            raise SourceRefused("the source's files: a link in the folder leads out of it")
        reader = _READERS.get(path.suffix.lower())
        if reader is None or path.parent != folder or not path.is_file() or set(path.name) & set("*?[]{}"):
            continue
        if path.stem.lower() not in words:
            continue
        name = '"' + path.stem.replace('"', '""') + '"'
        conn.execute(f"create or replace view {name} as select * from {reader}({_quoted(str(path))})")  # noqa: S608  quoted
        ages.append(datetime.fromtimestamp(path.stat().st_mtime, UTC))
    return ages


@contextlib.contextmanager
def _interrupted(conn: "DuckDBPyConnection", deadline: float, is_cancelled: Callable[[], bool]) -> Iterator[None]:
    """Interrupt what the connection does at the deadline, or once the run is cancelled."""
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(max(0.0, min(_LOOK_SECONDS, deadline - time.monotonic()))):
            # Again and again: an interruption between two statements is forgotten.
            if time.monotonic() >= deadline or is_cancelled():
                conn.interrupt()
                is_over.wait(_LOOK_SECONDS / 10)

    watcher = threading.Thread(target=watch, name="duckdb deadline", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()


def _holds(kind: str) -> Holds:
    if kind.endswith("]"):
        return "json"
    return next((holds for start, holds in _HOLDS if kind.startswith(start)), "text")


def _with_instants(row: tuple[Any, ...], zoned: list[int]) -> tuple[Any, ...]:
    cells = list(row)
    for number in zoned:
        if cells[number] is not None:
            cells[number] = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=cells[number])
    return tuple(cells)


def _size(value: Any) -> int:
    return len(value) if isinstance(value, (str, bytes)) else len(str(value)) if isinstance(value, (list, dict)) else 8


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _brief(error: Exception, folder: Path) -> str:
    """What DuckDB says, on one line: where our folders lie is not the tenant's to know."""
    text = " ".join(str(error).split("\n\nLINE ")[0].split())
    return text.replace(str(folder.resolve()), "").replace(str(folder), "")[:500]
