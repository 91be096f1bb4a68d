"""A sealed secret opens where it was sealed, with a key that is listed, whole; anything else is refused."""

import base64
import hmac
import os
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from api.settings import Settings as WebSettings
from config.seal import Place, Seal, SealError, is_sealed, key_of
from db.foreign import parse
from db.pool import Database
from scheduler.settings import Settings as TickerSettings
from workers.channels.smtp import Smtp
from workers.settings import Settings as WorkerSettings

SECRET = "canary-4711 é"
HERE = Place(UUID(int=1), "sources", UUID(int=2), "sealed_password")


def fresh_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


KEY = fresh_key()
SEALED = Seal((KEY,)).seal(SECRET, HERE)


def test_a_secret_is_opened_by_any_key_that_is_listed() -> None:
    assert Seal((fresh_key(), KEY)).open(SEALED, HERE) == SECRET
    assert is_sealed(SEALED)
    assert key_of(SEALED) == Seal((KEY,)).key_ids[0]
    assert "canary" not in SEALED


@pytest.mark.parametrize(
    "moved",
    [
        HERE._replace(tenant=uuid4()),
        HERE._replace(table="schedules"),
        HERE._replace(row=uuid4()),
        HERE._replace(column="params"),
    ],
    ids=["tenant", "table", "row", "column"],
)
def test_a_secret_moved_to_another_place_does_not_open_nor_move_to_another_key(moved: Place) -> None:
    with pytest.raises(SealError, match="sealed for another place"):
        Seal((KEY,)).open(SEALED, moved)
    with pytest.raises(SealError, match="sealed for another place"):
        Seal((fresh_key(), KEY)).rewrap(SEALED, moved)


def test_a_secret_put_under_the_wrap_of_another_does_not_open() -> None:
    seal = Seal((KEY,))
    other = seal.seal("another", HERE)
    mixed = ":".join([*SEALED.split(":")[:3], other.split(":")[3]])
    with pytest.raises(SealError, match="altered"):
        seal.open(mixed, HERE)


def _flipped(part: int, byte: int) -> str:
    """The sealed text with one bit turned: part 2 is the wrap, 3 the content."""
    parts = SEALED.split(":")
    content = bytearray(base64.b64decode(parts[part]))
    content[byte] ^= 1
    parts[part] = base64.b64encode(content).decode()
    return ":".join(parts)


def _with(part: int, text: str) -> str:
    parts = SEALED.split(":")
    parts[part] = text
    return ":".join(parts)


INVALID = [
    "",
    "sealed:",
    SECRET,
    SEALED.removeprefix("sealed:"),
    SEALED.upper(),
    SEALED + "\n",
    f" {SEALED}",
    f"{SEALED}:",
    SEALED[:-4],
    SEALED.rpartition(":")[0],
    _with(1, ""),
    _with(1, "0" * 8),
    _with(2, ""),
    _with(2, "%%%%"),
    _with(2, base64.b64encode(b"short").decode()),
    _with(2, SEALED.split(":")[3]),
    _with(3, ""),
    _with(3, base64.b64encode(bytes(27)).decode()),
    _with(3, base64.b64encode(bytes(28)).decode()),
    _with(3, SEALED.split(":")[3].rstrip("=") + "===="),
    _with(3, "é" * 40),
    *(_flipped(part, byte) for part in (2, 3) for byte in (0, 11, 12, -17, -16, -1)),
]


@pytest.mark.parametrize("invalid", INVALID, ids=[str(number) for number in range(len(INVALID))])
def test_an_invalid_form_is_refused_and_nothing_of_it_repeated(invalid: str) -> None:
    with pytest.raises(SealError) as refused:
        Seal((KEY,)).open(invalid, HERE)
    assert "canary" not in str(refused.value)
    # A rotation looks at the data key alone; it makes nothing valid.
    both = Seal((fresh_key(), KEY))
    with pytest.raises(SealError):
        both.open(both.rewrap(invalid, HERE), HERE)


