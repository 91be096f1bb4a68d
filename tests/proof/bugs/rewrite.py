"""Statements and methods of the product, changed in this process alone."""

import re
from typing import Any

from db.query import QUERIES, Query, numbered


def rewrite(query: Query[Any], *changes: tuple[str, str]) -> None:
    """Replaces what each pattern finds in the statement. Raises LookupError where it is not found once."""
    text = (QUERIES / f"{query.name}.sql").read_text()
    for pattern, after in changes:
        text, count = re.subn(pattern, after, text)
        if count != 1:
            raise LookupError(f"{query.name}.sql has {count} times: {pattern}")
    query.text, query.params = numbered(text)
    query._bytes = query.text.encode()


def replace(owner: object, name: str, by: object) -> Any:
    """Puts another function in the place of the one of that name, and returns the one that was there."""
    was = getattr(owner, name)
    setattr(owner, name, by)
    return was
