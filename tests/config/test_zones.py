import struct
import zoneinfo
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest

from config.zones import NAMES, TZDATA_VERSION, BadZone, zone
from scheduler.turns import PROBE, offset_at, stretches, turns

ODD_NAMES = [
    "localtime",
    "posixrules",
    "../../etc/passwd",
    "../Europe/Paris",
    "/usr/share/zoneinfo/Europe/Paris",
    "Europe",
    "Europe/",
    "",
    "x" * 5000,
    "Europe/Paris\0",
    "\0",
    "+02:00",
    "UTC+2",
    "EST5EDTX",
    "europe/paris",
    "Factory",
    "CET-1CEST,M3.5.0,M10.5.0/3",
]


@pytest.mark.parametrize("name", ODD_NAMES, ids=lambda name: repr(name)[:30])
def test_what_is_no_iana_name_is_refused(name: str) -> None:
    with pytest.raises(BadZone, match=r"^timezone takes an IANA name such as Europe/Paris, got ") as refusal:
        zone(name)
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize("value", [None, 7, b"Europe/Paris"])
def test_what_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(BadZone):
        zone(value)


def test_a_slip_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(BadZone, match="meant Europe/Paris"):
        zone("Europe/Pariss")


def test_zones_come_from_the_package_even_where_the_machine_has_its_own(tmp_path: Path) -> None:
    """A machine whose Europe/Paris is really UTC misleads zoneinfo, and not us."""
    (tmp_path / "Europe").mkdir()
    (tmp_path / "Europe" / "Paris").write_bytes(files("tzdata").joinpath("zoneinfo", "UTC").read_bytes())
    zone.cache_clear()
    zoneinfo.reset_tzpath([str(tmp_path)])
    try:
        noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
        assert noon.astimezone(zoneinfo.ZoneInfo.no_cache("Europe/Paris")).hour == 12
        assert noon.astimezone(zone("Europe/Paris")).hour == 14
    finally:
        zoneinfo.reset_tzpath()


def test_every_name_of_the_list_loads_once() -> None:
    assert all(zone(name) is zone(name) for name in NAMES)
    assert TZDATA_VERSION[:4].isdigit()


def test_no_zone_turns_twice_within_the_probe() -> None:
    """Neither in a zone file's list, nor by the yearly rule at its end, of which a day-by-day walk finds the turns."""
    days = [datetime(2038, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(366)]
    for name in NAMES:
        found = listed_turns(name)
        assert all(later[0] - earlier[0] > PROBE for earlier, later in pairwise(found)), name
        offsets = [day.astimezone(zone(name)).utcoffset() for day in days]
        changes = sum(earlier != later for earlier, later in pairwise(offsets))
        assert changes == len(turns(name, 2038)), name


@pytest.mark.parametrize(
    "name",
    ["America/Boa_Vista", "Asia/Gaza", "Africa/Casablanca", "Pacific/Apia", "Africa/Cairo", "Europe/Dublin", "UTC"],
)
def test_the_turns_found_are_those_that_the_zone_file_lists(name: str) -> None:
    listed = listed_turns(name)
    years = range(1980, min(2030, listed[-1][0].year if listed else 2030))
    found = [tuple(turn) for year in years for turn in turns(name, year)]
    assert found == [turn for turn in listed if turn[0].year in years]


def listed_turns(name: str) -> list[tuple[datetime, timedelta, timedelta]]:
    """The zone file's own list since 1970 of changes of the offset: instant, offset before, offset after (RFC 9636)."""
    raw = files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()
    isut, isstd, leaps, times, types, chars = struct.unpack(">6l", raw[20:44])
    second = 44 + times * 5 + types * 6 + chars + leaps * 8 + isstd + isut
    _, _, _, times, types, _ = struct.unpack(">6l", raw[second + 20 : second + 44])
    start = second + 44
    instants = struct.unpack(f">{times}q", raw[start : start + 8 * times])
    which = raw[start + 8 * times : start + 9 * times]
    offsets = [
        struct.unpack(">lbb", raw[at : at + 6])[0] for at in range(start + 9 * times, start + 9 * times + 6 * types, 6)
    ]
    before = [offsets[0], *(offsets[kind] for kind in which)]
    return [
        (datetime.fromtimestamp(at, UTC).replace(tzinfo=None), timedelta(seconds=old), timedelta(seconds=offsets[kind]))
        for at, old, kind in zip(instants, before, which, strict=False)
        if at >= 0 and old != offsets[kind]
    ]


@pytest.mark.parametrize("name", ["UTC", "Europe/Paris", "Pacific/Kiritimati", "Australia/Lord_Howe"])
def test_stretches_meet_end_to_end_and_hold_one_offset(name: str) -> None:
    start = datetime(1994, 6, 1, tzinfo=UTC).replace(tzinfo=None)
    walk = stretches(name, start)
    pieces = [next(walk) for _ in range(12)]
    assert pieces[0].opening.at <= start < pieces[0].closing.at
    for earlier, later in pairwise(pieces):
        assert earlier.closing == later.opening
    for opening, offset, closing in pieces[1:]:
        middle = opening.at + (closing.at - opening.at) / 2
        assert {offset_at(name, at) for at in (opening.at, middle, closing.at - timedelta(seconds=1))} == {offset}
