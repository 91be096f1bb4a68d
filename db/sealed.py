"""Where sealed secrets are kept: the one list of places, which keys hold them, and how they move to the newest key."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from config.environ import BadSetting
from config.seal import Place, Seal, SealError, is_sealed, key_of
from db.jsonb import loads
from db.pool import Connection, transaction
from db.query import Query

_BATCH = 100
_PASSES = 5
_NO_ID = UUID(int=0)


class Row(NamedTuple):
    """A row that may hold sealed texts. `content` is the column as JSON text, whatever its type."""

    tenant_id: UUID
    id: UUID
    version: int
    content: str


class Written(NamedTuple):
    """A row that was written."""

    id: UUID
    version: int


class Allowed(NamedTuple):
    """The transaction may move schedules to another key."""

    setting: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column with sealed texts. `bound_to` is the table and column in their place: a copy keeps that of its origin."""

    table: str
    column: str
    bound_to: tuple[str, str]
    listing: Query[Row]
    rewrap: Query[Written]

    def place(self, row: Row) -> Place:
        """The place that the row's secrets are sealed for."""
        table, column = self.bound_to
        return Place(row.tenant_id, table, row.id, column)


_PASSWORD = ("sources", "sealed_password")
_PARAMS = ("schedules", "params")
_URL = ("webhooks", "sealed_url")
_SECRET = ("webhooks", "sealed_secret")
_CREDENTIAL = ("channels", "sealed_credential")
_HEADERS = ("crew_endpoints", "sealed_headers")

ALLOW = Query("allow_rewrap", Allowed)
LIST_SOURCES = Query("list_sealed_sources", Row)
LIST_VERSIONS = Query("list_sealed_versions", Row)
LIST_SCHEDULES = Query("list_sealed_schedules", Row)
REWRAP_SOURCES = Query("rewrap_sources", Written)
REWRAP_VERSIONS = Query("rewrap_versions", Written)
REWRAP_SCHEDULES = Query("rewrap_schedules", Written)
LIST_URLS = Query("list_sealed_webhook_urls", Row)
LIST_SECRETS = Query("list_sealed_webhook_secrets", Row)
REWRAP_URLS = Query("rewrap_webhook_urls", Written)
REWRAP_SECRETS = Query("rewrap_webhook_secrets", Written)
LIST_CREDENTIALS = Query("list_sealed_channels", Row)
REWRAP_CREDENTIALS = Query("rewrap_channels", Written)
LIST_HEADERS = Query("list_sealed_headers", Row)
REWRAP_HEADERS = Query("rewrap_headers", Written)

COLUMNS = (
    Column(*_PASSWORD, _PASSWORD, LIST_SOURCES, REWRAP_SOURCES),
    Column("schedule_versions", "params", _PARAMS, LIST_VERSIONS, REWRAP_VERSIONS),
    Column(*_PARAMS, _PARAMS, LIST_SCHEDULES, REWRAP_SCHEDULES),
    Column(*_URL, _URL, LIST_URLS, REWRAP_URLS),
    Column(*_SECRET, _SECRET, LIST_SECRETS, REWRAP_SECRETS),
    Column(*_CREDENTIAL, _CREDENTIAL, LIST_CREDENTIALS, REWRAP_CREDENTIALS),
    Column(*_HEADERS, _HEADERS, LIST_HEADERS, REWRAP_HEADERS),
)
"""Every column that holds sealed texts: what is kept elsewhere would be lost when its key goes."""


@dataclass(slots=True)
class Rotated:
    """What a rotation did: texts wrapped anew, and those that still need another key than the newest, by its id."""

    rewrapped: int = 0
    remaining: Counter[str] = field(default_factory=Counter)


def password_place(tenant_id: UUID, source_id: UUID) -> Place:
    """The place of a source's password."""
    return Place(tenant_id, _PASSWORD[0], source_id, _PASSWORD[1])


def params_place(tenant_id: UUID, schedule_id: UUID) -> Place:
    """The place of the secrets in a schedule's params."""
    return Place(tenant_id, _PARAMS[0], schedule_id, _PARAMS[1])


def webhook_url_place(tenant_id: UUID, webhook_id: UUID) -> Place:
    """The place of a webhook's address."""
    return Place(tenant_id, _URL[0], webhook_id, _URL[1])


