"""Mail into a folder: one .eml a recipient, for a machine without a mail server and for looking at what goes out."""

import contextlib
import hashlib
import os
import re
import tempfile
from email.parser import BytesHeaderParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from workers.channels.receipt import Guard, Receipt


class FileMail:
    """Writes into the folder that file:///folder names; the folder is made when it is missing.

    Keyed: a file is named for its Message-ID and recipient, so a repeat puts the same bytes in the same place.
    """

    is_keyed = True

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.netloc not in ("", "localhost") or not parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError("MAIL_URL takes file:///folder with the full path of a folder")
        self._folder = Path(unquote(parts.path))

    def send(self, recipient: str, content: bytes, guard: Guard, key: str = "") -> Receipt:  # noqa: ARG002  for those who take one
        """Return `sent` once the file is durable, `pending` when the disk refuses. Raises LeaseLost as the guard does."""
        path = self._folder / file_name(recipient, content)
        guard.before_connect()
        guard.before_data()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".", suffix=".part", delete=False) as part:
                try:
                    part.write(content)
                    part.flush()
                    os.fsync(part.fileno())
                    guard.before_dot()
                    Path(part.name).replace(path)
                except BaseException:
                    with contextlib.suppress(OSError):
                        Path(part.name).unlink()
                    raise
        except OSError as error:
            return Receipt("pending", error=f"{path.parent}: {error.strerror or type(error).__name__}")
        return Receipt("sent", provider_message_id=path.name)


def file_name(recipient: str, content: bytes) -> str:
    """Return the name of the file: readable parts of the Message-ID and the recipient, and a digest of both in full."""
    message_id = str(BytesHeaderParser().parsebytes(content).get("Message-ID", hashlib.sha256(content).hexdigest()))
    digest = hashlib.sha256(f"{message_id}\n{recipient}".encode()).hexdigest()[:12]
    left = message_id.strip("<> ").partition("@")[0]
    readable = re.sub(r"[^A-Za-z0-9._@+-]+", "_", f"{left[:50]}.{recipient[:80]}").lstrip(".")
    return f"{readable}.{digest}.eml"
