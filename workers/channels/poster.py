"""Hands one stored message to one channel, with the hand-over written out as for mail: see over_http."""

from dataclasses import replace

from config.faults import faultpoint
from workers.addresses import Forbidden
from workers.channels import post
from workers.channels.adapter import Account, Adapter
from workers.channels.over_http import Guarded
from workers.channels.receipt import Guard, Receipt
from workers.http import BadUrl, Client, HttpError, TooLarge

SEND_SECONDS = 30.0
_MOST_ANSWER = 100_000


class Poster:
    """Posts to channels; any thread may use it, each send is a connection of its own."""

    def __init__(self, client: Client, *, send_seconds: float = SEND_SECONDS) -> None:
        self._client = client
        self._send_seconds = send_seconds

    def send(self, adapter: Adapter, account: Account, content: bytes, guard: Guard, *, key: str, root: str) -> Receipt:
        """Return what became of the hand-over; its error never holds the credential. Raises LeaseLost when the guard does.

        `root` is the provider's id of the first message of the thread, `key` the same for each attempt.
        """
        receipt = self._handed_over(adapter, account, content, guard, key, root)
        if receipt.state == "unknown" and adapter.is_keyed:
            receipt = replace(receipt, state="pending")
        if receipt.error:
            receipt = replace(receipt, error=_plain(receipt.error.replace(account.credential, "…")))
        return replace(receipt, provider_message_id=_plain(receipt.provider_message_id)[:200])

    def _handed_over(
        self, adapter: Adapter, account: Account, content: bytes, guard: Guard, key: str, root: str
    ) -> Receipt:
        try:
            call = adapter.request(post.read(content), account, root)
        except ValueError as error:
            return Receipt("failed", error=str(error))
        guard.before_connect()
        body = Guarded(call.body, guard)
        headers = {"Idempotency-Key": key, "Content-Length": str(len(call.body)), "Connection": "close"}
        try:
            answer = self._client.request(
                "POST",
                call.url,
                headers=headers | dict(call.headers),
                content=body,
                timeout_seconds=self._send_seconds,
                max_bytes=_MOST_ANSWER,
                kind="channel",
            )
        except TooLarge as error:
            answer = error.response
        except (Forbidden, BadUrl) as error:
            return Receipt("failed", error=str(error))
        except HttpError as error:
            return Receipt("unknown" if body.is_whole else "pending", error=str(error))
        faultpoint("after_dot")
        receipt = adapter.read(answer)
        return replace(receipt, error=f"{adapter.name} {receipt.error}") if receipt.error else receipt


def _plain(text: str) -> str:
    return " ".join(text.encode("ascii", "replace").decode().split())
