"""What a tenant's settings decide: how many there may be, how often may be asked, in which zone a schedule is."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from tests import make
from tests.api.conftest import Api, MakeWeb, TestClient
from workers.chat.budget import ModelRules
from workers.journal import GET_MODEL_RULES, SPEND

EVERY_DAY = {"jobType": "test.noop", "cronExpression": "0 9 * * *"}


def quota(conn: make.Connection, api: Api, **quotas: float) -> None:
    """Sets the tenant's quotas as an operator does."""
    slug = make.value(conn, "select slug from tenants where id = %s", api.tenant)
    answer = Api(api.web, conn, "operator")("PATCH", f"/api/tenants/{slug}", json={"settings": {"quotas": quotas}})
    assert answer.status_code == 200, answer.text


def test_one_schedule_more_than_the_quota_is_refused_and_says_who_can_raise_it(api: Api, conn: make.Connection) -> None:
    quota(conn, api, schedules=1)
    first = api("POST", "/api/schedules", json=EVERY_DAY)
    second = api("POST", "/api/schedules", json=EVERY_DAY)

    assert (first.status_code, second.status_code) == (201, 422)
    assert second.json()["errors"][0]["detail"] == (
        "this tenant may have 1 schedules, and has them; an operator can raise its quota"
    )
    assert make.value(conn, "select count(*) from schedules") == 1

    assert api("DELETE", first.headers["location"]).status_code == 204
    assert api("POST", "/api/schedules", json=EVERY_DAY).status_code == 201


def test_of_many_at_once_as_many_pass_as_the_quota_has_room_for(api: Api, conn: make.Connection) -> None:
    quota(conn, api, schedules=3)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: api("POST", "/api/schedules", json=EVERY_DAY).status_code, range(8)))

    assert sorted(found) == [201] * 3 + [422] * 5


def test_sources_and_members_have_quotas_too(api: Api, conn: make.Connection) -> None:
    quota(conn, api, sources=0, members=0)
    source = {"name": "s", "url": "postgresql://u:p@db.example/x"}
    member = {"subject": "s", "email": "a@b.example"}

    assert api("POST", "/api/sources", json=source).status_code == 422
    assert api("POST", "/api/members", json=member).status_code == 422


def test_whom_notices_go_to_is_a_tenants_to_say(api: Api) -> None:
    assert "noticesTo" not in api("GET", "/api/tenant").json()["settings"]
    told = ["ops@example.com", "ann@example.com"]
    found = api("PATCH", "/api/tenant", json={"settings": {"noticesTo": told}})
    assert found.status_code == 200, found.text
    assert found.json()["settings"]["noticesTo"] == told
    for wrong in ([], ["nobody"], ["ops@example.com"] * 21, "ops@example.com"):
        answer = api("PATCH", "/api/tenant", json={"settings": {"noticesTo": wrong}})
        assert answer.status_code == 422, wrong
    off = api("PATCH", "/api/tenant", json={"settings": {"noticesTo": None}})
    assert (off.status_code, off.json()["settings"].get("noticesTo")) == (200, None)


def test_a_tenants_own_rate_takes_the_place_of_the_installations(api: Api, conn: make.Connection) -> None:
    quota(conn, api, requestsPerMinute=2)
    found = [api("GET", "/api/kinds") for _ in range(3)]

    assert [answer.status_code for answer in found] == [200, 200, 429]
    assert found[2].headers["RateLimit-Limit"] == "2"
    assert int(found[2].headers["Retry-After"]) >= 1


def test_an_admin_sets_no_quota(api: Api) -> None:
    answer = api("PATCH", "/api/tenant", json={"settings": {"quotas": {"schedules": 1000}}})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/settings/quotas"


def test_a_schedule_that_names_no_zone_is_in_its_tenants(api: Api, web: TestClient, conn: make.Connection) -> None:
    assert api("PATCH", "/api/tenant", json={"settings": {"defaultTimezone": "Europe/Paris"}}).status_code == 200

    assert api("POST", "/api/schedules", json=EVERY_DAY).json()["timezone"] == "Europe/Paris"
    assert api("POST", "/api/schedules", json={**EVERY_DAY, "timezone": "UTC"}).json()["timezone"] == "UTC"
    assert Api(web, conn)("POST", "/api/schedules", json=EVERY_DAY).json()["timezone"] == "UTC"


