"""What a step may be: JSON of a bounded size, in a worker and in tests of kinds alike."""

from typing import Any

from db.jsonb import dumps

LARGEST_STEP = 256 * 1024


def check_step(name: str, result: Any) -> str:
    """The result of a step as JSON. Raises ValueError when it is larger than 256 KiB, TypeError when it is none."""
    text = dumps(result)
    if len(text) > LARGEST_STEP:
        raise ValueError(f"step {name}: its result is larger than {LARGEST_STEP // 1024} KiB of JSON")
    return text
