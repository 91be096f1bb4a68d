"""The store of files: whole or not there, by keys that say whose they are; in a folder and in a bucket."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from config.environ import BadSetting
from db.store import Missing, Owner, Store, StoreUnavailable, key_of, owner_of, sha256_of
from tests import s3

OWNER = Owner(UUID(int=1), UUID(int=2), UUID("0192f0c1-0000-7000-8000-000000000001"), 7)


@pytest.fixture(scope="module")
def bucket() -> Iterator[dict[str, str]]:
    with s3.serving() as found:
        yield found


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    if request.param == "folder":
        return Store(f"file://{tmp_path}/a%20folder")
    for name, value in request.getfixturevalue("bucket").items():
        monkeypatch.setenv(name, value)
    return Store(f"s3://{s3.BUCKET}/{uuid4()}")


def put(store: Store, folder: Path, content: bytes, owner: Owner = OWNER) -> str:
    path = folder / "made"
    path.write_bytes(content)
    key = key_of(owner, sha256_of(path))
    store.put(key, path)
    return key


def all_of(store: Store, prefix: str = str(OWNER.installation)) -> set[str]:
    return {key for keys in store.each(prefix, 2) for key in keys}


# Of more than one part, as a bucket takes it.
@pytest.mark.parametrize("content", [b"", b"a,b\r\n", os.urandom(12_000_000)], ids=["empty", "small", "large"])
def test_what_was_put_is_read_back(store: Store, tmp_path: Path, content: bytes) -> None:
    key = put(store, tmp_path, content)
    assert b"".join(store.read(key)) == content
    assert put(store, tmp_path, content) == key
    assert all_of(store) == {key}


def test_what_was_deleted_is_missing_and_may_be_deleted_again(store: Store, tmp_path: Path) -> None:
    key, other = put(store, tmp_path, b"one"), put(store, tmp_path, b"two")
    store.delete([key])
    store.delete([key])
    with pytest.raises(Missing):
        store.read(key)
    assert all_of(store) == {other}


def test_what_lies_below_a_prefix_goes_and_nothing_beside_it(store: Store, tmp_path: Path) -> None:
    kept = put(store, tmp_path, b"one", OWNER._replace(tenant_id=UUID(int=3)))
    for number in range(5):
        put(store, tmp_path, str(number).encode())
    gone = 0
    # Deleted while the next ones are looked for.
    for keys in store.each(f"{OWNER.installation}/{OWNER.tenant_id}", 1):
        store.delete(keys)
        gone += len(keys)
        if gone == 2:
            break
    assert gone + store.erase(f"{OWNER.installation}/{OWNER.tenant_id}") == 5
    assert all_of(store) == {kept}


def test_a_folder_keeps_nothing_that_is_half_written_in_sight_and_forgets_it(tmp_path: Path) -> None:
    store = Store(f"file://{tmp_path}/files")
    key = put(store, tmp_path, b"whole")
    half = tmp_path / "files" / f"{key}#1"
    half.write_bytes(b"who")
    written = half.stat().st_mtime
    assert all_of(store) == {key}
    (tmp_path / "files" / "somebody's #1").write_text("own")
    below = str(OWNER.installation)
    assert store.forget_unfinished(below, written) == 0
    assert store.forget_unfinished(below, written + 1) == 1
    assert store.forget_unfinished("", written + 1) == 0
    assert b"".join(store.read(key)) == b"whole"


def test_what_others_delete_while_it_looks_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(f"file://{tmp_path}/files")
    halves = [tmp_path / "files" / f"{put(store, tmp_path, bytes([number]))}#1" for number in range(2)]
    for half in halves:
        half.write_bytes(b"wh")
    looked_at, stat = set[Path](), Path.stat

    def gone_at_the_first(self: Path, **options: bool) -> os.stat_result:
        if self in halves and not looked_at:
            looked_at.add(self)
            self.unlink()
        return stat(self, **options)

    monkeypatch.setattr(Path, "stat", gone_at_the_first)
    assert store.forget_unfinished("", 2e10) == 1
    assert not any(map(os.path.exists, halves))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError("no answer of (https://x.blob.core.windows.net/c/k?sv=2024&sig=SECRET) after 3"), "c/k?…) after 3"),
        (ValueError(), ": ValueError"),
    ],
)
def test_a_refusal_is_told_without_the_signature_of_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    def refused(*_: object) -> None:
        raise error

    monkeypatch.setattr("obstore.put", refused)
    with pytest.raises(StoreUnavailable) as found:
        put(Store(f"file://{tmp_path}/files"), tmp_path, b"x")
    assert str(found.value).endswith(told)


def test_a_store_that_refuses_says_so_in_a_line(
    tmp_path: Path, bucket: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in bucket.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StoreUnavailable) as refused:
        put(Store("s3://nobodys/x"), tmp_path, b"x")
    assert "ARTIFACT_URL" in str(refused.value)
    assert "\n" not in str(refused.value)
    (tmp_path / "no").write_text("a file where a folder should be")
    with pytest.raises(BadSetting, match="ARTIFACT_URL"):
        Store(f"file://{tmp_path}/no/folder")


@pytest.mark.parametrize(
    "key", ["", "../../etc/passwd", "a/b/c/1/d", f"{key_of(OWNER, 'a' * 64)}/x", f"/{key_of(OWNER, 'a' * 64)}"]
)
def test_a_key_that_is_not_ours_is_nobodys(key: str) -> None:
    assert owner_of(key) is None
    assert owner_of(key_of(OWNER, "a" * 64)) == OWNER


@pytest.mark.parametrize("key", ["../out", "a/../../out", "/etc/passwd/../../x"])
def test_no_key_leads_out_of_a_folder(tmp_path: Path, key: str) -> None:
    store = Store(f"file://{tmp_path}/files")
    (tmp_path / "made").write_bytes(b"x")
    with pytest.raises(StoreUnavailable):
        store.put(key, tmp_path / "made")
    assert not (tmp_path / "out").exists()
