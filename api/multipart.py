"""Forms with files (RFC 7578): the parts of a body of `multipart/form-data`, each within the body that was read."""

from email.message import Message
from email.parser import BytesParser
from email.utils import collapse_rfc2231_value
from typing import NamedTuple

MEDIA = "multipart/form-data"
_MOST_PARTS = 2_000
_LONGEST_EDGE = 70
_LONGEST_HEAD = 4_096


class Part(NamedTuple):
    """A field, or a file where it has a file's name; that is blank where none was chosen."""

    name: str
    filename: str | None
    content: bytes


def media_of(content_type: str) -> str:
    """The media type alone."""
    return content_type.partition(";")[0].strip().lower()


def parts_of(content_type: str, body: bytes) -> list[Part]:
    """The parts, in their order. Raises ValueError for a body that is no such form, or that was cut."""
    told = Message()
    told["Content-Type"] = content_type
    edge = told.get_boundary("")
    if not 1 <= len(edge) <= _LONGEST_EDGE:
        raise ValueError("has no boundary")
    pieces = (b"\r\n" + body).split(b"\r\n--" + edge.encode("latin-1", "replace"))
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise ValueError("has no end")
    if len(pieces) > _MOST_PARTS:
        raise ValueError(f"has more than {_MOST_PARTS} parts")
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> Part:
    head, gap, content = piece.partition(b"\r\n\r\n")
    if not gap or len(head) > _LONGEST_HEAD:
        raise ValueError("has a part without a head")
    headers = BytesParser().parsebytes(head.strip() + b"\r\n\r\n", headersonly=True)
    name = headers.get_param("name", "", header="content-disposition") or ""
    return Part(collapse_rfc2231_value(name), headers.get_filename(), content)
