"""Lists, newest first, a page at a time: a cursor is the place of the last one shown, for this list and this tenant."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import AfterValidator, BeforeValidator

from api.definitions import Time
from api.refusals import refuse
from scheduler.refusals import NotFound

MOST = 200

Row = TypeVar("Row")


def _storable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("takes printable characters")
    return text


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


Word = Annotated[str, AfterValidator(_storable), Query(max_length=200)]
Lower = BeforeValidator(_lower)
Limit = Annotated[int, Query(ge=1, description=f"how many, at most {MOST}")]
Cursor = Annotated[str | None, Query(max_length=500, description="`nextCursor` of the page before")]
Instant = Annotated[Time | None, Query()]


class Place(NamedTuple):
    """Where a page begins: behind the row with this instant and this id; both None at the top."""

    at: datetime | None
    id: UUID | None


def place_of(cursor: str | None, listing: str, tenant_id: UUID | None) -> Place:
    """The place that a cursor names. Raises BadDefinition for what is none, NotFound for another tenant's."""
    if cursor is None:
        return Place(None, None)
    try:
        name, tenant, at, row_id = json.loads(base64.b64decode(cursor.encode(), b"-_", validate=True))
        place = Place(datetime.fromisoformat(at), UUID(row_id))
    except (ValueError, TypeError, AttributeError, binascii.Error, RecursionError):
        raise refuse("cursor", "takes the nextCursor of the page before") from None
    if place.at is None or place.at.tzinfo is None or name != listing:
        raise refuse("cursor", "takes the nextCursor of a page of this list")
    if tenant != str(tenant_id):
        raise NotFound("the cursor is of another tenant")
    return place


def page(
    rows: Sequence[Row],
    limit: int,
    listing: str,
    tenant_id: UUID | None,
    place: Callable[[Row], tuple[datetime, UUID]],
    shape: Callable[[Row], dict[str, Any]],
) -> dict[str, Any]:
    """The page out of one row more than it shows: that one says that there are more."""
    shown = rows[: min(limit, MOST)]
    cursor = None
    if len(rows) > len(shown) and shown:
        at, row_id = place(shown[-1])
        text = json.dumps([listing, str(tenant_id), at.isoformat(), str(row_id)])
        cursor = base64.urlsafe_b64encode(text.encode()).decode()
    return {"items": [shape(row) for row in shown], "nextCursor": cursor}


def room(limit: int) -> int:
    """How many rows a page has to read: one more than it shows."""
    return min(limit, MOST) + 1
