"""Time zones by IANA name, from the pinned tzdata package alone."""

import difflib
import re
from functools import lru_cache
from importlib import import_module
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

# zoneinfo would prefer the machine's own files, which differ between a laptop, a slim image and Postgres. Reading the
# package ourselves gives every process of one release the same nights, and `tocsin doctor` compares them with Postgres.
TZDATA_VERSION: Final[str] = str(import_module("tzdata").IANA_VERSION)

# "Factory" is tzdata's placeholder for a machine nobody configured, not a place.
NAMES: Final[frozenset[str]] = frozenset(files("tzdata").joinpath("zones").read_text("ascii").split()) - {"Factory"}

_SHOWN = 64


class BadZone(ValueError):
    """The time zone is not one of tzdata's names."""


@lru_cache(maxsize=len(NAMES))
def zone(name: str) -> ZoneInfo:
    """Returns the zone of an IANA name such as Europe/Paris.

    Raises BadZone when the name is not in tzdata's list, so neither paths, `localtime` nor offsets get through.
    """
    if name not in NAMES:
        raise BadZone(_refusal(name))
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def expires_at() -> float:
    """Unix time at which the database is out of date by its own word: that of its list of leap seconds.

    The list is renewed twice a year with the rest, and holds for about a year.
    """
    text = files("tzdata").joinpath("zoneinfo", "leapseconds").read_text("ascii")
    found = re.search(r"^#expires (\d+)", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def _refusal(name: object) -> str:
    shown = repr(name) if len(str(name)) <= _SHOWN else repr(str(name)[:_SHOWN]) + "…"
    near = (
        difflib.get_close_matches(name, NAMES, n=1, cutoff=0.8) if isinstance(name, str) and len(name) <= _SHOWN else []
    )
    return f"timezone takes an IANA name such as Europe/Paris, got {shown}" + (f" (meant {near[0]}?)" if near else "")
