"""The files that a page of the documents holds: blocks of code that begin with their name."""

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


def write_files(page: str, folder: Path) -> list[str]:
    """Writes each block that begins with `# name.py` into the folder and returns the names."""
    found = re.findall(r"^```python\n(# (\w+\.py)\n.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
    for text, name in found:
        (folder / name).write_text(text)
    return [name for _, name in found]
