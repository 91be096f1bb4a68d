"""CEL, in one place: expressions that are compiled, what they come to, and what goes wrong in words; pure.

An expression takes at most 10,000 steps through lists and maps, and a pattern is matched in the time of its text.
"""

import re
from collections.abc import Mapping
from typing import Any

from cel_expr_python import cel

BOOL, INT, STRING, DYN = cel.Type.BOOL, cel.Type.INT, cel.Type.STRING, cel.Type.DYN
Map = cel.Type.Map


class Wrong(ValueError):
    """The expression can't be read, or goes wrong on what it is given; the text says why."""


def compiled(expression: str, variables: Mapping[str, Any]) -> Any:
    """The expression over variables of these types, which comes to true or false. Raises Wrong."""
    try:
        found = cel.NewEnv(variables=dict(variables)).compile(expression)
    except RuntimeError as error:
        raise Wrong(_told(str(error))) from None
    if found.return_type() not in (BOOL, DYN):
        raise Wrong(f"is {found.return_type().name()} and no bool".lower())
    return found


def is_true(program: Any, data: Mapping[str, Any]) -> bool:
    """Whether a compiled expression is true of the data. Raises Wrong."""
    try:
        value = program.eval(data=dict(data)).value()
    except RuntimeError as error:
        raise Wrong(_told(str(error))) from None
    if isinstance(value, bool):
        return value
    # What goes wrong in an expression comes as a text in the place of its value.
    raise Wrong(_told(value) if isinstance(value, str) else f"comes to a {type(value).__name__} and no bool")


def _told(error: str) -> str:
    """The first line of what CEL says, without its code and its own name for the input."""
    line = error.splitlines()[0] if error else "it goes wrong"
    bare = re.sub(r"^[A-Z_]+: ", "", line)
    return re.sub(r"^[A-Z_]+: |ERROR: |<input>:\d+:\d+: |\s*\[[A-Z_]+\]$", "", bare).strip()[:300]