def test_a_quota_smaller_than_the_number_of_web_processes_is_a_quota_all_the_same(
    make_web: MakeWeb, database: str, conn: make.Connection
) -> None:
    api = Api(make_web(database, processes=4), conn)
    quota(conn, api, requestsPerMinute=1)

    assert [api("GET", "/api/kinds").status_code for _ in range(2)] == [200, 429]


LINES = "takes at most 500 printable characters in one to 10 lines"


def test_branding_is_set_part_by_part_and_null_takes_one_away(api: Api) -> None:
    def set_to(said: Any) -> Any:
        answer = api("PATCH", "/api/tenant", json={"settings": {"branding": said}})
        assert answer.status_code == 200, answer.text
        return answer.json()["settings"].get("branding")

    footer = " Acme Ltd \r\n\r\nQuestions: help@acme.example\n"
    whole = {"name": "Acme", "color": "#1d4ed8", "footer": "Acme Ltd\n\nQuestions: help@acme.example"}
    assert set_to({"name": " Acme ", "color": "#1D4ED8", "footer": footer}) == whole
    assert set_to({"color": "#ffffff"}) == {**whole, "color": "#ffffff"}
    assert set_to({"footer": None, "color": None}) == {"name": "Acme"}
    assert set_to(None) is None


@pytest.mark.parametrize(
    ("said", "pointer", "detail"),
    [
        ({"color": "red"}, "color", "takes a colour as #rrggbb, such as #1d4ed8"),
        ({"color": "#12345"}, "color", "takes a colour as #rrggbb, such as #1d4ed8"),
        ({"color": "#1d4ed8;background:url(//x)"}, "color", "takes a colour as #rrggbb, such as #1d4ed8"),
        ({"color": "#1d4ed8\n"}, "color", "takes a colour as #rrggbb, such as #1d4ed8"),
        ({"color": 255}, "color", "takes a valid string"),
        ({"name": "two\nlines"}, "name", "takes one line of printable characters"),
        ({"name": ""}, "name", "takes one line of printable characters"),
        ({"name": "x" * 101}, "name", "takes one line of at most 100 characters"),
        ({"footer": "x" * 501}, "footer", LINES),
        ({"footer": "x\n" * 11}, "footer", LINES),
        ({"footer": " \n "}, "footer", LINES),
        ({"footer": "\x1b[2J"}, "footer", LINES),
        ({"footer": "\u202egnp.exe"}, "footer", LINES),
        ({"logoUrl": "https://example.com/x.png"}, "logoUrl", "is not a field of this"),
    ],
)
def test_branding_that_no_mail_could_show_is_refused_by_the_fields_name(
    api: Api, said: dict[str, Any], pointer: str, detail: str
) -> None:
    answer = api("PATCH", "/api/tenant", json={"settings": {"branding": {"name": "Acme", **said}}})

    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"pointer": f"/settings/branding/{pointer}", "detail": detail}]
    assert api("GET", "/api/tenant").json()["settings"] == {}


def test_what_models_may_cost_is_the_operators_to_set_and_where_links_lead_the_tenants(
    api: Api, conn: make.Connection
) -> None:
    quotas = {"aiDailyTokens": 1000, "aiDailyCost": 2.5, "aiRunTokens": 100, "aiRunCost": 1}
    quota(conn, api, **quotas)
    origins = ["https://wiki.example.com", "https://wiki.example.com:8443"]
    assert api("PATCH", "/api/tenant", json={"settings": {"linkOrigins": origins}}).status_code == 200
    assert api.tenant
    SPEND.run(conn, tenant_id=api.tenant, tokens=10, dollars=Decimal("0.25"))
    SPEND.run(conn, tenant_id=api.tenant, tokens=5, dollars=Decimal("0.25"))
    found = GET_MODEL_RULES.one(conn, tenant_id=api.tenant)
    assert found == ModelRules(origins, 1000, Decimal("2.5"), 100, Decimal(1), 15, Decimal("0.5"))
    for wrong in (
        "http://wiki.example.com",
        "https://wiki.example.com/a",
        "https://",
        "https://a@b.example",
        "javascript:x",
        "https://x.example:99999",
    ):
        refused = api("PATCH", "/api/tenant", json={"settings": {"linkOrigins": [wrong]}})
        assert refused.status_code == 422, wrong
    assert api("PATCH", "/api/tenant", json={"settings": {"quotas": {"aiDailyTokens": 1}}}).status_code == 422
