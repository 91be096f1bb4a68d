"""How a pulse's report is written: by the model, held against the evidence, or from the figures alone where that fails."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

from workers.chat.conversation import Conversation
from workers.chat.data import wrapped
from workers.chat.model import Model
from workers.chat.outcome import Answer, Answered, Asked, Unavailable
from workers.formats.report import Section
from workers.graphs import Graph
from workers.kind import Context, InnerJournal
from workers.pulses.changes import changes
from workers.pulses.evidence import Evidence, Partly, gather, section_of
from workers.pulses.fallback import escape, fallback
from workers.pulses.narrative import Checked, check
from workers.pulses.settle import settle
from workers.reporting import Part, part_of

_AGAIN = "Answer with the whole report once more, with these sentences mended and everything else as it was.\n\n"


# What readers are told of a failure, who need not know where the model is and what it says of its key.
_WORDS: Mapping[str, str] = {
    "unset": "no model is set up",
    "extra": "no model is set up",
    "busy": "the model was too busy",
    "away": "the model could not be reached",
    "slow": "the model did not answer in time",
    "half": "the model's answer broke off",
    "filtered": "the model declined",
    "long": "the model's answer was too long",
    "empty": "the model answered nothing",
    "turns": "the model came to no end",
    "tokens": "the model came to no end",
    "cost": "the model's answer would have cost more than it may",
    "budget": "what may be spent on models is used up",
}
WRONG = "the model's numbers are not those of the figures"


class Known(NamedTuple):
    """What a run knows before it writes; `before` is what the last report that was sent was written from."""

    graphs: Sequence[Graph]
    parts: Sequence[Part]
    before: Evidence | None


class Written(NamedTuple):
    """A report in markdown with the evidence that it was held against; `failure` is why no model wrote it, or empty.

    `first` is the evidence of what the run asked itself: the next report is compared with it.
    """

    markdown: str
    evidence: Evidence
    first: Evidence
    failure: str
    answer: Answer
    checked: Checked | None


class NotWritten(NamedTuple):
    """Why there is no report; `is_passing`: asking again may bring one, after `retry_after` seconds where that is known."""

    why: str
    is_passing: bool
    retry_after: float | None = None


def write(ctx: Context[Any], model: Model | None, known: Known, prompt: str, on_failure: str) -> Written | NotWritten:
    """Return the report, or why there is none. Where the figures alone will do, nobody waits for a model."""
    journal = cast("InnerJournal", ctx.journal)
    limits = journal.model_rules().limits()
    conversation = Conversation(ctx, model, known.graphs, limits=limits, spend=journal.spend_on_model)
    found = _written(ctx, conversation, known, prompt, on_failure)
    if isinstance(found, NotWritten):
        return found
    # Of a second question that brought nothing, too.
    return found._replace(answer=replace(found.answer, usage=conversation.usage))


def _written(
    ctx: Context[Any], conversation: Conversation, known: Known, prompt: str, on_failure: str
) -> Written | NotWritten:
    evidence = gather(ctx.slot_local, known.parts)
    answer = conversation.ask(_task(prompt, known, evidence))
    if not isinstance(answer, Answered):
        return _failed(answer, answer.why, known, evidence, on_failure)
    first, evidence = evidence, _with_asked(ctx, known, answer.asked)
    checked = check(answer.text, evidence)
    if checked.unverified:
        again = conversation.ask(_AGAIN + settle(checked, "mark", evidence).prompt)
        if isinstance(again, Answered):
            answer, evidence = again, _with_asked(ctx, known, again.asked)
            checked = check(again.text, evidence)
    if len(checked.unverified) > sum(claim.verdict == "verified" for claim in checked.claims):
        return _failed(answer, WRONG, known, first, on_failure, checked)
    text = settle(checked, "mark", evidence).markdown
    return Written(_with_changes(text, known.before, first), evidence, first, "", answer, checked)


def _failed(
    answer: Answer, why: str, known: Known, evidence: Evidence, on_failure: str, checked: Checked | None = None
) -> Written | NotWritten:
    if on_failure == "error":
        is_passing = isinstance(answer, Unavailable)
        return NotWritten(why, is_passing, answer.retry_after if isinstance(answer, Unavailable) else None)
    told = WRONG if isinstance(answer, Answered) else _WORDS.get(answer.reason, "the model gave no answer")
    return Written(fallback(evidence, told, known.before), evidence, evidence, why, answer, checked)


def _task(prompt: str, known: Known, evidence: Evidence) -> str:
    """What the model is asked: the pulse's own words, and what changed since the last report."""
    lines = changes(known.before, evidence)
    return f"{prompt}\n\nSince the last report this changed:\n{wrapped(lines)}" if lines else prompt


def _with_asked(ctx: Context[Any], known: Known, asked: Sequence[Asked]) -> Evidence:
    """The evidence with what the model asked itself; a graph that can't be read as what it says is a plain table."""
    named = {graph.id: graph for graph in known.graphs}
    found: list[Part | Section | Partly] = list(known.parts)
    for each in asked:
        graph = named.get(each.graph_id)
        part = "" if graph is None else part_of(graph, each.table, ctx.timezone)
        shown = section_of(each.graph_name, each.table) if isinstance(part, str) else part
        found.append(shown if each.is_whole else Partly(shown))
    return gather(ctx.slot_local, found)


def _with_changes(markdown: str, before: Evidence | None, evidence: Evidence) -> str:
    lines = changes(before, evidence)
    if not lines:
        return markdown
    told = "\n".join(f"- {escape(line)}" for line in lines)
    return f"{markdown.rstrip()}\n\n## What changed since the last one\n\n{told}\n"


def as_record(written: Written) -> dict[str, Any]:
    """Return what the run keeps of it."""
    messages = [dict(each) for each in written.answer.messages]
    if written.failure:
        messages.append({"role": "assistant", "content": written.markdown})
    return {
        "messages": messages,
        "report": written.markdown,
        "isFallback": bool(written.failure),
        "fallbackReason": written.failure or None,
        "usage": written.answer.usage.as_json(),
        "check": None if written.checked is None else written.checked.record,
        "evidenceHash": written.evidence.hash,
        "evidence": json.loads(written.evidence.json),
        "answersOfItsOwn": len(written.first.answers),
    }
