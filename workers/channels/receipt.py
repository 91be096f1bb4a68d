"""What a channel answers about one recipient, and the guard that it asks before each step that can't be taken back."""

from dataclasses import dataclass
from typing import Literal, Protocol


class LeaseLost(Exception):
    """The sender's lease no longer holds: another process may send this delivery, so this one must not."""


class Guard(Protocol):
    """Asks whether the sender's lease still holds; each method returns, or raises LeaseLost."""

    def before_connect(self) -> None:
        """Called before the server is called at all."""

    def before_data(self) -> None:
        """Called right before the content is offered."""

    def before_dot(self) -> None:
        """Called right before the last bytes, those that make the mail the receiver's to deliver."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one hand-over.

    `sent`: accepted. `pending`: not accepted now, try again. `failed`: refused for good, this recipient alone.
    `unknown`: the last byte went out and no answer came, so it may or may not be accepted.
    """

    state: Literal["sent", "pending", "failed", "unknown"]
    provider_message_id: str = ""
    error: str = ""
    code: int | None = None
    # No earlier than in so many seconds; None leaves it to the back-off.
    retry_after: float | None = None
    # It was asked of nobody, since another has to go first: that was no attempt.
    is_waiting: bool = False
    # Nobody's mail goes out until the operator mends what `error` says.
    is_ours: bool = False


class Mailer(Protocol):
    """Hands one stored mail to one recipient. `is_keyed`: a repeat of the same mail can't make a second one."""

    is_keyed: bool

    def send(self, recipient: str, content: bytes, guard: Guard, key: str = "") -> Receipt:
        """Return what became of it; raises nothing but LeaseLost. `key` is the same for each attempt at one delivery."""
