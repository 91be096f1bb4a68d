"""A refused form in its own words: each field by the label that stands at it on the page."""

import re

_NAMED = re.compile(r'<b data-of="([^"]*)">([^<]*)</b>')
_LABEL = re.compile(r'<(?:label|p class="label") (?:data-)?for="f-([^"]+)">(.*?)</(?:label|p)>', re.DOTALL)
_TAG = re.compile(r"<[^>]*>")


def labelled(page: str) -> str:
    """The page, where a refusal leads to each field by its label; a field that the page does not have keeps its name."""
    # What tenants wrote is escaped, so that none of it is a tag.
    labels = {key: " ".join(_TAG.sub("", text).split()) for key, text in _LABEL.findall(page)}

    def named(found: re.Match[str]) -> str:
        outer, within = found[1].split("."), list[str]()
        while outer:
            key = "-".join(outer)
            if key in labels:
                return f'<a href="#f-{key}">{labels[key]}</a>{_part(within)}'
            within.insert(0, outer.pop())
        return found[0]

    return _NAMED.sub(named, page)


def _part(within: list[str]) -> str:
    """Which part of a field it is: of a list the number of the item, of JSON where it lies in it."""
    if len(within) == 1 and within[0].isdecimal():
        return f", no. {int(within[0]) + 1}"
    return f" <code>{'.'.join(within)}</code>" if within else ""
