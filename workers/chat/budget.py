"""What a run may take of models: its tenant's limits and what is left of the day, as the limits of one conversation."""

from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from workers.chat.outcome import Limits


class ModelRules(NamedTuple):
    """Where a tenant's texts may lead, its limits (None: there is none), and what its runs took today."""

    link_origins: list[str]
    daily_tokens: int | None = None
    daily_cost: Decimal | None = None
    run_tokens: int | None = None
    run_cost: Decimal | None = None
    tokens_today: int = 0
    cost_today: Decimal = Decimal()

    def limits(self) -> Limits:
        """Return the limits of a conversation that begins now."""
        return replace(
            Limits(),
            tokens=self.run_tokens,
            dollars=self.run_cost,
            fresh_tokens=None if self.daily_tokens is None else max(0, self.daily_tokens - self.tokens_today),
            fresh_dollars=None if self.daily_cost is None else max(Decimal(), self.daily_cost - self.cost_today),
            needs_prices=self.daily_cost is not None or self.run_cost is not None,
        )
