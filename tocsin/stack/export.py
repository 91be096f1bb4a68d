"""What a tenant has, as a stack's file: sorted, without ids, without secrets, and applied again it changes nothing."""

from collections.abc import Mapping
from typing import Any

from tocsin.stack import text
from tocsin.stack.document import DEFAULT_STACK, SECTIONS, STACK, escaped
from tocsin.stack.names import Fields, plain
from tocsin.stack.plan import Key
from tocsin.stack.schedule_options import OPTIONS
from tocsin.stack.sections import MASK, Have, Section
from workers.kind import Kind

SCHEMA_LINE = "# yaml-language-server: $schema=tocsin.schema.json"
SCHEMA_HINT = "# for editors that read the line above: tocsin apply --schema > tocsin.schema.json"


def export(have: Mapping[Key, Have], kinds: Mapping[str, Kind], stack: str = DEFAULT_STACK) -> str:
    """The text of the file."""
    parts = [f"{SCHEMA_LINE}\n{SCHEMA_HINT}\n{STACK}: {stack}\n"]
    for word, section in SECTIONS.items():
        rows = [have[key] for key in sorted(have) if key[0] == word and not _is_history(have[key].row, section)]
        if rows:
            parts.append("".join([f"\n{word}:\n", *(_row(section, each, kinds) for each in rows)]))
    return "".join(parts)


def _is_history(row: Any, section: Section) -> bool:
    status = getattr(row, "status", "active")
    # What came once and is through would come once more where it is applied anew.
    is_once = getattr(row, "scheduled_at", None) is not None
    return status == "cancelled" or (status == "completed" and (is_once or section.word == "schedules"))


def _row(section: Section, have: Have, kinds: Mapping[str, Kind]) -> str:
    """A row, and above it what it does not say: which secrets it has, and whether it rests."""
    shown, hints = fields_of(section, have, kinds)
    lines = text.write([shown]).splitlines(keepends=True)
    return "".join(f"  # {hint}\n" for hint in hints) + "".join(f"  {line}" if line.strip() else line for line in lines)


def fields_of(section: Section, have: Have, kinds: Mapping[str, Kind]) -> tuple[Fields, list[str]]:
    """The fewest fields that say a row, and hints for whoever reads them."""
    hints = [f"{name}: ${{env:NAME}} is stored" for name in section.secrets if have.says.get(name) == MASK]
    says = {name: value for name, value in have.says.items() if name not in section.secrets}
    for name in section.left:
        # It is left as it is, unless a file says it: what rests is said, and what runs needs no word.
        if says.get(name) is True:
            says.pop(name)
    try:
        found = section.shortest(says)
    except ValueError:
        found = says
    if section.word == "schedules":
        hints += _shorten(found, kinds[have.row.kind])
        if have.row.status == "paused":
            hints.append("paused" + (f": {have.row.pause_note}" if have.row.pause_note else ""))
    if not found.get(OPTIONS, True):
        found.pop(OPTIONS)
    found = {name: found[name] for name in section.order if name in found}
    return escaped(found), [" ".join(hint.split()) for hint in hints]


def _shorten(found: Fields, kind: Kind) -> list[str]:
    """Takes away what a kind says by itself, and what is a secret; returns hints of those."""
    for name, value in (("timeoutSeconds", kind.timeout_seconds), ("queue", kind.queue)):
        if found.get(name) == value:
            found.pop(name)
    payload, masked = _unmasked(found.pop("jobPayload", {}))
    for name, field in kind.Params.model_fields.items():
        alias = field.alias or name
        default = plain(field.get_default(call_default_factory=True))
        if not field.is_required() and alias in payload and payload[alias] == default:
            payload.pop(alias)
    if payload:
        found["jobPayload"] = payload
    return [f"jobPayload.{name}: ${{env:NAME}} is stored" for name in masked]


def _unmasked(payload: Fields, within: str = "") -> tuple[Fields, list[str]]:
    found: Fields = {}
    masked: list[str] = []
    for name, value in payload.items():
        if value == MASK:
            masked.append(f"{within}{name}")
        elif isinstance(value, dict):
            found[name], more = _unmasked(value, f"{within}{name}.")
            masked += more
        else:
            found[name] = value
    return found, masked
