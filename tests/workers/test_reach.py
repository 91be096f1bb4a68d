"""What a run reaches by its context: its own tenant's, by name and by id, and nobody else's."""

from collections.abc import Iterator
from datetime import UTC
from typing import Any
from uuid import UUID, uuid4

import pytest

from config.seal import Seal
from db.ids import slot_of
from db.pool import Database
from tests import make
from tests.api import tenanted
from tests.api.conftest import KEY
from workers.artifacts import Shelf
from workers.http import Client
from workers.journal import RunJournal
from workers.rows import Leased
from workers.sources import SourceRefused


@pytest.fixture
def conn(database: str) -> Iterator[make.Connection]:
    with make.connect(database) as found:
        yield found


@pytest.fixture
def journal(database: str, conn: make.Connection) -> Iterator[RunJournal]:
    """The journal of a run of a tenant."""
    tenant = make.tenant(conn)
    run = make.run(conn, tenant, state="running")
    values: dict[str, Any] = dict.fromkeys(Leased._fields)
    slot_at = slot_of(run).astimezone(UTC)
    values |= {
        "id": run,
        "slot_at": slot_at,
        "tenant_id": tenant,
        "fence": 1,
        "started_at": slot_at,
        "kind": "test.noop",
    }
    http = Client(allowed=())
    with Database.at(database).open_pool("test", 2) as pool:
        yield RunJournal(pool, Leased(**values), Seal((KEY,)), (), lambda: False, http, None, uuid4(), Shelf())
    http.close()


def test_a_run_reaches_nothing_of_another_tenant(conn: make.Connection, journal: RunJournal) -> None:
    mine, theirs = journal.leased.tenant_id, make.tenant(conn, settings={"branding": {"name": "Bravo"}})
    made = {
        tenant: {
            "source": UUID(tenanted.source(conn, tenant, word)),
            "webhook": UUID(tenanted.webhook(conn, tenant, word)),
            "graph": UUID(tenanted.graph(conn, tenant, word)),
            "dashboard": UUID(tenanted.dashboard(conn, tenant, word)),
            "alert": UUID(tenanted.alert(conn, tenant, word)),
        }
        for tenant, word in ((mine, "alfa"), (theirs, "bravo"))
    }
    for tenant, word in ((mine, "alfa"), (theirs, "bravo")):
        member = {"id": uuid4(), "tenant_id": tenant, "subject": word, "email": f"{word}@example.com", "role": "admin"}
        make.insert(conn, "members", member)

    found = {
        tenant: (
            opened(journal, str(ids["source"])),
            journal.webhook(ids["webhook"]) is not None,
            journal.alerts().graph(ids["graph"]) is not None,
            len(journal.alerts().graphs(None, ids["dashboard"])),
            len(journal.alerts().states(ids["alert"])),
        )
        for tenant, ids in made.items()
    }

    assert found == {mine: (True, True, True, 1, 1), theirs: (False, False, False, 0, 0)}
    assert [each.email for each in journal.owners(None)] == ["alfa@example.com"]
    assert journal.branding().name != "Bravo"
    name = make.value(conn, "select name from sources where id = %s", made[theirs]["source"])
    assert not opened(journal, name)


def opened(journal: RunJournal, name: str) -> bool:
    """Whether the journal knows the source; that it lies where no source may is another matter."""
    try:
        journal.source(name)
    except SourceRefused as error:
        return "there is no source" not in str(error)
    return True


def test_a_disabled_admin_is_told_of_nothing(conn: make.Connection, journal: RunJournal) -> None:
    for subject, disabled_at in (("ann", None), ("bob", make.now(conn))):
        row = {"id": uuid4(), "tenant_id": journal.leased.tenant_id, "subject": subject, "role": "admin"}
        make.insert(conn, "members", row | {"email": f"{subject}@example.com", "disabled_at": disabled_at})

    assert [each.email for each in journal.owners(None)] == ["ann@example.com"]
