"""ID tokens of the provider: verified by its own keys, for us, for this sign-in, and now.

The algorithm follows from the key: RS256 of an RSA key, ES256 of one on P-256, and nothing else, whatever the token says
of itself. Source: OpenID Connect Core 1.0, section 3.1.3.7.
"""

import hmac
from collections.abc import Mapping, Sequence
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

_KEY_TYPES = {"RS256": "RSA", "ES256": "EC"}
_LEAST_RSA_BITS = 2048
_LONGEST = 16_384
_LEEWAY_SECONDS = 60
_REQUIRED = ["iss", "sub", "aud", "exp", "iat", "nonce"]


class BadIdToken(Exception):
    """The token is refused; why is for the log."""


def read(token: str, keys: Sequence[Mapping[str, Any]], *, issuer: str, client_id: str, nonce: str) -> dict[str, Any]:
    """The claims of a good token. Raises BadIdToken."""
    if len(token) > _LONGEST or not token.isascii():
        raise BadIdToken("its form")
    try:
        header = jwt.get_unverified_header(token)
        algorithm = header.get("alg")
        if algorithm not in _KEY_TYPES or "crit" in header:
            raise BadIdToken("its algorithm")
        claims: dict[str, Any] = jwt.decode(
            token,
            _key(keys, algorithm, header.get("kid")),
            algorithms=[algorithm],
            audience=client_id,
            issuer=issuer,
            leeway=_LEEWAY_SECONDS,
            options={"require": _REQUIRED},
        )
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise BadIdToken(type(error).__name__) from None
    _check_party(claims, client_id)
    if not isinstance(claims["nonce"], str) or not hmac.compare_digest(claims["nonce"].encode(), nonce.encode()):
        raise BadIdToken("its nonce")
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not subject.isprintable():
        raise BadIdToken("its subject")
    return claims


def _check_party(claims: Mapping[str, Any], client_id: str) -> None:
    """Passes what was made for us: one that is for others too has to say that we asked for it."""
    party = claims.get("azp")
    is_for_many = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if party != client_id and (party is not None or is_for_many):
        raise BadIdToken("its authorized party")


def _key(keys: Sequence[Mapping[str, Any]], algorithm: str, key_id: object) -> Any:
    """The one key that may have signed it. Raises BadIdToken."""
    found = [key for key in keys if _is_for(key, algorithm, key_id)]
    if len(found) != 1:
        raise BadIdToken("its key: the provider has none that fits, or several")
    key = jwt.PyJWK(dict(found[0]), algorithm).key
    is_rsa = isinstance(key, RSAPublicKey) and key.key_size >= _LEAST_RSA_BITS
    is_ec = isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
    if not (is_rsa or is_ec):
        raise BadIdToken("its key: too weak, or of the wrong type")
    return key


def _is_for(key: Mapping[str, Any], algorithm: str, key_id: object) -> bool:
    return (
        key.get("kty") == _KEY_TYPES[algorithm]
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (key_id is None or key.get("kid") == key_id)
    )
