"""Ids that carry their slot: a UUIDv7 whose 48-bit time is slot_at in milliseconds, so an id finds its partition."""

import os
from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def id_at(slot_at: datetime) -> UUID:
    """A new id for a row of `slot_at` (an aware instant with whole milliseconds)."""
    return ids_at(slot_at, 1)[0]


def ids_at(slot_at: datetime, count: int) -> list[UUID]:
    """`count` new ids for rows of `slot_at`; random apart from the time, the version and the variant."""
    base = ((slot_at - _EPOCH) // _MILLISECOND) << 80 | 0x7 << 76 | 0x2 << 62
    noise = os.urandom(10 * count)
    return [UUID(int=base | _noise(noise[start : start + 10])) for start in range(0, 10 * count, 10)]


def _noise(random: bytes) -> int:
    bits = int.from_bytes(random)
    return (bits >> 68) << 64 | (bits & 0x3FFF_FFFF_FFFF_FFFF)


def slot_of(row_id: UUID) -> datetime:
    """The slot_at that an id carries. Raises ValueError when it is not a UUIDv7."""
    if row_id.version != 7:
        raise ValueError(f"{row_id} is not the id of a run or of something that belongs to one")
    return _EPOCH + timedelta(milliseconds=row_id.int >> 80)


def to_milliseconds(instant: datetime) -> datetime:
    """The instant cut to whole milliseconds, which is what an id can carry."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)
