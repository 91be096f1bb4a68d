"""Whom an alert tells: addresses as they stand, and those that its rules find when it is sent, each with how it got there."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple, cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic.alias_generators import to_camel

from workers.channels.email import mailbox
from workers.graphs import Graph
from workers.kind import Context, InnerJournal
from workers.sources import RowCap, SourceRefused, SourceUnavailable, Table

MOST = 1000
MOST_SKIPPED = 50
TAKES = 'takes an address, {"role": "viewer"}, or {"graphId": …, "column": …}'


class _Rule(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class OfRole(_Rule):
    """The tenant's members of a role when something is sent, but for disabled ones."""

    role: Literal["viewer", "editor", "admin"]


class OfColumn(_Rule):
    """The addresses in a column of a graph's rows when something is sent, at most a thousand."""

    graph_id: UUID
    column: Annotated[str, Field(min_length=1, max_length=200)]


def _address_or_rule(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    if isinstance(value, str):
        return mailbox(value)
    try:
        return handler(value)
    except ValidationError:
        raise ValueError(TAKES) from None


Recipient = Annotated[str | OfRole | OfColumn, WrapValidator(_address_or_rule)]


class Found(NamedTuple):
    """Whom to tell, each once; what the record keeps of how they were found; and what was the matter.

    `away`: a source that gave no answer and may soon.
    """

    addresses: tuple[str, ...]
    kept: dict[str, Any]
    problems: tuple[str, ...]
    away: str | None


def listed(entries: Sequence[str | OfRole | OfColumn]) -> list[str]:
    """The addresses that stand in the list themselves."""
    return [entry for entry in entries if isinstance(entry, str)]


def find(ctx: Context[Any], entries: Sequence[str | OfRole | OfColumn], more: Sequence[str] = ()) -> Found:
    """Return whom these entries come to now; `more` are addresses that are known elsewhere, in the spelling that counts.

    An address that is found in another spelling is taken in the one that is listed, so that its context stays its own.
    """
    spelled = {address.casefold(): address for address in (*more, *listed(entries))}
    told = dict.fromkeys(listed(entries))
    rules = [entry for entry in entries if not isinstance(entry, str)]
    if not rules:
        return Found(tuple(told), {}, (), None)
    by: dict[str, list[str]] = {}
    skipped: list[dict[str, str]] = []
    problems: list[str] = []
    away = None
    for rule in rules:
        said, values, problem, is_away = _values(ctx, rule)
        names = by.setdefault(said, [])
        for value in values:
            try:
                address = mailbox(str(value).strip())
            except ValueError:
                skipped.append({"from": said, "value": str(value)[:100], "reason": "no e-mail address"})
                continue
            address = spelled.setdefault(address.casefold(), address)
            if len(told) < MOST or address in told:
                told[address] = None
                names.append(address)
            else:
                skipped.append({"from": said, "value": address, "reason": f"there are {MOST} recipients already"})
        if problem is not None:
            problems.append(f"{said}: {problem}")
            away = f"{said}: {problem}" if is_away else away
    if skipped:
        problems.append(f"{len(skipped)} of what was found is none of its recipients: {skipped[0]['reason']}")
    if not told:
        problems.append("it has no recipient: " + (", ".join(by) or "nothing") + " came to nobody")
    kept = {"foundBy": by, "skipped": skipped[:MOST_SKIPPED], "problems": problems}
    return Found(tuple(told), {"recipients": kept}, tuple(problems), away)


def _values(ctx: Context[Any], rule: OfRole | OfColumn) -> tuple[str, list[Any], str | None, bool]:
    """What a rule says, what it comes to, what is the matter with it, and whether that may pass soon."""
    book = cast("InnerJournal", ctx.journal).alerts()
    if isinstance(rule, OfRole):
        return f"members of the role {rule.role}", list(book.members_of(rule.role)), None, False
    graph = book.graph(rule.graph_id)
    if graph is None:
        return f"the graph {rule.graph_id}", [], "it was deleted", False
    said = f"the column {rule.column} of the graph {graph.name}"
    try:
        table = _table(ctx, graph)
    except RowCap:
        return said, [], f"it has more than {MOST:,} rows", False
    except SourceRefused as error:
        return said, [], str(error), False
    except SourceUnavailable as error:
        return said, [], str(error), True
    names = [column.name for column in table.columns]
    if rule.column not in names:
        return said, [], f"it has no such column, but {', '.join(names)}", False
    place = names.index(rule.column)
    return said, [row[place] for row in table.rows if row[place] is not None], None, False


def _table(ctx: Context[Any], graph: Graph) -> Table:
    source = ctx.source(str(graph.source_id))
    question = graph.question(ctx.slot_at, ctx.timezone, None)
    return source.query(question, timeout_seconds=min(30.0, max(1.0, ctx.seconds_left() / 2)), row_cap=MOST)


def in_words(recipients: int, channels: int) -> str:
    """How many are told: `1 recipient and 2 channels`."""
    said = f"{recipients} {'recipient' if recipients == 1 else 'recipients'}"
    return f"{said} and {channels} {'channel' if channels == 1 else 'channels'}" if channels else said
