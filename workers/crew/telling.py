"""Who is told of what a crew's rule found: one message a run, by mail and to channels, whatever the number of answers."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple, Self, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from workers.crew.book import CrewBook, Matches
from workers.kind import Context, InnerJournal
from workers.kinds import pages
from workers.outcome import ChannelMessage, Item, Message
from workers.recipients import Found, Recipient, find

_LONGEST_FOUND = 300


class Notify(BaseModel):
    """Whom a rule tells: addresses and rules as alerts take them, and channels by name or id."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    recipients: Annotated[list[Recipient], Field(max_length=1000)] = Field(default_factory=list)
    channels: Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=20)] = Field(
        default_factory=list, description="channels by name or id"
    )

    @model_validator(mode="after")
    def _tells_somebody(self) -> Self:
        if not self.recipients and not self.channels:
            raise ValueError("takes recipients, channels or both")
        return self


class Told(NamedTuple):
    """What is told, and what the record keeps of it; `away`: a source of recipients gave no answer and may soon."""

    kept: Mapping[str, Any] = MappingProxyType({})
    messages: tuple[Message, ...] = ()
    posts: tuple[ChannelMessage, ...] = ()
    away: str | None = None


def tell(
    ctx: Context[Any], book: CrewBook, notify: Notify, name: str, matches: Matches, answered: int | None = None
) -> Told:
    """What those whom the rule names are told; the owner hears of recipients and channels that are not there."""
    whom = find(ctx, notify.recipients) if notify.recipients else Found((), {}, (), None)
    channels, missing = book.channels(notify.channels)
    problems = [*whom.problems, *(f"there is no channel {each}" for each in missing)]
    if problems and (whom.away is None or ctx.is_last_attempt):
        cast("InnerJournal", ctx.journal).alerts().tell(
            "recipients", f"{name}: not all whom its rule tells", "\n".join(problems)
        )
    of = "1 answer" if answered is None else f"{matches.total} of {answered} answers"
    title = f"{name}: its rule found something in {of}"
    found = [(each.user_uid, _short(each.reason)) for each in matches.first]
    facts = {"title": title, "found": found, "left_out": matches.total - len(found), "run_id": str(ctx.run_id)}
    text, html = pages.fill("crew_mail", facts, ctx.branding())
    why = "the rule of a crew names you"
    mail = Message(to=whom.addresses, subject=title[:200], text=text, html=html, why=why)
    post = ChannelMessage(
        to=tuple(channels),
        title=title,
        subject=name,
        items=tuple(Item(uid, "", said) for uid, said in found),
        state="firing",
        severity="warning",
        thread=str(ctx.run_id),
        left_out=matches.total - len(found),
    )
    return Told(whom.kept, (mail,) if whom.addresses else (), (post,) if channels else (), whom.away)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_FOUND else text[: _LONGEST_FOUND - 1] + "…"
