"""Where the model is: what CHATBOT_URL, CHATBOT_MODEL, CHATBOT_API_KEY and CHATBOT_PRICES say together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from importlib.util import find_spec
from typing import Any, Literal
from urllib.parse import urlsplit

from config.environ import BadSetting
from workers.http import BadUrl, check_url, origin

SETTINGS = ("CHATBOT_URL", "CHATBOT_MODEL", "CHATBOT_API_KEY", "CHATBOT_PRICES")
Protocol = Literal["openai", "anthropic"]
_ANTHROPIC = "https://api.anthropic.com"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model behind an address; `prices` are dollars for a million tokens in, and out."""

    protocol: Protocol
    url: str
    model: str
    key: str = field(repr=False)
    prices: tuple[Decimal, Decimal] | None = None

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> "Endpoint | None":
        """Return what the settings name, None where CHATBOT_URL is not set. Raises BadSetting."""
        url = value["CHATBOT_URL"]
        if not url:
            return None
        protocol, address = _read(url)
        try:
            check_url(address)
        except BadUrl as error:
            raise BadSetting(f"CHATBOT_URL can't be called: {error}") from None
        if not value["CHATBOT_MODEL"]:
            raise BadSetting("CHATBOT_MODEL is not set; CHATBOT_URL needs it, the model's name at that endpoint")
        if protocol == "anthropic" and not value["CHATBOT_API_KEY"]:
            raise BadSetting("CHATBOT_API_KEY is not set; Anthropic's protocol needs it")
        return cls(protocol, address, value["CHATBOT_MODEL"], value["CHATBOT_API_KEY"] or "", value["CHATBOT_PRICES"])

    @property
    def origin(self) -> str:
        """The part of the address that may be shown."""
        return origin(self.url)

    @property
    def is_installed(self) -> bool:
        """Whether the library of the protocol is there."""
        return find_spec(self.protocol) is not None

    def dollars(self, tokens_in: int, tokens_out: int) -> Decimal | None:
        """Return what so many tokens cost; None where the prices are not known."""
        if self.prices is None:
            return None
        return (self.prices[0] * tokens_in + self.prices[1] * tokens_out) / 1_000_000


def _read(url: str) -> tuple[Protocol, str]:
    parts = urlsplit(url)
    if not parts.scheme.startswith("anthropic"):
        return "openai", url.rstrip("/")
    if not parts.netloc:
        return "anthropic", _ANTHROPIC
    scheme = "http" if parts.scheme == "anthropic+http" else "https"
    return "anthropic", parts._replace(scheme=scheme).geturl().rstrip("/")
