"""What travels with a message and what is a link instead: files are weighed, then zipped, then named."""

import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workers.formats.report import Artifact
from workers.formats.zipped import entry

# Formats that are compressed already.
PACKED = (".zip", ".xlsx", ".pdf", ".png")
# A mail carries a file in base64, a third longer with its line ends.
GROWTH = 1.37


@dataclass(frozen=True, slots=True)
class Decision:
    """The files that travel, and those that are too large, for which the message bears a link."""

    attached: tuple[Artifact, ...]
    linked: tuple[Artifact, ...]


def weigh(artifacts: Sequence[Artifact], folder: Path, budget_bytes: int) -> Decision:
    """Return which files fit together into the budget of a message, as it will be encoded.

    All of them go as they are where they fit. Otherwise those that can be packed are, into the folder, and the
    smallest go first, so that as many as possible travel; the order of the files stays theirs.
    """
    if sum(map(_weight, artifacts)) <= budget_bytes:
        return Decision(tuple(artifacts), ())
    packed = [_packed(artifact, folder) for artifact in artifacts]
    room, fitting = float(budget_bytes), set()
    for place in sorted(range(len(packed)), key=lambda place: _weight(packed[place])):
        room -= _weight(packed[place])
        if room < 0:
            break
        fitting.add(place)
    return Decision(
        tuple(one for place, one in enumerate(packed) if place in fitting),
        tuple(one for place, one in enumerate(packed) if place not in fitting),
    )


def _weight(artifact: Artifact) -> float:
    return artifact.path.stat().st_size * GROWTH


def _packed(artifact: Artifact, folder: Path) -> Artifact:
    if artifact.filename.endswith(PACKED):
        return artifact
    name = f"{artifact.filename}.zip"
    with (
        artifact.path.open("rb") as source,
        zipfile.ZipFile(folder / name, "w") as files,
        files.open(entry(artifact.filename), "w", force_zip64=True) as target,
    ):
        shutil.copyfileobj(source, target)
    return Artifact(name, "application/zip", folder / name, artifact.rows)
