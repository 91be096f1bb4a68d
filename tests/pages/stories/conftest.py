"""A whole Tocsin for the stories: web, ticker, worker, a real mail server, and a database of the tenant's own to look at."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from httpx import Client
from playwright.sync_api import Page

from api import sign_in_links, tokens
from local.mail import Mail, MailSink
from local.postgres import Postgres
from local.recipes import load_figures
from local.redis import Redis
from tests import make
from tests.api.conftest import KEY
from tests.conftest import copied
from tests.pages.conftest import Site, open_site
from tests.system import until

GOOD = "select count(*) as value from sample.activities"
BROKEN = "select count(*) as value from nowhere"


class Whole(NamedTuple):
    """What runs, where its mails lie, and the address of the sample data."""

    site: Site
    mail: MailSink
    figures: str


class Story(NamedTuple):
    """A whole Tocsin, and a tenant of the story's own with an admin's token."""

    whole: Whole
    tenant: UUID
    token: str

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return self.whole.site.url

    @property
    def conn(self) -> make.Connection:
        """A connection to its database."""
        return self.whole.site.conn

    def sign_in_path(self) -> str:
        """The path that signs an admin of the tenant in, once, as `tocsin up` prints one."""
        return sign_in_links.create(self.conn, self.tenant, "admin", "command:up", minutes=60)[1]

    def ask(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """What the API answers to a change."""
        with Client(base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}) as client:
            answer = client.request(method, f"/api{path}", json=body)
        assert answer.is_success, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def dead_run(self, name: str, *people: str) -> UUID:
        """The run of a report to these people, which died since its graph's query was broken after it was made."""
        source = self.ask("POST", "/sources", {"name": "Sample data", "type": "postgres", "url": self.whole.figures})
        graph = self.ask("POST", "/graphs", {"name": "Activities", "sourceId": source["id"], "query": GOOD})
        self.ask("POST", "/report-definitions", {"name": "activity", "graphId": graph["id"]})
        told = {"emailEnabled": True, "emailRecipients": list(people), "exportFormats": ["csv"]}
        asked = {"name": name, "reportType": "activity", "cronExpression": "0 4 29 2 *", **told}
        report = self.ask("POST", "/scheduled-reports", asked)
        self.ask("PATCH", f"/graphs/{graph['id']}", {"query": BROKEN})
        self.ask("POST", f"/schedules/{report['scheduleId']}/run", {})
        return until(self.died, why=self.whole.site.logs)

    def died(self) -> UUID | None:
        """The tenant's run that died, once there is one."""
        row = self.conn.execute(
            "select id from runs where tenant_id = %s and state = 'dead'", (self.tenant,)
        ).fetchone()
        return row[0] if row else None

    def mails_to(self, *people: str) -> list[Mail]:
        """The mails that these people got, in the order of their names."""
        found = [mail for mail in self.whole.mail.mails() if set(mail.recipients) & set(people)]
        return sorted(found, key=lambda mail: mail.recipients)


@pytest.fixture(scope="session")
def whole(
    postgres: Postgres,
    template: str,
    mail_server: MailSink,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Whole]:
    """One for all stories; each has a tenant of its own.

    Its worker lives on while other tests run, so it listens to a broker of its own: it would take their messages.
    """
    environ = {
        "MAIL_URL": mail_server.url,
        "TOCSIN_SECRET_KEYS": KEY,
        "TOCSIN_EGRESS_ALLOW": "127.0.0.0/8",
        "ARTIFACT_URL": tmp_path_factory.mktemp("artifacts").as_uri(),
    }
    figures = postgres.create_database(f"figures_{tmp_path_factory.getbasetemp().name.replace('-', '_')}")
    load_figures(figures)
    with (
        Redis() as broker,
        copied(postgres, template) as database,
        open_site(database, broker.url, tmp_path_factory.mktemp("whole"), **environ) as site,
    ):
        site.ticker(wait=False, **environ)
        site.worker(wait=False, **environ)
        for process, event in zip(site.processes[1:], ("ticker.started", "worker.started"), strict=True):
            process.until_says(event)
        yield Whole(site, mail_server, figures)
    postgres.drop_database(figures.rpartition("/")[2])


@pytest.fixture
def story(whole: Whole) -> Story:
    """A story of a tenant's own."""
    tenant = make.tenant(whole.site.conn)
    return Story(whole, tenant, tokens.create(whole.site.conn, tenant, "a story's", "admin")[1])


@pytest.fixture
def page(story: Story, browse: Callable[..., Page]) -> Page:
    """A browser whose user is signed in already."""
    return browse(token=story.token)
