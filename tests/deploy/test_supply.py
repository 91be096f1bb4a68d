"""What is installed is what was locked, and it is told what that is."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.deploy import audit, licences, sbom

# Small, without dependencies, and one file for every platform.
PACKAGE = "mdurl"


def pip(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=100)


def test_one_flipped_byte_of_a_wheel_is_refused(tmp_path: Path) -> None:
    locked = tmp_path / "locked.txt"
    locked.write_text(sbom.locked(PACKAGE, "core") + "\n")
    wheels = tmp_path / "wheels"
    fetched = pip("download", "--no-deps", "--only-binary=:all:", "--require-hashes", "-d", wheels, "-r", locked)
    if fetched.returncode:
        pytest.skip("no index can be reached from here")
    install = ("install", "--no-index", "--no-deps", "--no-compile", "--find-links", wheels, "--require-hashes")
    right = pip(*install, "--target", tmp_path / "right", "-r", locked)
    assert right.returncode == 0, right.stderr

    (wheel,) = wheels.iterdir()
    content = bytearray(wheel.read_bytes())
    content[len(content) // 2] ^= 1
    wheel.write_bytes(content)

    wrong = pip(*install, "--target", tmp_path / "wrong", "-r", locked)
    assert wrong.returncode != 0
    assert "DO NOT MATCH THE HASHES" in wrong.stderr
    assert not (tmp_path / "wrong").exists()


def test_the_page_of_licences_is_what_the_packages_say() -> None:
    assert licences.PAGE.read_text() == licences.page(), "make licences"


def test_every_package_tells_its_licence_and_none_binds_who_only_runs_it() -> None:
    told = {each.name: licences.licence(each.name) for each in licences.packed()}
    assert "not told" not in told.values()
    assert not [
        name for name, text in told.items() if re.search(r"AGPL|Affero|(?<!L)GPL|(?<!Lesser )General Public", text)
    ]


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    """The bill of materials."""
    return sbom.bill()


def test_the_bill_is_cyclonedx_and_holds_each_locked_package_once_with_its_hashes(bill: dict[str, Any]) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None
    held = {(each["name"], each["version"]) for each in bill["components"]}
    assert held == {(each.name, each.version) for each in licences.packed()}
    assert len(held) == len(bill["components"])
    assert all(each["externalReferences"][0]["hashes"] and each["licenses"] for each in bill["components"])
    assert "://" not in json.dumps([each["externalReferences"] for each in bill["components"]])


def test_an_audit_that_could_ask_nobody_does_not_pass_as_one_that_found_nothing() -> None:
    good: dict[str, Any] = {"name": "a", "version": "1", "vulns": []}
    skipped = {"name": "b", "skip_reason": "not found"}
    assert verdict(good) == (0, "1 packages, no known weakness, says pip-audit's service pypi\n")
    assert verdict(skipped)[0] == audit.NOT_ASKED
    assert audit.SOURCE in verdict(skipped)[1]
    assert verdict(good | {"vulns": [{"id": "CVE-1"}]}, skipped) == (audit.KNOWN, "a 1: CVE-1\n")


def test_an_audit_that_broke_or_was_half_answered_is_none() -> None:
    good: dict[str, Any] = {"name": "a", "version": "1", "vulns": []}
    assert verdict(good, {"name": "b", "skip_reason": "not found"})[0] == audit.BROKEN
    assert verdict()[0] == audit.BROKEN
    for told in ("", "Traceback", "[]", "{}"):
        assert audit.verdict(told, "ValueError: boom") == (audit.BROKEN, "pip-audit told nothing: ValueError: boom\n")


def verdict(*dependencies: dict[str, Any]) -> tuple[int, str]:
    return audit.verdict(json.dumps({"dependencies": dependencies}))
