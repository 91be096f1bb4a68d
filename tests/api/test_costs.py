"""A refusal costs what any other of its sort costs: its time tells nothing, and who sends much makes us do little."""

import hashlib
import math
import random
import statistics
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from api import access, jwts, tokens
from db.query import Query
from local.processes import free_port
from tests import make
from tests.api.conftest import Api, MakeWeb, TestClient, Two, web_of_it
from tests.api.tenanted import RANKS, ROUTES, B, ask, nobodys_id, own_row, with_ids
from tests.api.test_jwts import claims_of, signed

PADDED = signed(claims_of("acme")).replace(".", "=.", 1)
TWICE = signed('{"sub": "ada", "sub": "eve", "aud": "authenticated", "exp": 8589934592}')
LONG = signed(claims_of("acme", padding="x" * 12_000))
BESIDE = {"register_process", "has_token", "extend_lease", "touch_token", "look_at_watches"}
"""What goes on whatever is asked: the process shows itself and looks at watches, and once a minute that a token was used."""


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[Any]]]:
    """Each of our statements as it is executed, with the names of its parameters' types."""
    found: list[tuple[str, list[Any]]] = []
    execute = Query._execute

    def noted(query: Query[Any], cursor: Any, params: dict[str, Any]) -> Any:
        if query.name not in BESIDE:
            found.append((query.name, [type(params[name]).__name__ for name in query.params]))
        return execute(query, cursor, params)

    monkeypatch.setattr(Query, "_execute", noted)
    return found


def shown(web: TestClient, token: str) -> int:
    answer: int = web.get("/api/tenant", headers={"Authorization": f"Bearer {token}"}).status_code
    return answer


def near(token: str) -> list[str]:
    """Tokens that differ from this one in the last letter of their secret, with the checksums that belong to them."""
    secret = token[len(tokens.PREFIX) :][:32]
    others = [secret[:-1] + letter for letter in tokens._ALPHABET if letter != secret[-1]]
    return [f"{tokens.PREFIX}{other}{tokens._checksum(other)}" for other in others]