def _turned(part: int) -> Iterator[str]:
    """The sealed text with every single bit of a part turned, one at a time."""
    content = base64.b64decode(SEALED.split(":")[part])
    for bit in range(8 * len(content)):
        turned = bytearray(content)
        turned[bit // 8] ^= 1 << bit % 8
        yield _with(part, base64.b64encode(turned).decode())


@pytest.mark.parametrize("part", [2, 3], ids=["wrap", "content"])
def test_every_bit_of_nonce_secret_and_tag_counts(part: int) -> None:
    for turned in _turned(part):
        with pytest.raises(SealError, match="altered"):
            Seal((KEY,)).open(turned, HERE)


@pytest.mark.parametrize("part", [2, 3], ids=["wrap", "content"])
@pytest.mark.parametrize(
    "tag",
    [bytes(16), b"\xff" * 16, b"\x80" * 16, None],
    ids=["all zeros", "all ones", "high bits", "each bit the other way"],
)
def test_a_tag_that_is_made_up_is_refused(part: int, tag: bytes | None) -> None:
    content = base64.b64decode(SEALED.split(":")[part])
    made_up = tag or bytes(byte ^ 0xFF for byte in content[-16:])
    with pytest.raises(SealError, match="altered"):
        Seal((KEY,)).open(_with(part, base64.b64encode(content[:-16] + made_up).decode()), HERE)


def _fernet(*, version: int = 0x80, padded: bytes = b"secret" + b"\x0a" * 10, mac: bytes | None = None) -> bytes:
    """A token of Fernet under our key, as its specification makes them; any field may be another."""
    key, nonce = base64.b64decode(KEY), bytes(16)
    encryptor = Cipher(algorithms.AES128(key[16:]), modes.CBC(nonce)).encryptor()
    signed = bytes([version]) + (1_800_000_000).to_bytes(8) + nonce + encryptor.update(padded)
    return signed + (mac or hmac.digest(key[:16], signed, "sha256"))


FERNET = {
    "good": _fernet(),
    "of another version": _fernet(version=0x81),
    "an incorrect mac": _fernet(mac=bytes(32)),
    "too short": _fernet()[:40],
    "cut by a byte": _fernet()[:-1],
    "a payload of no whole blocks": _fernet()[:-33],
    "a wrong padding": _fernet(padded=b"x" * 16),
    "nothing": b"",
}


@pytest.mark.parametrize("name", FERNET)
def test_a_token_of_fernet_is_no_sealed_secret_under_the_same_key(name: str) -> None:
    token = base64.urlsafe_b64encode(FERNET[name]).decode()
    for text in (token, f"sealed:{token}", _with(2, token), _with(3, token)):
        with pytest.raises(SealError):
            Seal((KEY,)).open(text, HERE)


def test_base64_has_one_spelling() -> None:
    # "QQ==" and "QR==" hold the same byte; only the first is how we write it.
    parts = Seal((KEY,)).seal("a", HERE).split(":")
    assert parts[3].endswith("=")
    body = parts[3].rstrip("=")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    parts[3] = body[:-1] + alphabet[alphabet.index(body[-1]) + 1] + "=" * (len(parts[3]) - len(body))
    with pytest.raises(SealError, match="no sealed secret"):
        Seal((KEY,)).open(":".join(parts), HERE)


def test_a_key_that_is_missing_is_named_by_its_id() -> None:
    with pytest.raises(SealError) as refused:
        Seal((fresh_key(),)).open(SEALED, HERE)
    assert key_of(SEALED) in str(refused.value)
    assert KEY not in str(refused.value)


def test_a_rotation_wraps_the_data_key_anew_and_leaves_the_secret_as_it_was_sealed() -> None:
    new = fresh_key()
    moved = Seal((new, KEY)).rewrap(SEALED, HERE)
    assert moved.split(":")[3] == SEALED.split(":")[3]
    assert Seal((new,)).open(moved, HERE) == SECRET
    assert Seal((new, KEY)).rewrap(moved, HERE) == moved
    with pytest.raises(SealError, match="lacks the key"):
        Seal((KEY,)).open(moved, HERE)


@pytest.mark.parametrize("count", [2**16, pytest.param(2**20, marks=pytest.mark.long)])
def test_no_nonce_and_no_data_key_comes_twice(count: int) -> None:
    seal = Seal((KEY,))
    seen: set[bytes] = set()
    for _ in range(count):
        _, _, wrap, content = seal.seal("a", HERE).split(":")
        seen |= {base64.b64decode(wrap)[:12], base64.b64decode(content)[:12]}
    assert len(seen) == 2 * count


CANARY = base64.b64encode(b"canary-4711-canary-4711-canary-4").decode()
HUSH = "hush-4711-hush-4711-hush-4711-hush"


def test_what_shows_itself_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TOCSIN_") or name.endswith("_URL")]:
        monkeypatch.delenv(name)
    for name, value in {
        "DATABASE_URL": f"postgresql://bob:{HUSH}@db/x",
        "DATABASE_LISTEN_URL": f"postgresql://bob:{HUSH}@db/x",
        "REDIS_URL": f"redis://:{HUSH}@redis",
        "MAIL_URL": f"smtp://bob:{HUSH}@mail:587",
        "SUPABASE_JWT_SECRET": HUSH,
        "METRICS_TOKEN": HUSH,
        "TOCSIN_SECRET_KEYS": CANARY,
    }.items():
        monkeypatch.setenv(name, value)
    settings = [each.from_environ() for each in (WebSettings, WorkerSettings, TickerSettings)]
    server = parse(f"postgresql://bob:{HUSH}@db.example.com:5432/x")
    mailer = Smtp(f"smtp://bob:{HUSH}@mail.example.com:587", "a@example.com")
    shown = repr([*settings, Database.from_environ(), Seal((CANARY,)), server, vars(mailer)])
    assert "bob" in shown
    assert Seal((CANARY,)).key_ids[0] in shown
    assert HUSH not in shown
    assert CANARY not in shown
    assert "canary" not in shown
