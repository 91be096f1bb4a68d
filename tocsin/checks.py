"""The checks of `tocsin doctor`: each says in one line what holds, what to know, or what to mend; never a secret."""

import socket
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from api.routes.processes import LIST as LIST_PROCESSES
from api.routes.processes import ProcessRow
from config import zones
from config.environ import QUEUES, SETTINGS, BadSetting, need_broker_url, read
from config.seal import Seal, SealError
from config.tls import redis_options
from db import migrate, sealed, walls
from db.pool import Connection, Database, DatabaseError, is_pooled
from db.query import Query
from scheduler.turns import offset_at, turns
from tocsin import complaints
from workers.channels import open_mail
from workers.chat import endpoint
from workers.chat.endpoint import Endpoint
from workers.kinds import load
from workers.settings import AWS

_OLDEST_MAJOR, _NEWEST_MAJOR = 15, 18
_CLOCK_SECONDS = 5.0
_LATE_SECONDS = 60.0
_NAMED = 8


class Check(NamedTuple):
    """One line: what was looked at, ok, warn or fail, and in words."""

    name: str
    state: str
    detail: str


class Server(NamedTuple):
    """What Postgres says of itself."""

    version_number: int
    synchronous_commit: str
    now: datetime
    owner: str
    may_see_sessions: bool


class Work(NamedTuple):
    """What there is to do, the queues of which runs wait, and how many days of partitions are made ahead."""

    oldest_due_seconds: float | None
    queues: list[str]
    dead_letters: int
    days_ahead: int | None


class Zone(NamedTuple):
    """A zone's name."""

    zone: str


LOOK_AT_SERVER = Query("look_at_server", Server)
LOOK_AT_WORK = Query("look_at_work", Work)
LIST_SERVER_ZONES = Query("list_server_zones", Zone)
COMPARE_ZONES = Query("compare_zones", Zone)


def of_settings() -> list[Check]:
    """Each malformed setting, or one line for all; the kinds and the keys that they name; how mail is sent."""
    checks = []
    for name in SETTINGS:
        try:
            read((name,))
        except BadSetting as error:
            checks.append(Check("settings", "fail", str(error)))
    if checks:
        return list(dict.fromkeys(checks))
    value = read(("TOCSIN_MODE", "TOCSIN_KINDS", "TOCSIN_SECRET_KEYS", "MAIL_URL", "MAIL_FROM", *endpoint.SETTINGS))
    mode = value["TOCSIN_MODE"]
    checks = [Check("settings", "ok", "each is understood")]
    if mode != "live":
        meaning = "nothing is claimed" if mode == "held" else "everything runs and nothing is sent"
        checks.append(Check("mode", "warn", f"TOCSIN_MODE is {mode}: {meaning}"))
    return [*checks, _kinds(value["TOCSIN_KINDS"]), _keys(value["TOCSIN_SECRET_KEYS"]), _mail(value), _model(value)]


def _kinds(names: tuple[str, ...]) -> Check:
    try:
        return Check("kinds", "ok", ", ".join(sorted(load(names))))
    except BadSetting as error:
        return Check("kinds", "fail", str(error))


def _keys(keys: tuple[str, ...]) -> Check:
    try:
        Seal(keys)
    except SealError as error:
        return Check("keys", "fail", str(error))
    if not keys:
        detail = "TOCSIN_SECRET_KEYS is not set: no secret can be stored; `tocsin keys generate` makes a key"
        return Check("keys", "warn", detail)
    return Check("keys", "ok", f"{len(keys)} to seal secrets with")


def of_secrets(conn: Connection) -> Check:
    """Whether every stored secret can be opened, and is under the newest key; keys are named by their ids."""
    try:
        listed = Seal(read(("TOCSIN_SECRET_KEYS",))["TOCSIN_SECRET_KEYS"]).key_ids
    except (BadSetting, SealError) as error:
        return Check("secrets", "fail", str(error))
    found = sealed.count_by_key(conn)
    lost = {key: count for key, count in found.items() if key not in listed}
    if lost:
        words = ", ".join(f"{count} under the key {key}" for key, count in sorted(lost.items()))
        return Check("secrets", "fail", f"TOCSIN_SECRET_KEYS cannot open what is stored: {words}")
    old = sum(count for key, count in found.items() if key != listed[0])
    if old:
        return Check("secrets", "warn", f"{old} of {found.total()} are under an older key; run `tocsin keys rotate`")
    return Check("secrets", "ok", f"{found.total()} stored, all under the newest key")


def _mail(value: dict[str, object]) -> Check:
    if not value["MAIL_URL"]:
        return Check("mail", "warn", "MAIL_URL is not set: no mail can be sent")
    try:
        open_mail(str(value["MAIL_URL"]), str(value["MAIL_FROM"]), aws=read(AWS))
    except ValueError as error:
        return Check("mail", "fail", str(error))
    return Check("mail", "ok", f"goes out by {urlsplit(str(value['MAIL_URL'])).scheme}")


