"""`/audit-log`: who changed what, when, and from where."""

from typing import Any

from fastapi.responses import Response

from api.pages import people
from api.pages.page import AdminPage, OperatorPage, Page, told
from api.pages.route import pages
from api.routes import audit_log
from api.routes.audit_log import After, OfId, OfType

router = pages("audit log")


@router.get("/audit-log")
def list_audit_log(
    page: AdminPage, subject_type: OfType = None, subject_id: OfId = None, who: str | None = None, cursor: After = None
) -> Response:
    """The tenant's entries, newest first."""
    found = told(
        audit_log.list_audit_log(page.asking, subject_type=subject_type, subject_id=subject_id, who=who, cursor=cursor)
    )
    return _show(page, found, is_operators=False)


@router.get("/audit-log/operator")
def list_operator_audit_log(page: OperatorPage, who: str | None = None, cursor: After = None) -> Response:
    """What operators changed above the tenants."""
    found = told(audit_log.list_operator_audit_log(page.asking, who=who, cursor=cursor))
    return _show(page, found, is_operators=True)


def _show(page: Page, found: dict[str, Any], *, is_operators: bool) -> Response:
    names = people.of(page.asking, [each["who"] for each in found["items"]])
    return page.show("audit_log.html.j2", found=found, people=names, is_operators=is_operators)
