"""Whether the store of files does what runs, links and the sweep ask of it: a small file goes there, back, and away."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from config.environ import BadSetting, read
from db.store import Missing, Store, StoreUnavailable
from tocsin.checks import Check

_CONTENT = b"made by `tocsin doctor`; it may go\n"


def of_store() -> Check:
    """What the store does with a file of ours; the first thing that it does not do is named."""
    try:
        url = read(("ARTIFACT_URL",))["ARTIFACT_URL"]
        if url is None:
            detail = "ARTIFACT_URL is not set: no file is kept, and a report that is too large for a mail is left out"
            return Check("files", "warn", detail)
        store = Store(url)
    except BadSetting as error:
        return Check("files", "fail", str(error))
    # No key of a run's has this form, so no sweep looks at it and no run reads it.
    key = f"doctor-{uuid4()}"
    for verb, does in (
        ("written", lambda: _written(store, key)),
        ("read back", lambda: _is_there(store, key)),
        ("deleted", lambda: _deleted(store, key)),
    ):
        if why_not := _why_not(does):
            left = "" if verb == "written" else f"; {key} stays there"
            return Check("files", "fail", f"a file can't be {verb}: {why_not}{left}")
    return Check("files", "ok", f"{urlsplit(url).scheme}: one was written, read back and deleted")


def _why_not(does: Callable[[], str]) -> str:
    try:
        return does()
    except (StoreUnavailable, Missing) as error:
        return str(error)


def _written(store: Store, key: str) -> str:
    with tempfile.TemporaryDirectory(prefix="tocsin-doctor-") as folder:
        path = Path(folder, "probe")
        path.write_bytes(_CONTENT)
        store.put(key, path)
    return ""


def _is_there(store: Store, key: str) -> str:
    return "" if b"".join(store.read(key)) == _CONTENT else "it comes back with other bytes"


def _deleted(store: Store, key: str) -> str:
    store.delete([key])
    try:
        b"".join(store.read(key))
    except Missing:
        return ""
    return "it is still there afterwards"
