"""The API's reference: every operation is on it, and the lines that it shows are answered as they stand."""

import json
import os
import re
import shlex
import shutil
import subprocess
from html import unescape
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from httpx2 import Response

from api.app import openapi
from api.examples import EXAMPLES, NOBODYS
from api.pages.assets import ASSETS
from api.reference import Operation, by_noun, read
from tests.api.conftest import TOKEN, Api, Two, served
from tests.api.tenanted import OPEN, ROUTES, ROWS, own_row, path_names
from tests.pages.table import PAGES, made
from tests.pages.test_every_page import SEEN

DOCUMENT = openapi()
OPERATIONS = read(DOCUMENT)
BODIES = {name for name, schema in DOCUMENT["components"]["schemas"].items() if "examples" in schema}
IDS = {"sourceId": "source_id", "graphId": "graph_id", "graphIds": "graph_id"}
# The rows here have no source, no graph with a past, no definition of that name and no store behind them.
UNMET = {
    "download_artifact": 503,
    "download_report": 503,
    "preview_source": 422,
    "backtest_kpi_alert": 422,
    "create_scheduled_report": 422,
    "preview_scheduled_report": 422,
    "preview_report_definition": 422,
    "import_users_of_source": 422,
    "acknowledge_kpi_alert": 409,
}
ELSEWHERE = re.compile(r"(https?:|[\\/]{2})", re.IGNORECASE)


def pre(page: Response) -> str:
    """The last line to be copied of a page."""
    assert page.status_code == 200, page.text
    return unescape(re.findall(r"<pre[^>]*>([^<]+)</pre>", page.text)[-1])


def test_every_operation_is_listed_and_has_a_page(api: Api) -> None:
    listed = api("GET", "/docs").text
    for told in OPERATIONS.values():
        assert f'href="/docs/{told.id}"' in listed
        page = unescape(api("GET", f"/docs/{told.id}").text)
        assert told.path in page, told.id
        names = [field.name for field in told.body.fields] if told.body else []
        assert [name for name in names if f"<code>{name}</code>" not in page] == [], told.id
    assert len(OPERATIONS) == sum(len(verbs) for verbs in DOCUMENT["paths"].values())


def test_the_role_on_a_page_is_the_one_that_the_route_asks_for() -> None:
    told = {f"{each.method} {each.path}": each.role for each in OPERATIONS.values()}
    assert told == {operation: route.role for operation, route in ROUTES.items()} | dict.fromkeys(OPEN)
    assert {each.opened_by for each in OPERATIONS.values() if each.role is None} == {"anybody", "METRICS_TOKEN"}


def test_a_problem_says_when_it_is_answered() -> None:
    assert [each for told in OPERATIONS.values() for each in told.problems if not each.when] == []


def test_a_search_finds_by_path_by_words_and_by_a_field(api: Api) -> None:
    def found(words: str) -> set[str]:
        return set(re.findall(r'href="/docs/([a-z_]+)"', api("GET", f"/docs?search={quote(words)}").text))

    assert found("backfill") >= {"backfill_schedule"}
    assert found("CRONEXPRESSION post") >= {"create_schedule", "preview_cron"}
    assert "list_schedules" not in found("cronexpression post")
    assert found("nobody has such words") == set()
    assert sum(map(len, by_noun(OPERATIONS, " ").values())) == len(OPERATIONS)


def test_an_operation_that_is_none_is_a_page_that_says_so(api: Api) -> None:
    answer = api("GET", "/docs/<script>")
    assert answer.status_code == 404
    assert "The API has no operation of that name." in answer.text


def test_nothing_else_shows_the_document(api: Api) -> None:
    for path in ("/redoc", "/docs/oauth2-redirect"):
        assert api("GET", path).status_code == 404
    assert api("GET", "/openapi.json").status_code == 200


def test_a_viewer_reads_what_would_be_refused(two: Two) -> None:
    viewer = two.a.of_scope(two.conn, "read")
    assert "Yours is viewer" in viewer("GET", "/docs/create_token").text
    assert 'href="/tokens"' not in viewer("GET", "/docs").text
    assert 'href="/tokens"' in two.a("GET", "/docs").text


