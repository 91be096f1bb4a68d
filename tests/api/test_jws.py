"""The ways of a JWS to be wrong that test vectors of RFC 7515 name, each with claims and a key that would be good.

No package has Wycheproof's vectors of JWS, so the classes that these fall into are built here. What is altered is signed as it is altered
wherever that can be: then the form alone is at fault, and a reader that is lax about it lets the token in.
"""

import base64
import hmac
import json

import pytest

from tests.api.conftest import JWT_SECRET
from tests.api.test_jwts import EC, HS256, PEMS, claims_of, coded, refused, signed

GOOD = signed(claims_of("acme"))
HEAD, BODY, MAC = GOOD.split(".")
NO_LETTERS = (" ", "\n", "\r\n", "\t", "?", "*", "+/", "\u00e9", "\uff21", "\0", "%41", "=")
RSA_PEM, EC_PEM = PEMS


def mac_of(text: str) -> str:
    """The signature of any text, under the key that is ours."""
    return coded(hmac.digest(JWT_SECRET.encode(), text.encode(), "sha256"))


def resigned(head: str = HEAD, body: str = BODY) -> str:
    """A token of these parts, whatever they are, with a true signature of them."""
    return f"{head}.{body}.{mac_of(f'{head}.{body}')}"


def odd_bits(part: str) -> str:
    """The part with the last of the bits turned that no byte takes: to a lax reader the same text."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return part[:-1] + letters[letters.index(part[-1]) ^ 1]


def with_bits_left(content: str) -> str:
    """The text, spaces after it, so that its last letter has bits that no byte takes."""
    while len(content) % 3 == 0:
        content += " "
    return content


LOOSE = coded(with_bits_left(json.dumps(claims_of("acme"))))
LOOSE_HEAD = coded(with_bits_left(json.dumps(HS256)))

CLASSES = {
    "modified signature": f"{HEAD}.{BODY}.{mac_of('another')}",
    "missing signature": f"{HEAD}.{BODY}.",
    "missing signature and separator": f"{HEAD}.{BODY}",
    "modified payload": f"{HEAD}.{coded(claims_of('other'))}.{MAC}",
    "missing payload": f"{HEAD}..{MAC}",
    "empty payload, signed": resigned(body=""),
    "missing payload and separator": f"{HEAD}.{MAC}",
    "modified header": f"{coded(HS256 | {'typ': 'jwt'})}.{BODY}.{MAC}",
    "missing header": f".{BODY}.{MAC}",
    "empty header, signed": resigned(head=""),
    "missing header and separator": f"{BODY}.{MAC}",
    "missing header and signature": f".{BODY}.",
    "payload alone": BODY,
    "nothing": "",
    "extra empty part": f"{GOOD}.",
    "extra part": f"{GOOD}.{MAC}",
    "five parts": f"{GOOD}.{BODY}.{MAC}",
    "none, unsigned": f"{coded({'alg': 'none'})}.{BODY}.",
    "none, signed": resigned(head=coded({"alg": "none"})),
    "no algorithm": resigned(head=coded({"typ": "JWT"})),
    "an algorithm of another case": resigned(head=coded({"alg": "hs256"})),
    "an algorithm with a space": resigned(head=coded({"alg": "HS256 "})),
    "two algorithms": resigned(head=coded('{"alg":"none","alg":"HS256"}')),
    "a header that is a list": resigned(head=coded('["HS256"]')),
    "a header that is text": resigned(head=coded('"HS256"')),
    "a header that is no JSON": resigned(head=coded("{alg:HS256}")),
    "a header that is no UTF-8": resigned(head=coded(b'{"alg":"HS256","x":"\xff"}')),
    "a payload that is no UTF-8": resigned(body=coded(b'{"sub":"\xff"}')),
    "a byte order mark": resigned(head=coded("\ufeff" + json.dumps(HS256))),
    "a header in UTF-16": resigned(head=coded(json.dumps(HS256).encode("utf-16"))),
    "a payload in UTF-16": resigned(body=coded(json.dumps(claims_of("acme")).encode("utf-16-le"))),
    "a payload in UTF-32": resigned(body=coded(json.dumps(claims_of("acme")).encode("utf-32"))),
    "an extension that is critical": resigned(head=coded(HS256 | {"crit": ["http://x"], "http://x": 1})),
    "a critical list that is empty": resigned(head=coded(HS256 | {"crit": []})),
    "a payload that is not coded": resigned(
        head=coded(HS256 | {"b64": False, "crit": ["b64"]}), body=json.dumps(claims_of("acme"))
    ),
    "a detached payload": resigned(head=coded(HS256 | {"b64": False, "crit": ["b64"]}), body=""),
    "flattened JSON": json.dumps({"protected": HEAD, "payload": BODY, "signature": MAC}),
    "general JSON": json.dumps({"payload": BODY, "signatures": [{"protected": HEAD, "signature": MAC}]}),
    "the signature of the plain texts": f"{HEAD}.{BODY}.{mac_of(json.dumps(HS256) + '.' + json.dumps(claims_of('a')))}",
    "the signature in hexadecimal": f"{HEAD}.{BODY}.{hmac.new(JWT_SECRET.encode(), GOOD.encode(), 'sha256').hexdigest()}",
    "half of the signature": f"{HEAD}.{BODY}.{coded(base64.urlsafe_b64decode(MAC + '=')[:16])}",
    "a signature and more": f"{HEAD}.{BODY}.{coded(base64.urlsafe_b64decode(MAC + '=') + b'x')}",
    "odd bits in the signature": f"{HEAD}.{BODY}.{odd_bits(MAC)}",
    "odd bits in the payload, signed": resigned(body=odd_bits(LOOSE)),
    "odd bits in the header, signed": resigned(head=odd_bits(LOOSE_HEAD)),
    "padding in the header, signed": resigned(head=LOOSE_HEAD + "=" * (-len(LOOSE_HEAD) % 4)),
    "padding in the payload, signed": resigned(body=LOOSE + "=" * (-len(LOOSE) % 4)),
    "padding in the signature": f"{GOOD}=",
    "the public key as secret, RSA": signed(claims_of("acme"), secret=RSA_PEM),
    "the public key as secret, EC": signed(claims_of("acme"), secret=EC_PEM),
    "an empty secret": signed(claims_of("acme"), secret=""),
    "an ECDSA signature of zeros": f"{coded({'alg': 'ES256'})}.{BODY}.{coded(bytes(64))}",
    "a key of the token's own": signed(
        claims_of("acme"), HS256 | {"jwk": {"kty": "EC", "crv": "P-256", "x": coded(str(EC.public_numbers().x))}}, "own"
    ),
    "a signature of SHA-512": signed(claims_of("acme"), {"alg": "HS512"}, hash="sha512"),
    "a signature of SHA-512 that says it is of SHA-256": signed(claims_of("acme"), hash="sha512"),
}


@pytest.mark.parametrize("name", CLASSES)
def test_each_class_of_wrong_tokens_is_refused(name: str) -> None:
    assert refused(CLASSES[name])


@pytest.mark.parametrize("letter", NO_LETTERS, ids=ascii)
@pytest.mark.parametrize("part", ["header", "payload", "signature"])
def test_a_letter_that_is_none_is_refused_wherever_it_stands(part: str, letter: str) -> None:
    def within(text: str) -> list[str]:
        return [text[:at] + letter + text[at:] for at in (0, 8, len(text))]

    made = {
        "header": [resigned(head=each) for each in within(HEAD)],
        "payload": [resigned(body=each) for each in within(BODY)],
        "signature": [f"{HEAD}.{BODY}.{each}" for each in within(MAC)],
    }
    assert [token for token in made[part] if not refused(token)] == []


def test_every_bit_of_a_signature_counts() -> None:
    signature = base64.urlsafe_b64decode(MAC + "=")
    for bit in range(8 * len(signature)):
        turned = bytearray(signature)
        turned[bit // 8] ^= 1 << bit % 8
        assert refused(f"{HEAD}.{BODY}.{coded(bytes(turned))}")


def test_what_was_altered_would_be_let_in_as_it_was() -> None:
    assert not refused(GOOD)
    for good in (resigned(), resigned(head=LOOSE_HEAD), resigned(body=LOOSE)):
        assert not refused(good)
    assert odd_bits(LOOSE) != LOOSE
    assert odd_bits(LOOSE_HEAD) != LOOSE_HEAD
    assert len(LOOSE) % 4
    assert len(LOOSE_HEAD) % 4
