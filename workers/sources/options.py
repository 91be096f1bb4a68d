"""What each type of source takes beside its address and its secret; a name that is none of these is refused."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, ValidationError
from pydantic.alias_generators import to_camel

SourceType = Literal["postgres", "cube", "prometheus", "http", "duckdb"]

_OWN = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "cookie", "authorization", "proxy-authorization"}
)
_TOKEN_OWN = frozenset({"iat", "exp", "nbf"})


def _claims(found: dict[str, Any]) -> dict[str, Any]:
    if taken := sorted(_TOKEN_OWN & set(found)):
        raise ValueError(f"may not set {', '.join(taken)}, which Tocsin sets")
    return found


def _plain_headers(found: dict[str, str]) -> dict[str, str]:
    for name, value in found.items():
        if name.lower() in _OWN:
            raise ValueError(f"may not set {name}; a secret goes into `secret`")
        if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
            raise ValueError("takes names of letters, digits and hyphens")
        if not value.isascii() or not value.isprintable():
            raise ValueError(f"takes one line of printable ASCII for {name}")
    return found


def _user(text: str) -> str:
    if ":" in text or not text.isprintable():
        raise ValueError("takes one line without a colon")
    return text


User = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_user)]


class Options(BaseModel):
    """Nothing."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class CubeOptions(Options):
    """Claims that every token for this Cube holds."""

    security_context: Annotated[dict[str, JsonValue], AfterValidator(_claims)] = Field(default_factory=dict)


class PrometheusOptions(Options):
    """With a user the secret is its password; without one it is a bearer token."""

    user: User | None = None


class HttpOptions(Options):
    """How the address is called, and what the answer says about its own age."""

    method: Literal["GET", "POST"] = "GET"
    body: JsonValue = None
    headers: Annotated[dict[str, str], AfterValidator(_plain_headers)] = Field(default_factory=dict)
    user: User | None = None
    secret_header: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,99}$")] | None = None
    data_as_of: Annotated[str, Field(min_length=1, max_length=10_000)] | None = None


OPTIONS: dict[str, type[Options]] = {
    "postgres": Options,
    "cube": CubeOptions,
    "prometheus": PrometheusOptions,
    "http": HttpOptions,
    "duckdb": Options,
}
TYPES = tuple(OPTIONS)

__all__ = [
    "OPTIONS",
    "TYPES",
    "CubeOptions",
    "HttpOptions",
    "Options",
    "PrometheusOptions",
    "SourceType",
    "ValidationError",
]