def test_each_model_that_is_taken_has_an_example() -> None:
    taken = json.dumps([each.get("requestBody") for path in DOCUMENT["paths"].values() for each in path.values()])
    assert set(re.findall(r"schemas/(\w+)", taken)) == set(EXAMPLES) == BODIES


def call(api: Api, line: str, variables: dict[str, str]) -> Response:
    """What is answered to the line, as a shell and curl would send it."""
    words = shlex.split(line.replace("\\\n", " "))
    words = [re.sub(r"\$([A-Z_]+)", lambda found: variables[found[1]], word) for word in words]
    assert words[:2] == ["curl", "-sS"]
    options = dict(pairwise(words))
    method = options.get("-X", "GET")
    [url] = [word for word in words if word.startswith("http://here/")]
    headers = dict(words[place + 1].split(": ", 1) for place, word in enumerate(words) if word == "-H")
    body = options.get("-d", options.get("--data-binary"))
    return api.web.request(method, url.removeprefix("http://here"), headers=headers, content=body)


def with_rows(line: str, two: Two) -> str:
    """The line with rows of the tenant's in its body, where an example has nobody's."""
    for name, row in IDS.items():
        if f'"{name}": ' in line and NOBODYS in line:
            return line.replace(NOBODYS, ROWS[row](two.conn, two.a.tenant, "own"))
    return line


def test_each_line_is_answered_as_a_good_request_is(two: Two) -> None:
    operator = Api(two.web, two.conn, "operator")
    refused: dict[str, tuple[int, str]] = {}
    for told in OPERATIONS.values():
        name = f"{told.method} {told.path}"
        asking = operator if told.role == "operator" else two.a
        variables = {"TOCSIN_URL": "http://here", "TOCSIN_TOKEN": asking.token, "METRICS_TOKEN": TOKEN}
        if path_names(name):
            [variable] = set(re.findall(r"\$([A-Z_]+)", told.curl)) - set(variables)
            variables[variable] = own_row(two.conn, name, two.a.tenant, "own")  # type: ignore[arg-type]  # it has one
        answer = call(asking, with_rows(told.curl, two), variables)
        if not answer.is_success:
            refused[told.id] = (answer.status_code, answer.text)
    assert {each: status for each, (status, _text) in refused.items()} == UNMET, refused


def test_curl_itself_asks_and_makes_by_the_lines(two: Two) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl here")
    assert isinstance(two.web.app, FastAPI)
    with served(two.web.app) as url:
        environ = {"PATH": os.environ["PATH"], "TOCSIN_URL": url, "TOCSIN_TOKEN": two.a.token}

        def run(told: Operation) -> Any:
            line = pre(two.a("GET", f"/docs/{told.id}"))
            done = subprocess.run(["sh", "-c", line], env=environ, capture_output=True, text=True, timeout=30)
            assert (done.returncode, done.stderr) == (0, "")
            return json.loads(done.stdout)

        made_one = run(OPERATIONS["create_schedule"])
        assert made_one["cronExpression"] == "0 9 * * 1-5"
        assert run(OPERATIONS["import_users"]) == {"created": 1, "updated": 0}
        assert [each["id"] for each in run(OPERATIONS["list_schedules"])["items"]] == [made_one["id"]]


def test_no_page_names_another_origin(two: Two) -> None:
    operator = Api(two.web, two.conn, "operator")
    shown = {}
    for page in SEEN:
        asking = operator if PAGES[page].role == "operator" else two.a
        shown[page] = asking("GET", made(two.conn, page, two.a.tenant))
    assert {page: each.status_code for page, each in shown.items() if each.status_code != 200} == {}
    shown["the sign-in"] = two.web.get("/sign-in")
    shown["what is not there"] = two.web.get("/nowhere", headers={"Accept": "text/html"})
    found = {page: [each for each in addresses(answer) if ELSEWHERE.match(each)] for page, answer in shown.items()}
    assert {page: each for page, each in found.items() if each} == {}
    files = [asset.body.decode() for name, asset in ASSETS.items() if name.endswith(".css")]
    assert [each for each in files if "url(" in each or "@import" in each] == []


def addresses(page: Response) -> list[str]:
    """Whatever a page has a browser load, follow or send to."""
    named = re.findall(r'\s(?:src|href|action|formaction|srcset|data|poster)="([^"]*)"', page.text)
    assert named
    return [unescape(each).strip() for each in named]
