"""Every page in a real browser: axe finds nothing serious, in light and in dark, and a phone shows it whole."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import pytest
from playwright.sync_api import Page

from api import tokens
from local.postgres import Postgres
from local.redis import Redis
from tests import make
from tests.conftest import copied
from tests.pages.conftest import PHONE, Site, faults, open_site, overflow
from tests.pages.table import NOUNS, PAGES, made
from tests.pages.test_every_page import SEEN


class Place(NamedTuple):
    """A site, a connection to its database, and a tenant with an admin's token."""

    site: Site
    conn: make.Connection
    tenant: UUID
    tokens: dict[str, str]


@pytest.fixture(scope="module")
def place(
    postgres: Postgres, template: str, redis_server: Redis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """One site for all of the pages."""
    folder: Path = tmp_path_factory.mktemp("site")
    with (
        copied(postgres, template) as database,
        make.connect(database) as conn,
        open_site(database, redis_server.url, folder) as site,
    ):
        tenant = make.tenant(conn)
        shown = {
            scope: tokens.create(conn, None if scope == "operator" else tenant, "a test's", scope)[1]
            for scope in ("admin", "operator")
        }
        yield Place(site, conn, tenant, shown)


# Their pages are made of the same templates as those of graphs, calendars and channels.
ALIKE = tuple(f"/{noun}s" for noun in NOUNS.keys() - {"graph", "calendar", "channel", "template", "pulse"})
# By night all of axe's rules, not that of contrast alone.
WHOLE_BY_NIGHT = frozenset({"GET /", "GET /schedules/new", "GET /alerts/new"})
# Forms that are refused, with what is wrong with them; a form of each make.
REFUSED = {
    "/calendars/new": {"name": "Ours", "country": "Atlantis"},
    "/schedules/new": {"kind": "test.noop", "how": "cron", "cronExpression": "never", "timezone": "Nowhere"},
    "/alerts/new": {"alertName": "Ours", "alertType": "threshold", "recipients.people:lines": "nobody"},
    "/settings": {"name": "Ours", "settings.branding.color:clear": "red"},
}


_SEND = """([path, fields]) => {
  const form = Object.assign(document.createElement("form"), { method: "post", action: path });
  for (const [name, value] of Object.entries(fields))
    form.append(Object.assign(document.createElement("textarea"), { name, value }));
  document.body.append(form);
  form.submit();
}"""


def _looked_at() -> list[object]:
    """The pages; those that are made alike are looked at where there is time."""
    marks = {page: [pytest.mark.long] if page.split()[1].startswith(ALIKE) else [] for page in SEEN}
    return [pytest.param(page, marks=marks[page]) for page in SEEN]


@pytest.mark.parametrize("page", _looked_at())
def test_a_page_can_be_used_by_everybody(place: Place, browse: Callable[..., Page], page: str) -> None:
    path = made(place.conn, page, place.tenant)
    token = place.tokens["operator" if PAGES[page].role == "operator" else "admin"]
    shown = browse(token=token)
    assert shown.goto(place.site.url + path).status == 200  # type: ignore[union-attr]
    assert faults(shown) == []
    # By night and on a phone it is the same page: its colours and its width alone are others.
    shown.emulate_media(color_scheme="dark")
    assert faults(shown, *(() if page in WHOLE_BY_NIGHT else ("color-contrast",))) == []
    shown.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert overflow(shown) == 0


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=[] if path in ("/schedules/new", "/settings") else [pytest.mark.long])
        for path in REFUSED
    ],
)
def test_a_refused_form_can_be_used_by_everybody(place: Place, browse: Callable[..., Page], path: str) -> None:
    shown = browse(token=place.tokens["admin"])
    # A form of a page of ours, so that the browser says where it comes from.
    shown.goto(f"{place.site.url}/graphs")
    with shown.expect_navigation() as answer:
        shown.evaluate(_SEND, [path, REFUSED[path]])
    assert answer.value.status == 422
    shown.wait_for_load_state()
    assert shown.locator(".refused, .reason").count()
    assert faults(shown) == []
    shown.emulate_media(color_scheme="dark")
    assert faults(shown, "color-contrast") == []
