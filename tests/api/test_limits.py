"""Who asks too often, too much or too slowly is told so, and nobody else feels it."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from uuid import uuid4

import pytest

from api import doorway, limits, tokens
from api.addresses import forwarded
from api.limits import Limit
from db.migrate import register
from local.postgres import Postgres
from local.processes import free_port
from local.redis import Redis
from tests import make
from tests.api.conftest import Api, TestClient, web_of_it
from tests.api.test_jwts import claims_of, signed
from tests.system import System


class Clock:
    """A clock that is moved by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_minutes_requests_pass_at_once_and_then_one_at_a_time() -> None:
    clock = Clock()
    limit = Limit(60, clock)
    assert [limit.take("a").remaining for _ in range(60)] == list(range(59, -1, -1))
    assert limit.take("a") == limits.Verdict(is_passed=False, limit=60, remaining=0, reset_seconds=1)
    assert limit.take("b").is_passed
    clock.now += 1
    assert limit.take("a").is_passed
    assert not limit.take("a").is_passed
    clock.now += 59
    assert [limit.take("a").is_passed for _ in range(61)] == [True] * 59 + [False] * 2


def test_what_does_not_pass_is_not_counted() -> None:
    clock = Clock()
    limit = Limit(2, clock)
    assert [limit.take("a").is_passed for _ in range(100)] == [True, True] + [False] * 98
    assert limit.is_spent("a")
    clock.now += 30
    assert not limit.is_spent("a")
    assert limit.take("a").is_passed


def test_whoever_fills_the_memory_does_not_fill_a_spent_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_MOST_BUCKETS", 100)
    limit = Limit(30, Clock())
    for _ in range(30):
        limit.take("guesser")
    for number in range(1_000):
        limit.take(f"other {number}")
        assert len(limit._full_at) <= 100
    assert limit.is_spent("guesser")


def test_each_answer_says_what_is_left(host: TestClient, owner: make.Connection) -> None:
    web = web_of_it(host)
    admin = Api(host, owner)
    first, second = admin("GET", "/api/tenant").headers, admin("GET", "/api/nothing-like-that").headers
    assert first["RateLimit-Limit"] == str(web.per_caller.per_minute)
    assert int(first["RateLimit-Remaining"]) == web.per_caller.per_minute - 1
    assert int(first["RateLimit-Reset"]) >= 1
    assert "RateLimit-Limit" not in second


