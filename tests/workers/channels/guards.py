"""Guards as a sender has them: one whose lease holds, and one that loses it at a named step."""

from collections.abc import Callable

from workers.channels import LeaseLost


class Holding:
    """Lets every step pass and remembers the order; a step may call something first."""

    def __init__(self, lost_at: str = "", **on: Callable[[], None]) -> None:
        self.asked: list[str] = []
        self._lost_at = lost_at
        self._on = on

    def _ask(self, step: str) -> None:
        self.asked.append(step)
        if step in self._on:
            self._on[step]()
        if step == self._lost_at:
            raise LeaseLost(f"the lease is gone at {step}")

    def before_connect(self) -> None:
        self._ask("connect")

    def before_data(self) -> None:
        self._ask("data")

    def before_dot(self) -> None:
        self._ask("dot")
