"""What rooms of nouns do: forms that are refused with what was typed, secrets that stay in, and buttons that ask the world."""

import re
from urllib.parse import unquote

import pytest
from httpx2 import Response

from local.postgres import Postgres
from tests import make
from tests.api.conftest import Api, Two
from tests.api.tenanted import ROWS
from tests.pages.table import NOUNS, UNCHANGED

EVIL = "<script>alert(1)</script>"


def place_of(answer: Response) -> str:
    """Where a change led to. Fails when it was refused."""
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def post(api: Api, path: str, *fields: tuple[str, str], **more: str) -> Response:
    """A form as a browser sends it."""
    return api("POST", path, data={**dict(fields), **more}, follow_redirects=False)


def said(answer: Response) -> str:
    """What the next page says once."""
    return unquote(answer.cookies["__Host-tocsin-said"])


@pytest.mark.parametrize("noun", sorted(NOUNS.keys() - {"graph", "dashboard", "webhook", "token"}))
def test_what_a_form_makes_is_in_the_list(api: Api, noun: str) -> None:
    made = post(api, f"/{noun}s/new", *NOUNS[noun].items())
    assert re.fullmatch(rf"/{noun}s/[0-9a-f-]{{36}}", place_of(made))
    assert "is made" in said(made)
    assert place_of(made) in api("GET", f"/{noun}s").text
    assert api("GET", place_of(made)).status_code == 200


@pytest.mark.parametrize("noun", sorted(NOUNS.keys() - {"limit", "calendar", "suppression"}))
def test_a_refused_form_shows_what_was_typed_and_each_fields_reason(api: Api, noun: str) -> None:
    name = "email" if noun == "member" else "name"
    answer = post(api, f"/{noun}s/new", *(NOUNS[noun] | {name: "a\x07b", "description": "my words"}).items())
    assert answer.status_code in (400, 422)
    if answer.status_code == 422:
        assert 'role="alert"' in answer.text
        assert 'aria-invalid="true"' in answer.text
        assert "a\x07b" in answer.text


@pytest.mark.parametrize("noun", sorted(NOUNS.keys() - UNCHANGED - {"dashboard", "limit"}))
def test_what_is_edited_is_saved_unless_somebody_changed_it_since(two: Two, noun: str) -> None:
    path = f"/{noun}s/{ROWS[f'{noun}_id'](two.conn, two.a.tenant, 'own')}"
    form = two.a("GET", f"{path}/edit").text
    [etag] = re.findall(r'name="etag" value="([^"]+)"', form)
    etag = etag.replace("&#34;", '"')
    assert place_of(post(two.a, f"{path}/edit", etag=etag, name="Another name")) == path
    assert "Another name" in two.a("GET", path).text
    late = post(two.a, f"{path}/edit", etag=etag, name="A third name")
    assert late.status_code == 412
    assert "changed since you read it" in late.text
    assert "A third name" in late.text
    assert "A third name" not in two.a("GET", path).text


@pytest.mark.parametrize("noun", ["source", "graph", "channel", "template", "calendar", "webhook"])
def test_a_name_is_text_wherever_it_is_shown(two: Two, noun: str) -> None:
    path = f"/{noun}s/{ROWS[f'{noun}_id'](two.conn, two.a.tenant, 'own')}"
    assert place_of(post(two.a, f"{path}/edit", name=EVIL)) == path
    for page in (path, f"/{noun}s", f"{path}/edit", "/audit-log"):
        shown = two.a("GET", page).text
        assert EVIL not in shown
        assert "&lt;script&gt;alert(1)" in shown


def test_a_secret_is_shown_once_and_never_again(api: Api) -> None:
    for noun, name in (("token", "token"), ("webhook", "secret")):
        made = post(api, f"/{noun}s/new", *NOUNS[noun].items())
        assert made.status_code == 200, made.text
        [secret] = re.findall(r"never again:</p><pre[^>]*>([^<]+)</pre>", made.text)
        assert len(secret) > 30, name
        [row_id] = set(re.findall(rf"/{noun}s/([0-9a-f-]{{36}})", made.text))
        assert secret not in api("GET", f"/{noun}s/{row_id}").text
        assert secret not in api("GET", "/audit-log").text


def test_what_was_typed_as_a_secret_does_not_come_back(api: Api) -> None:
    answer = post(api, "/channels/new", name="", type="slack", credential="xoxb-very-secret")
    assert answer.status_code == 422
    assert "xoxb-very-secret" not in answer.text


def test_a_source_is_tested_and_asked_from_its_page(api: Api, conn: make.Connection, postgres: Postgres) -> None:
    source_id = ROWS["source_id"](conn, api.tenant, "own")
    tested = post(api, f"/sources/{source_id}/test")
    assert tested.status_code == 200
    assert "It does not answer" in tested.text
    asked = post(api, f"/sources/{source_id}/preview", query="select 1 as one")
    assert asked.status_code == 422
    assert "select 1 as one" in asked.text


def test_a_change_is_said_on_the_next_page_and_then_no_more(api: Api) -> None:
    made = post(api, "/calendars/new", name="Ours", country="ES")
    cookie = made.cookies["__Host-tocsin-said"]
    page = api("GET", "/calendars", headers={"Cookie": f"__Host-tocsin-said={cookie}"})
    assert "The calendar Ours is made." in page.text
    assert '__Host-tocsin-said=""' in page.headers["set-cookie"]
    assert "Max-Age=0" in page.headers["set-cookie"]


def test_a_viewer_is_offered_no_change(two: Two) -> None:
    viewer = two.a.of_scope(two.conn, "read")
    for noun in ("source", "graph", "calendar"):
        path = f"/{noun}s/{ROWS[f'{noun}_id'](two.conn, two.a.tenant, 'own')}"
        for page in (f"/{noun}s", path):
            assert "<form" not in viewer("GET", page).text.replace('<form method="post" action="/sign-out">', "")


def test_an_operator_looks_at_the_tenant_of_their_choice(two: Two) -> None:
    operator = Api(two.web, two.conn, "operator")
    slug = ROWS["slug"](two.conn, two.a.tenant, "theirs")
    entered = post(operator, f"/tenants/{slug}/enter")
    assert place_of(entered) == "/"
    assert entered.cookies["__Host-tocsin-tenant"] == slug
    assert place_of(post(operator, f"/tenants/{slug}/suspend")) == "/tenants"
    assert "suspended" in operator("GET", "/tenants").text
    assert place_of(post(operator, f"/tenants/{slug}/reinstate")) == "/tenants"
