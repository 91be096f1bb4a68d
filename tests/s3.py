"""A server on loopback that speaks S3, as a process of its own."""

import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from tests.system import until

BUCKET = "kept"


@contextmanager
def serving() -> Iterator[dict[str, str]]:
    """What the environment of a process holds that keeps its files in a fresh bucket there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            made = urllib.request.Request(f"{url}/{BUCKET}", method="PUT")
            until(lambda: _asked(made), 60)
            yield {
                "ARTIFACT_URL": f"s3://{BUCKET}/below",
                "AWS_ENDPOINT_URL": url,
                "AWS_REGION": "us-east-1",
                "AWS_ACCESS_KEY_ID": "someone",
                "AWS_SECRET_ACCESS_KEY": "something",
            }
        finally:
            server.terminate()


def _asked(request: urllib.request.Request) -> bool:
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False
