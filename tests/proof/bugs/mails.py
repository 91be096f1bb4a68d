"""Bugs of the delivery: another name or other bytes at each try, told before it is true, tried again unseen."""

import re
import time
from typing import Any
from uuid import uuid4

from tests.proof.bugs.ends import Unguarded
from tests.proof.bugs.rewrite import replace
from workers.channels import Guard, Receipt
from workers.channels.smtp import Smtp
from workers.deliver import Deliverer, LeaseGuard
from workers.rows import LeasedDelivery

_MESSAGE_ID = re.compile(rb"^Message-ID: <[^@]*", re.MULTILINE)
_PAUSE_SECONDS = 1.0
_TRIES = 3


def rename_each_try() -> None:
    """A mail that is tried again has another Message-ID."""
    _change_tries(lambda mail: _MESSAGE_ID.sub(f"Message-ID: <{uuid4()}".encode(), mail.content))


def render_each_try() -> None:
    """A mail that is tried again is rendered anew, and tells how often it was tried."""
    _change_tries(lambda mail: mail.content + f"Attempt {mail.attempts}\r\n".encode())


def _change_tries(change: Any) -> None:
    send = Deliverer._send

    def send_changed(self: Deliverer, delivery: LeasedDelivery, lease: Any, until: float) -> Receipt | None:
        mail = delivery._replace(content=change(delivery)) if delivery.attempts > 1 else delivery
        return send(self, mail, lease, until)

    replace(Deliverer, "_send", send_changed)


def tell_before_sending() -> None:
    """A mail is written as handed over and sent, and is sent after that."""

    def tell_and_send(self: Deliverer, delivery: LeasedDelivery, lease: Any, until: float) -> Receipt | None:
        LeaseGuard(self._pool, lease, delivery, until).before_data()
        self._finish(delivery, lease, Receipt("sent"))
        time.sleep(_PAUSE_SECONDS)
        assert self._mailer
        self._mailer.send(delivery.recipient, delivery.content, Unguarded())
        return None

    replace(Deliverer, "_send", tell_and_send)


def send_again_unseen() -> None:
    """The SMTP client sends by itself again what it got no answer to."""
    send = Smtp.send

    def send_until_answered(self: Smtp, recipient: str, content: bytes, guard: Guard) -> Receipt:
        receipt = send(self, recipient, content, guard)
        for _ in range(_TRIES - 1):
            if receipt.state == "unknown":
                receipt = send(self, recipient, content, guard)
        return receipt

    replace(Smtp, "send", send_until_answered)
