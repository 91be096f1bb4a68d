"""Whose mail it is and whom it may reach: what the installation says, and what the tenant says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from db.pool import Pool
from db.query import Query


class TenantMail(NamedTuple):
    """What a tenant says of its mail."""

    sender: str | None
    reply_to: str | None
    recipient_domains: list[str]


class Suppressed(NamedTuple):
    """A recipient whom the tenant mails no more, in lower case."""

    recipient: str
    reason: str


GET = Query("get_mail_rules", TenantMail)
LIST_SUPPRESSED = Query("list_suppressed", Suppressed)


@dataclass(frozen=True, slots=True)
class MailRules:
    """The rules of one tenant, as they were when they were read."""

    sender: str
    reply_to: str | None
    is_dry: bool
    installation_domains: tuple[str, ...]
    tenant_domains: tuple[str, ...]
    suppressed: Mapping[str, str] = field(default_factory=dict)

    @property
    def why_nobody(self) -> str | None:
        """Why nobody is told at all, by mail or by a channel; None when nothing speaks against it."""
        return "TOCSIN_MODE is dry" if self.is_dry else None

    def why_not(self, recipient: str) -> str | None:
        """Why this recipient gets no mail; None when nothing speaks against it."""
        if self.is_dry:
            return self.why_nobody
        domain = recipient.rpartition("@")[2].lower()
        if self.installation_domains and domain not in self.installation_domains:
            return "its domain is not in TOCSIN_RECIPIENT_DOMAINS"
        if self.tenant_domains and domain not in self.tenant_domains:
            return "its domain is not among the tenant's recipientDomains"
        reason = self.suppressed.get(recipient.lower())
        if reason is not None:
            return f"the recipient is suppressed: {reason}"
        return None


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The installation's rules, which it reads a tenant's beside."""

    pool: Pool
    mail_from: str
    mode: str
    recipient_domains: tuple[str, ...]

    def of(self, tenant_id: UUID, recipients: Iterable[str] = (), schedule_id: UUID | None = None) -> MailRules:
        """The rules for a tenant's mail now, with those of the `recipients` whom it may not reach for this schedule."""
        asked = sorted({recipient.lower() for recipient in recipients})
        with self.pool.connection() as conn:
            said = GET.one(conn, tenant_id=tenant_id) or TenantMail(None, None, [])
            found = (
                LIST_SUPPRESSED.all(conn, tenant_id=tenant_id, recipients=asked, schedule_id=schedule_id)
                if asked
                else []
            )
        return MailRules(
            sender=said.sender or self.mail_from,
            reply_to=said.reply_to,
            is_dry=self.mode == "dry",
            installation_domains=self.recipient_domains,
            tenant_domains=tuple(said.recipient_domains),
            suppressed=dict(found),
        )
