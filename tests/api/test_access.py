"""Who may read what tells about the installation."""

import pytest

from tests.api.conftest import SHOWN, MakeWeb, TestClient

SHUT = ("/metrics",)


@pytest.mark.parametrize("path", SHUT)
def test_it_opens_to_the_token_alone(web: TestClient, path: str) -> None:
    assert web.get(path, headers=SHOWN).status_code == 200
    for headers in ({}, {"Authorization": "Bearer other"}, {"Authorization": "Basic bGV0LW1lLWlu"}):
        answer = web.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", SHUT)
@pytest.mark.parametrize("token", [None, ""])
def test_without_a_token_set_it_is_shut_for_everybody(
    make_web: MakeWeb, database: str, path: str, token: str | None
) -> None:
    web = make_web(database, metrics_token=token)
    for headers in ({}, SHOWN, {"Authorization": "Bearer "}):
        assert web.get(path, headers=headers).status_code == 403


def test_a_token_with_other_letters_than_ascii_is_compared_and_refused(web: TestClient) -> None:
    assert web.get("/metrics", headers={b"Authorization": "Bearer \xe9".encode("latin-1")}).status_code == 401


def test_what_is_not_there_is_a_problem_too(web: TestClient) -> None:
    answer = web.get("/api/nothing")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == 404
