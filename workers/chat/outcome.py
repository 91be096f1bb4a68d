"""What a conversation with a model comes to: Answered, Unavailable or Refused, a value and never a raise; and its limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from workers.sources import Table

Passing = Literal["busy", "away", "slow", "half", "cancelled"]
Lasting = Literal[
    "unset",
    "extra",
    "credentials",
    "model",
    "request",
    "filtered",
    "long",
    "empty",
    "turns",
    "tokens",
    "cost",
    "budget",
]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use. Dollars limit only where the prices are known; with `needs_prices` none is asked without them.

    `tokens_in` and `tokens_out` are those of all turns together, `tokens` both; an answer is cut at `answer_tokens`. What
    is `fresh` may be added to what the run has paid for: that is what its tenant has left of the day. `idle_seconds` is
    how long the model may say nothing; `tries` how often one turn is asked for, `pause_seconds` the first wait between.
    """

    turns: int = 12
    calls: int = 24
    rows: int = 2_000
    rows_each: int = 200
    tokens_in: int = 200_000
    tokens_out: int = 20_000
    answer_tokens: int = 4_000
    dollars: Decimal | None = None
    seconds: float = 180.0
    idle_seconds: float = 60.0
    tries: int = 3
    pause_seconds: float = 1.0
    tokens: int | None = None
    fresh_tokens: int | None = None
    fresh_dollars: Decimal | None = None
    needs_prices: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """What a conversation took so far, over all attempts of its run; `model` is the name that the model answered with.

    `requests` are those of kept turns with what was asked in vain before them; `is_estimated`: the endpoint told no tokens.
    """

    turns: int = 0
    requests: int = 0
    calls: int = 0
    rows: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    dollars: Decimal | None = None
    model: str = ""
    is_estimated: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it as a run keeps it."""
        return {
            "model": self.model,
            "turns": self.turns,
            "requests": self.requests,
            "toolCalls": self.calls,
            "rows": self.rows,
            "tokensIn": self.tokens_in,
            "tokensOut": self.tokens_out,
            "dollars": None if self.dollars is None else str(self.dollars),
            "isEstimated": self.is_estimated,
        }


@dataclass(frozen=True, slots=True)
class Asked:
    """A graph that the model asked, and the very rows that it was shown: what its figures can be held against.

    `is_whole`: no row that the graph has in these periods was left out, so that a sum of them says something.
    """

    graph_id: UUID
    graph_name: str
    graph_version: int
    table: Table
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class _Ended:
    usage: Usage = field(default_factory=Usage, kw_only=True)
    messages: tuple[Mapping[str, Any], ...] = field(default=(), kw_only=True)
    asked: tuple[Asked, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True, slots=True)
class Answered(_Ended):
    """The model's whole answer. `messages` is what was said, as JSON; `met` the limits that its tools ran into."""

    text: str
    met: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unavailable(_Ended):
    """No answer now; asking again later may bring one, after `retry_after` seconds where the endpoint said so."""

    reason: Passing
    why: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Refused(_Ended):
    """No answer, and asking again would bring none either: a setting, a limit or the model itself is against it."""

    reason: Lasting
    why: str


Answer = Answered | Unavailable | Refused
