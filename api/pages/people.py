"""Who did something, as a page names them."""

from collections.abc import Iterable

from api.people import named
from api.request import Asked


def of(asking: Asked, whos: Iterable[str | None]) -> dict[str, str]:
    """The names of these, as `named` gives them."""
    known = {who for who in whos if who}
    if not known:
        return {}
    with asking.reading() as conn:
        return named(conn, asking.tenant_id, known)