def _model(value: dict[str, object]) -> Check:
    try:
        found = Endpoint.of(value)
    except BadSetting as error:
        return Check("model", "fail", str(error))
    if found is None:
        return Check("model", "ok", "CHATBOT_URL is not set: reports are made without one")
    if not found.is_installed:
        return Check("model", "fail", "CHATBOT_URL is set, and workers need the extra ai: install tocsin[ai]")
    return Check("model", "ok", f"{found.model} at {found.origin}, in {found.protocol}'s protocol")


def of_broker() -> Check:
    """Whether the broker answers. While it is away work goes on, only slower."""
    try:
        url = need_broker_url()
    except BadSetting as error:
        return Check("broker", "fail", str(error))
    scheme = urlsplit(url).scheme
    problem = _problem_of_redis(url) if scheme.startswith("redis") else _problem_of_rabbit(url)
    if problem:
        return Check("broker", "warn", f"{scheme} does not answer ({problem}): degraded, workers look in Postgres")
    return Check("broker", "ok", f"{scheme} answers")


def _problem_of_redis(url: str) -> str:
    from redis import Redis, RedisError

    try:
        with Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3, **redis_options(url)) as client:
            client.ping()
    except (RedisError, OSError) as error:
        return type(error).__name__
    return ""


def _problem_of_rabbit(url: str) -> str:
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 5672), timeout=3).close()
    except OSError as error:
        return type(error).__name__
    return ""


def of_server(conn: Connection, here: datetime) -> list[Check]:
    """Postgres's version, its promise to keep what is committed, the second wall, whom it shows, its clock beside `here`."""
    server = LOOK_AT_SERVER.one(conn)
    if server is None:
        return []
    major = server.version_number // 10_000
    is_known = _OLDEST_MAJOR <= major <= _NEWEST_MAJOR
    versions = f"Tocsin is tested with {_OLDEST_MAJOR} to {_NEWEST_MAJOR}"
    checks = [
        Check("database", "ok" if is_known else "warn", f"Postgres {major}" + ("" if is_known else f"; {versions}"))
    ]
    is_kept = server.synchronous_commit != "off"
    detail = f"synchronous_commit is {server.synchronous_commit}"
    checks.append(
        Check("durability", "ok" if is_kept else "fail", detail + ("" if is_kept else ": a crash loses what was sent"))
    )
    checks.append(_wall(walls.look(conn)))
    checks.append(_sessions(server))
    apart = abs((server.now - here).total_seconds())
    words = f"Postgres and this machine are {apart:.1f} s apart"
    checks.append(Check("clock", "ok" if apart <= _CLOCK_SECONDS else "warn", words + "; Postgres's counts"))
    return checks


def _wall(wall: walls.Wall) -> Check:
    if wall.is_walled:
        return Check("walls", "ok", "row-level security by the role tocsin_api")
    steps = [] if wall.has_role else ["`create role tocsin_api nologin`"]
    steps += [] if wall.may_take_role else [f"`grant tocsin_api to {wall.owner}`"]
    done_by_whom = [f"{' and '.join(steps)} by whoever may make roles"] if steps else []
    detail = (
        "the first wall stands alone: tenants are kept apart by our statements; what builds the second is "
        f"{', then '.join([*done_by_whom, '`tocsin migrate`'])}"
    )
    return Check("walls", "warn", detail)


def _sessions(server: Server) -> Check:
    if server.may_see_sessions:
        return Check("sessions", "ok", "a transaction that anybody holds is seen")
    detail = (
        "a transaction that another role holds is not seen, and no alert tells of it: "
        f"`grant pg_read_all_stats to {server.owner}` by whoever may"
    )
    return Check("sessions", "warn", detail)


def of_listening(database: Database) -> Check:
    """Whether a change can wake the tickers. While it can't, they find it when they look."""
    try:
        with database.connect("doctor", for_listening=True) as conn:
            if not is_pooled(conn):
                return Check("listening", "ok", "a change wakes the tickers at once")
    except DatabaseError as error:
        return Check("listening", "warn", f"tickers only look each second: {complaints.of_database(error)}")
    detail = "a connection pooler answers, so tickers only look each second; set DATABASE_LISTEN_URL to the server's own address"
    return Check("listening", "warn", detail)


def of_schema(conn: Connection) -> Check:
    """Whether every migration of this release is there."""
    try:
        migrate.check(conn)
    except migrate.SchemaError as error:
        return Check("schema", "fail", str(error))
    return Check("schema", "ok", f"up to date with {migrate.migrations()[-1].name}")


def of_installation(conn: Connection) -> Check:
    """Whether this database is the one that was set up, and not a copy of it."""
    if migrate.is_foreign(conn):
        detail = (
            "this database is a copy and is held, so that it mails nobody; `tocsin doctor --adopt` makes it live, "
            "`--moved` where its original is no more; docs/backup.md tells what is to be decided first"
        )
        return Check("installation", "warn", detail)
    return Check("installation", "ok", "this database is its own")


