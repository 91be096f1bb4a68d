"""`/api/audit-log`: who changed what, and when."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api import audit, shapes
from api.audit import Entry
from api.paging import MOST, Limit, Word
from api.problems import answers, good
from api.request import AdminReader, OperatorReader, Reader, answer

router = APIRouter(tags=["audit log"], responses=answers(400, 401, 403, 404, 422, 429, 503))

EntryOut = shapes.model_of(Entry, "AuditEntry")
EntryList = shapes.list_of(EntryOut, "AuditLog")
After = Annotated[
    str | None, Query(max_length=20, pattern=r"^\d{1,18}$", description="`nextCursor` of the page before")
]
OfType = Annotated[Word | None, Query(alias="subjectType")]
OfId = Annotated[Word | None, Query(alias="subjectId")]


@router.get("/api/audit-log", responses=good(200, EntryList))
def list_audit_log(
    asking: AdminReader,
    subject_type: OfType = None,
    subject_id: OfId = None,
    who: Word | None = None,
    limit: Limit = 50,
    cursor: After = None,
) -> Response:
    """The tenant's entries, newest first; each hash holds the one before it."""
    return _listed(asking, subject_type, subject_id, who, limit, cursor)


@router.get("/api/audit-log/operator", responses=good(200, EntryList))
def list_operator_audit_log(
    asking: OperatorReader,
    subject_type: OfType = None,
    subject_id: OfId = None,
    who: Word | None = None,
    limit: Limit = 50,
    cursor: After = None,
) -> Response:
    """What operators changed above the tenants, newest first."""
    return _listed(asking, subject_type, subject_id, who, limit, cursor)


def _listed(
    asking: Reader, subject_type: str | None, subject_id: str | None, who: str | None, limit: int, cursor: str | None
) -> Response:
    most = min(limit, MOST)
    with asking.listing() as conn:
        rows = audit.list_all(
            conn,
            asking.tenant_id,
            before=None if cursor is None else int(cursor),
            subject_type=subject_type,
            subject_id=subject_id,
            who=who,
            limit=most + 1,
        )
    following = str(rows[most - 1].number) if len(rows) > most else None
    return answer({"items": [shapes.plain(row) for row in rows[:most]], "nextCursor": following})