def test_a_token_that_asks_too_often_is_told_when_to_come_again_and_alone_is(
    host: TestClient, owner: make.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = web_of_it(host)
    monkeypatch.setattr(web, "per_caller", Limit(3))
    monkeypatch.setattr(web, "per_tenant", Limit(8))
    loud = Api(host, owner)
    quiet = loud.of_scope(owner, "read")
    answers = [loud("GET", "/api/tenant") for _ in range(12)]
    assert [answer.status_code for answer in answers] == [200] * 3 + [429] * 9
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert answers[-1].headers["RateLimit-Remaining"] == "0"
    assert answers[-1].headers["Content-Type"] == "application/problem+json"
    # What was refused to one token was not taken from the tenant's other ones.
    assert quiet("GET", "/api/tenant").status_code == 200


def test_many_tokens_of_a_tenant_have_one_limit_between_them(
    host: TestClient, owner: make.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_of_it(host), "per_tenant", Limit(4))
    first, other = Api(host, owner), Api(host, owner)
    tokens_of_it = [first, *(first.of_scope(owner, "read") for _ in range(5))]
    assert [each("GET", "/api/tenant").status_code for each in tokens_of_it] == [200] * 4 + [429] * 2
    assert other("GET", "/api/tenant").status_code == 200


def test_who_guesses_is_stopped_and_good_callers_are_not(host: TestClient, owner: make.Connection) -> None:
    neighbour, stranger = Api(host, owner), Api(host, owner)
    assert neighbour("GET", "/api/tenant").status_code == 200
    guesses = [_ask(host, tokens.mint()).status_code for _ in range(31)]
    assert guesses == [401] * 30 + [429]
    last = _ask(host, tokens.mint(), {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"})
    assert last.status_code == 429
    assert 1 <= int(last.headers["Retry-After"]) <= 60
    # A JWT that is guessed counts as well, and a token that is not known to be good waits with the guesser.
    assert _ask(host, signed(claims_of("x"))).status_code == 429
    assert stranger("GET", "/api/tenant").status_code == 429
    # Who was let in before is let in, and so is whoever comes from elsewhere.
    assert neighbour("GET", "/api/tenant").status_code == 200
    assert _ask(_from(host, "203.0.113.9"), stranger.token).status_code == 200


@pytest.mark.parametrize(
    ("connected", "said", "address"),
    [
        ("10.1.2.3", ["203.0.113.9"], "203.0.113.9"),
        ("10.1.2.3", ["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        ("10.1.2.3", ["198.51.100.1", "203.0.113.9, 10.9.9.9"], "203.0.113.9"),
        ("::ffff:10.1.2.3", ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("10.1.2.3", ["203.0.113.9:4711"], "203.0.113.9"),
        ("fd00::1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("fd00::1", ["2001:db8::1"], "2001:db8::1"),
        # A stranger is believed nothing, and a proxy only what it can have seen.
        ("203.0.113.1", ["198.51.100.1"], "203.0.113.1"),
        ("203.0.113.1", ["198.51.100.1, 10.1.2.3"], "203.0.113.1"),
        ("10.1.2.3", ["198.51.100.1, nonsense"], "10.1.2.3"),
        ("10.1.2.3", ["198.51.100.1, "], "10.1.2.3"),
        ("10.1.2.3", ["10.9.9.9"], "10.1.2.3"),
        ("10.1.2.3", [], "10.1.2.3"),
        ("testclient", ["198.51.100.1"], "testclient"),
    ],
)
def test_who_asks_is_who_the_nearest_proxies_of_ours_saw(connected: str, said: list[str], address: str) -> None:
    proxies = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    own = connected.removeprefix("::ffff:")
    assert forwarded(own, said, proxies) == address
    assert forwarded(own, said, ()) == own


def test_behind_a_proxy_a_guesser_stops_itself_alone_and_nobody_names_another(
    host: TestClient, owner: make.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = web_of_it(host)
    monkeypatch.setattr(web, "settings", replace(web.settings, proxies=(ip_network("10.0.0.0/8"),)))
    web.wrong_tokens = Limit(1)
    router, stranger = _from(host, "10.0.0.7"), _from(host, "203.0.113.50")

    def guess(of: TestClient, said: str) -> int:
        return int(_ask(of, tokens.mint(), {"X-Forwarded-For": said}).status_code)

    assert [guess(router, "198.51.100.1"), guess(router, "198.51.100.1")] == [401, 429]
    assert guess(router, "9.9.9.9, 198.51.100.1") == 429, "what a guesser writes in front counts for nothing"
    assert guess(router, "198.51.100.2") == 401
    assert [guess(stranger, "198.51.100.3"), guess(stranger, "198.51.100.4")] == [401, 429]
    admin = Api(host, owner)
    made = _ask(router, admin.token, {"X-Forwarded-For": "198.51.100.9"})
    assert made.status_code == 200


def test_two_tenants_members_of_one_subject_are_counted_apart(
    host: TestClient, owner: make.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_of_it(host), "per_caller", Limit(2))
    ours, theirs = (signed(claims_of(make.tenant(owner), sub="ada")) for _ in range(2))

    assert [_ask(host, ours).status_code for _ in range(3)] == [200, 200, 429]
    assert [_ask(host, theirs).status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize(
    ("addresses", "is_one"),
    [
        (["2001:db8:1:2::1", "2001:db8:1:2:ffff::9"], True),
        (["2001:db8:1:2::1", "2001:db8:1:3::1"], False),
        (["::ffff:203.0.113.1", "203.0.113.1"], True),
        (["::ffff:203.0.113.1", "::ffff:203.0.113.2"], False),
        (["fe80::1%eth0", "fe80::2"], True),
    ],
    ids=["one network", "two networks", "one address", "two addresses", "a link's"],
)
def test_guesses_are_counted_by_whom_an_address_belongs_to(
    host: TestClient, addresses: list[str], is_one: bool
) -> None:
    web_of_it(host).wrong_tokens = Limit(1)
    statuses = [_ask(_from(host, address), tokens.mint()).status_code for address in addresses]
    assert statuses == [401, 429 if is_one else 401]


def test_a_page_is_never_longer_than_the_longest(host: TestClient, owner: make.Connection) -> None:
    admin = Api(host, owner)
    owner.execute(
        "insert into members (id, tenant_id, subject, email, role) "
        "select gen_random_uuid(), %s, 's' || n, 'a@example.com', 'viewer' from generate_series(1, 201) as n",
        (admin.tenant,),
    )
    page = admin("GET", "/api/members?limit=1000000000").json()
    assert len(page["items"]) == 200
    assert page["nextCursor"]
    for limit in ("0", "-1", "1e9", "x"):
        assert admin("GET", f"/api/members?limit={limit}").status_code == 422


@pytest.fixture(scope="module")
def port(
    postgres: Postgres, template: str, redis_server: Redis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """The port of a web process of the module's own, which waits half a second for what is slow."""
    name = f"test_{uuid4().hex}"
    url = postgres.create_database(name, template=template)
    with make.connect(url) as conn:
        register(conn)
    folder: Path = tmp_path_factory.mktemp("web")
    found = free_port()
    with System(url, redis_server.url, folder) as system:
        system.start("tests.api.hasty", wait_for="web.started", PORT=str(found))
        yield found
    postgres.drop_database(name)


def talk(port: int, *sent: bytes) -> bytes:
    """All that the web answers to these bytes, until it closes the connection."""
    found = b""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        for each in sent:
            line.sendall(each)
        while more := line.recv(65536):
            found += more
    return found


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


POST = b"POST /api/schedules HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close\r\n"
GET = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"


STAYS = POST.replace(b"Connection: close\r\n", b"")


def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(port: int) -> None:
    for length in (doorway.MOST_BYTES + 1, 100_000_000, 10**18):
        answer = talk(port, POST + b"Content-Length: %d\r\n\r\n" % length)
        assert status(answer) == 413
        assert b"application/problem+json" in answer


def test_a_body_that_grows_too_large_is_refused_and_its_sender_reads_so(port: int) -> None:
    chunk = b"f4240\r\n" + b" " * 1_000_000 + b"\r\n"
    for count in (3, 30):
        answer = talk(port, STAYS + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * count, b"0\r\n\r\n")
        assert status(answer) == 413
    whole = doorway.MOST_BYTES
    answer = talk(port, POST + b"Content-Length: %d\r\n\r\n" % whole, b" " * whole)
    assert status(answer) == 422
    answer = talk(port, POST + b"Content-Length: 2\r\n\r\n{}")
    assert status(answer) == 401


def test_a_hundred_megabytes_are_refused_to_who_sends_them_all_the_same(port: int) -> None:
    megabyte = b" " * 1_000_000
    answer = talk(port, STAYS + b"Content-Length: 100000000\r\n\r\n", *[megabyte] * 3)
    assert status(answer) == 413


def test_too_many_headers_are_refused(port: int) -> None:
    few = b"".join(b"X-%d: a\r\n" % number for number in range(101))
    many = b"".join(b"X-%d: a\r\n" % number for number in range(10_000))
    for headers in (few, many, b"X-A: " + b"a" * 40_000 + b"\r\n", b"X-A: " + b"a" * 4_000_000 + b"\r\n"):
        answer = talk(port, GET + headers + b"\r\n")
        assert status(answer) == 431
        assert b"application/problem+json" in answer


def test_a_head_without_an_end_is_cut_off(port: int) -> None:
    assert status(talk(port, GET, b"X-A: ", *[b"a" * 60_000] * 3)) == 431
    assert status(talk(port, b"GET /", *[b"a" * 60_000] * 3)) == 431
    answer = talk(port, b"GET /healthz?" + b"a" * 40_000 + b" HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert status(answer) == 414


def test_a_body_that_comes_too_slowly_is_given_up(port: int) -> None:
    answer = talk(port, POST + b"Content-Length: 100\r\n\r\n", b"{")
    assert status(answer) == 408
    assert b"application/problem+json" in answer


@pytest.mark.parametrize(
    "sent",
    [b"", b"G", b"GET /healthz HTTP/1.1\r\nHost:", b"\r\n"],
    ids=["nothing", "a letter", "half", "an empty line"],
)
def test_who_never_asks_whole_is_hung_up_on(port: int, sent: bytes) -> None:
    assert talk(port, sent) == b""


def test_the_rest_of_a_body_that_was_answered_is_not_waited_for(port: int) -> None:
    answer = talk(port, STAYS + b"Content-Length: 100000000\r\n\r\n", b" ")
    assert status(answer) == 413


def test_a_connection_serves_one_request_after_another(port: int) -> None:
    one = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
    assert talk(port, one * 3 + GET + b"\r\n").count(b"HTTP/1.1 200 OK") == 4


def test_a_header_does_not_make_somebody_else_of_whoever_connects(port: int) -> None:
    """Not even from this machine, where a proxy would be believed."""

    def guess(number: int) -> int:
        forged = b"X-Forwarded-For: 203.0.113.%d\r\nForwarded: for=203.0.113.%d\r\n" % (number, number)
        token = b"Authorization: Bearer %s\r\n\r\n" % tokens.mint().encode()
        return status(talk(port, GET.replace(b"/healthz", b"/api/tenant") + forged + token))

    assert [guess(number) for number in range(31)] == [401] * 30 + [429]


def _ask(web: TestClient, token: str, headers: dict[str, str] | None = None):  # type: ignore[no-untyped-def]
    return web.get("/api/tenant", headers={"Authorization": f"Bearer {token}", **(headers or {})})


def _from(web: TestClient, address: str) -> TestClient:
    return TestClient(web.app, client=(address, 1))