def count_living(conn: Connection) -> int:
    """How many processes hold their lease here."""
    return sum(process.state == "alive" for process in LIST_PROCESSES.all(conn))


def of_work(conn: Connection, *, is_begun: bool) -> list[Check]:
    """Who works, what waits, what died, and the partitions ahead; `is_begun` where processes should live by now."""
    work = LOOK_AT_WORK.one(conn, queues=[*QUEUES, "suspect"])
    if work is None:
        return []
    living = [process for process in LIST_PROCESSES.all(conn) if process.state == "alive"]
    lacking = _lacking(living, work) if is_begun else ""
    checks = [Check("processes", "fail", f"{_roles(living)}; {lacking}") if lacking else _processes(living)]
    late = work.oldest_due_seconds or 0.0
    words = f"the oldest due schedule waits since {late:.0f} s" if late > 1 else "nothing is late"
    checks.append(Check("schedules", "ok" if late < _LATE_SECONDS else "warn", words))
    words = f"{work.dead_letters} open; see `tocsin dead list`" if work.dead_letters else "none open"
    checks.append(Check("dead letters", "warn" if work.dead_letters else "ok", words))
    days = work.days_ahead or 0
    state = "fail" if days < 1 else "warn" if days < 14 else "ok"
    checks.append(
        Check("partitions", state, f"made for {days} days ahead" + ("" if state == "ok" else "; run a ticker"))
    )
    return checks


def _roles(living: list[ProcessRow]) -> str:
    found = Counter(process.role for process in living)
    return ", ".join(f"{count} {role}" for role, count in sorted(found.items())) or "none alive"


def _processes(living: list[ProcessRow]) -> Check:
    roles = {process.role for process in living}
    missing = [role for role in ("ticker", "worker", "web") if role not in roles]
    state = "warn" if {"ticker", "worker"} & set(missing) else "ok"
    return Check("processes", state, _roles(living) + (f"; no {', no '.join(missing)}" if missing and living else ""))


def _lacking(living: list[ProcessRow], work: Work) -> str:
    """What waits for somebody who does not live, and what to do; nothing where all is seen to."""
    is_due = work.oldest_due_seconds is not None
    lacking = []
    if is_due and not any(process.role == "ticker" for process in living):
        lacking.append("schedules are due and no ticker lives: start `tocsin ticker`")
    workers = [process for process in living if process.role == "worker"]
    served = {queue for process in workers for queue in (*process.queues, "suspect")}
    waiting = [queue for queue in work.queues if queue not in served]
    if waiting:
        lacking.append(f"runs wait and no worker lives that serves {', '.join(waiting)}: start `tocsin worker`")
    elif is_due and not workers:
        lacking.append("schedules are due and no worker lives: start `tocsin worker`")
    return "; ".join(lacking)


def is_held(conn: Connection) -> bool:
    """Whether nothing is claimed here: this database is a copy, or this command's TOCSIN_MODE says so."""
    try:
        return migrate.is_foreign(conn) or read(("TOCSIN_MODE",))["TOCSIN_MODE"] == "held"
    except BadSetting:
        return False


def of_zones(conn: Connection, here: datetime) -> Check:
    """Whether Postgres reads this year's and the next year's clocks as we do; we plan by ours alone."""
    theirs = {row.zone for row in LIST_SERVER_ZONES.all(conn)}
    names = sorted(zones.NAMES & theirs)
    asked = [(name, at, offset) for name in names for at, offset in _readings(name, here.year)]
    differing = COMPARE_ZONES.all(
        conn,
        zones=[name for name, _, _ in asked],
        instants=[at for _, at, _ in asked],
        offsets=[int(offset.total_seconds()) for _, _, offset in asked],
    )
    unknown = sorted(zones.NAMES - theirs)
    ours = f"tzdata {zones.TZDATA_VERSION}"
    if not differing and not unknown:
        return Check("time zones", "ok", f"{ours} and Postgres agree on {len(names)} zones")
    parts = []
    if differing:
        parts.append(f"differ in {_some([row.zone for row in differing])}")
    if unknown:
        parts.append(f"Postgres lacks {_some(unknown)}")
    return Check("time zones", "warn", f"{ours} and Postgres {', and '.join(parts)}; schedules follow {ours}")


def _readings(name: str, year: int) -> list[tuple[datetime, timedelta]]:
    """Instants of two years with the zone's offset there: every fourth week, and both sides of each turn."""
    second = timedelta(seconds=1)
    found = [datetime(year, 1, 1) + timedelta(weeks=4 * index) for index in range(26)]  # noqa: DTZ001 (naive UTC)
    for turn in (*turns(name, year), *turns(name, year + 1)):
        found += [turn.at - second, turn.at]
    return [(at.replace(tzinfo=UTC), offset_at(name, at)) for at in found]


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