def webhook_secret_place(tenant_id: UUID, webhook_id: UUID) -> Place:
    """The place of a webhook's secret."""
    return Place(tenant_id, _SECRET[0], webhook_id, _SECRET[1])


def credential_place(tenant_id: UUID, channel_id: UUID) -> Place:
    """The place of a channel's credential."""
    return Place(tenant_id, _CREDENTIAL[0], channel_id, _CREDENTIAL[1])


def endpoint_headers_place(tenant_id: UUID, endpoint_id: UUID) -> Place:
    """The place of a crew endpoint's headers."""
    return Place(tenant_id, _HEADERS[0], endpoint_id, _HEADERS[1])


def count_by_key(conn: Connection) -> Counter[str]:
    """How many sealed texts there are, by the id of the key that wraps them."""
    found: Counter[str] = Counter()
    for column in COLUMNS:
        for rows in _batches(conn, column):
            found.update(key_of(text) for row in rows for text in _sealed_in(row.content))
    return found


def check(conn: Connection, seal: Seal) -> None:
    """Passes when a key is listed for every stored secret. Raises BadSetting, which names ids of keys and no more."""
    missing = sorted(set(count_by_key(conn)) - set(seal.key_ids))
    if missing:
        listed = ", ".join(seal.key_ids) or "none"
        raise BadSetting(
            f"TOCSIN_SECRET_KEYS lacks {', '.join(missing)}, which sealed what is stored; listed: {listed}"
        )


def rotate(conn: Connection, seal: Seal, tell: Callable[[int], None] = lambda _: None) -> Rotated:
    """Wraps every data key by the newest key, in small batches beside running work; may be repeated at any time.

    A row that somebody holds or changed meanwhile is left for the next pass. No secret is opened, no schedule gets a new
    version. `tell` takes how many are done. Raises SealError when there is no key.
    """
    if not seal.key_ids:
        raise SealError("TOCSIN_SECRET_KEYS is not set; there is no key to rotate to")
    done = Rotated()
    for _ in range(_PASSES):
        for column in COLUMNS:
            for rows in _batches(conn, column):
                done.rewrapped += _rewrap(conn, column, rows, seal)
                tell(done.rewrapped)
        done.remaining = count_by_key(conn)
        done.remaining.pop(seal.key_ids[0], None)
        if not set(done.remaining) & set(seal.key_ids):
            break
    return done


def _rewrap(conn: Connection, column: Column, rows: list[Row], seal: Seal) -> int:
    """The number of texts that now are under the newest key and were not before."""
    moved: dict[tuple[UUID, int], tuple[Row, str, int]] = {}
    for row in rows:
        content, count = _moved(row.content, column.place(row), seal)
        if count:
            moved[row.id, row.version] = row, content, count
    if not moved:
        return 0
    with transaction(conn):
        ALLOW.one(conn)
        written = column.rewrap.all(
            conn,
            ids=[row.id for row, _, _ in moved.values()],
            versions=[row.version for row, _, _ in moved.values()],
            before=[row.content for row, _, _ in moved.values()],
            after=[content for _, content, _ in moved.values()],
        )
    return sum(moved[each.id, each.version][2] for each in written)


def _moved(content: str, place: Place, seal: Seal) -> tuple[str, int]:
    """The content with its sealed texts under the newest key, and how many were not; one that can't be moved stays."""
    count = 0
    for text in _sealed_in(content):
        try:
            moved = seal.rewrap(text, place)
        except SealError:
            continue
        if moved != text:
            # A sealed text has no character that JSON escapes; all else, such as exact numbers, stays as it is written.
            content = content.replace(f'"{text}"', f'"{moved}"')
            count += 1
    return content, count


def _batches(conn: Connection, column: Column) -> Iterator[list[Row]]:
    after, version = _NO_ID, 0
    while rows := column.listing.all(conn, after_id=after, after_version=version, room=_BATCH):
        yield rows
        after, version = rows[-1].id, rows[-1].version


def _sealed_in(content: str) -> set[str]:
    return {text for text in _texts(loads(content)) if _is_whole(text)}


def _is_whole(text: str) -> bool:
    if not is_sealed(text):
        return False
    try:
        key_of(text)
    except SealError:
        return False
    return True


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, (dict, list)):
            waiting += each.values() if isinstance(each, dict) else each
