"""Where somebody is led who named a place: somewhere on this site, whatever they wrote."""

from urllib.parse import urlsplit

_LONGEST = 1000


def own_path(wanted: str | None) -> str:
    """Where to go after signing in: a path of this site, or its first page for anything that may lead elsewhere.

    Browsers read a backslash as a stroke, leave out tabs and line ends, and take two strokes for another host.
    """
    path = wanted or "/"
    is_plain = path.isascii() and path.isprintable() and not set(path) & set("\\ ") and len(path) <= _LONGEST
    if not is_plain or not path.startswith("/") or path.startswith("//"):
        return "/"
    try:
        parts = urlsplit(path)
    except ValueError:
        return "/"
    return "/" if parts.scheme or parts.netloc else path
