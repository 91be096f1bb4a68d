"""Whose mail it is and whom it may reach."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from db.pool import Database, Pool
from tests import make
from workers.mail_rules import RuleBook


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    """A worker's connections."""
    with Database.at(database).open_pool("test", 2) as found:
        yield found


@pytest.fixture
def tenant(database: str) -> UUID:
    """A tenant that says everything."""
    said = {"sender": "Acme <a@acme.example>", "replyTo": "help@acme.example", "recipientDomains": ["acme.example"]}
    with make.connect(database) as conn:
        return make.tenant(conn, settings=said)


def test_a_tenants_mail_is_its_own_and_reaches_its_own_domains(pool: Pool, tenant: UUID) -> None:
    rules = RuleBook(pool, "Tocsin <t@tocsin.example>", "live", ()).of(tenant)

    assert (rules.sender, rules.reply_to) == ("Acme <a@acme.example>", "help@acme.example")
    assert rules.why_not("x@ACME.example") is None
    assert rules.why_not("x@other.example") == "its domain is not among the tenant's recipientDomains"


def test_a_tenant_opens_no_domain_that_the_installation_keeps_shut(pool: Pool, tenant: UUID) -> None:
    rules = RuleBook(pool, "t@tocsin.example", "live", ("tocsin.example",)).of(tenant)

    assert rules.why_not("x@acme.example") == "its domain is not in TOCSIN_RECIPIENT_DOMAINS"
    assert rules.why_not("x@tocsin.example") == "its domain is not among the tenant's recipientDomains"


def test_dry_reaches_nobody(pool: Pool, tenant: UUID) -> None:
    assert RuleBook(pool, "t@tocsin.example", "dry", ()).of(tenant).why_not("x@acme.example") == "TOCSIN_MODE is dry"


def test_a_tenant_that_says_nothing_has_the_installations_sender(pool: Pool, database: str) -> None:
    with make.connect(database) as conn:
        rules = RuleBook(pool, "t@tocsin.example", "live", ()).of(make.tenant(conn))

    assert (rules.sender, rules.reply_to, rules.why_not("x@anywhere.example")) == ("t@tocsin.example", None, None)