def test_a_token_of_64_kilobytes_is_refused_at_the_door(make_web: MakeWeb, monkeypatch: pytest.MonkeyPatch) -> None:
    web = make_web(f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    # Nothing behind the door is there to be called.
    for place in ("api.access._found", "api.tokens.hash_of", "api.jwts.read"):
        monkeypatch.setattr(place, None)
    for token in ("x" * 65_536, "." * 65_536, "toc_" + "0" * 65_536, signed(claims_of("acme", padding="x" * 65_536))):
        assert shown(web, token) == 431


def test_a_token_of_the_wrong_form_costs_no_look_at_the_database(
    host: TestClient, statements: list[tuple[str, list[Any]]]
) -> None:
    many = "toc_" + "0" * 20_000
    for token in (LONG, "." * 20_000, "a.b", "a.b.c.d", "a.b.c.d.e.f", PADDED, TWICE, many, "toc_\u00e9"):
        header = {b"Authorization": f"Bearer {token}".encode("latin-1")}
        assert host.get("/api/tenant", headers=header).status_code == 401
        assert statements == []
    for token in (signed(claims_of("acme")), tokens.mint()):
        assert shown(host, token) == 401
    assert [name for name, _ in statements] == ["find_member", "find_token"]


@pytest.mark.parametrize("token", [LONG, "." * 20_000, "a.b", "a.b.c.d"], ids=["16 KB", "dots", "one", "three"])
def test_a_token_that_is_too_long_or_in_too_many_parts_is_not_decoded(
    token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwts, "_content_of", None)
    monkeypatch.setattr("jwt.decode", None)
    with pytest.raises(jwts.BadToken, match="form"):
        jwts.read(token, "any")


def test_a_token_that_is_nearly_right_costs_one_hash_and_one_lookup_as_any_other(
    host: TestClient, owner: make.Connection, statements: list[tuple[str, list[Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    web, good = web_of_it(host), Api(host, owner).token
    hashed: list[int] = []

    def counted(content: bytes) -> Any:
        hashed.append(len(content))
        return hashlib.sha256(content)

    monkeypatch.setattr(tokens, "hashlib", type("Counted", (), {"sha256": staticmethod(counted)}))
    costs = []
    for token in (near(good)[0], tokens.mint()):
        assert tokens.is_whole(token)
        statements.clear()
        hashed.clear()
        assert access._known(web, token, None) is None
        costs.append((list(statements), list(hashed)))
    # What is compared is the digest, by Postgres, and one letter of the secret changes all of it.
    assert costs[0] == costs[1] == ([("find_token", ["bytes"])], [len(good)])
    assert near(good)[0][:-7] == good[:-7]


def test_another_tenants_id_costs_the_statements_that_an_unknown_one_costs(
    two: Two, statements: list[tuple[str, list[Any]]]
) -> None:
    _web, conn, a, b = two
    assert b.tenant
    # The first request of all looks whether the second wall stands.
    assert a("GET", "/api/schedules").status_code == 200
    asked = {}
    for operation in with_ids():
        if RANKS.index(ROUTES[operation].role) > RANKS.index("admin"):
            continue
        theirs = own_row(conn, operation, b.tenant, B)
        costs = []
        for named in (theirs, nobodys_id(operation, theirs)):
            statements.clear()
            assert ask(a, operation, named).status_code == 404
            costs.append(list(statements))
        asked[operation] = costs
    assert len(asked) >= 25
    assert {operation: costs for operation, costs in asked.items() if costs[0] != costs[1]} == {}


ROUNDS = 3
# Beyond so many standard errors, two means differ with p < 0.01.
FAR = 2.58


def _is_apart(act: Callable[[str], object], left: list[str], right: list[str], times: int) -> int:
    """-1 or 1 when the left ones take less or more time than the right ones, p < 0.01; 0 when nobody can tell.

    Each side is drawn from so many times, in an order of chance; the slowest hundredth of each is left out, since it
    was held up by something else.
    """
    spent: dict[bool, list[float]] = {True: [], False: []}
    for is_left in random.sample([True, False] * times, 2 * times):
        given = random.choice(left if is_left else right)
        began = time.perf_counter()
        act(given)
        spent[is_left].append(time.perf_counter() - began)
    kept = [sorted(each)[: times * 99 // 100] for each in (spent[True], spent[False])]
    error = math.sqrt(sum(statistics.variance(each) / len(each) for each in kept))
    t = (statistics.fmean(kept[0]) - statistics.fmean(kept[1])) / error
    return 0 if abs(t) < FAR else (1 if t > 0 else -1)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_time_of_a_refusal_does_not_tell_how_much_of_a_token_was_right(
    host: TestClient, owner: make.Connection
) -> None:
    web, almost = web_of_it(host), near(Api(host, owner).token)
    others = [tokens.mint() for _ in almost]
    rounds = [_is_apart(lambda token: access._known(web, token, None), almost, others, 10_000) for _ in range(ROUNDS)]
    # Of equal ones, one round in a hundred tells them apart; that all do, and alike, is no chance.
    assert abs(sum(rounds)) < ROUNDS, rounds


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_time_of_a_404_does_not_tell_whether_somebody_has_the_id(two: Two) -> None:
    web, conn, a, b = two
    assert b.tenant
    web_of_it(web).per_caller.per_minute = web_of_it(web).per_tenant.per_minute = 10**9
    theirs = [own_row(conn, "GET /api/schedules/{schedule_id}", b.tenant, B) for _ in range(200)]
    nobodys = [str(uuid4()) for _ in theirs]
    conn.execute("analyze schedules")

    def asked(named: str) -> None:
        assert a("GET", f"/api/schedules/{named}").status_code == 404

    rounds = [_is_apart(asked, theirs, nobodys, 1_000) for _ in range(ROUNDS)]
    assert abs(sum(rounds)) < ROUNDS, rounds
