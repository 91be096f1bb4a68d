"""Who did something, as a page names them."""

from collections.abc import Iterable
from typing import Any

from api.people import named
from api.request import Asked


def of(asking: Asked, whos: Iterable[str | None]) -> dict[str, str]:
    """The names of these, as `named` gives them."""
    known = {who for who in whos if who}
    if not known:
        return {}
    with asking.reading() as conn:
        return named(conn, asking.tenant_id, known)


def in_run(asking: Asked, run: dict[str, Any]) -> dict[str, Any]:
    """The run as the API shows it, with a name for whoever asked for it, also in the sentences of its story."""
    who = run["triggeredBy"]
    by = of(asking, [who]).get(who, who)
    return run | {"triggeredBy": by, "decision": [line.replace(who, by) if who else line for line in run["decision"]]}
