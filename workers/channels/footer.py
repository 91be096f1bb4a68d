"""The end of a mail: why its reader gets it, and what they can do about it; in the text and in the page alike."""

import html as markup
import re
from collections.abc import Mapping
from string import printable

from workers.outcome import Action, Message

LABELS: dict[Action, str] = {
    "acknowledge": "Acknowledge",
    "snooze": "Snooze for a day",
    "not_useful": "Not useful",
    "unsubscribe": "Unsubscribe",
}
_MARK = re.compile(r"tocsin-action:([a-z_]+)")
_END = re.compile(r"</body\s*>", re.IGNORECASE)


def with_links(message: Message, links: Mapping[Action, str]) -> tuple[str, str]:
    """Return text and html with each `tocsin-action:NAME` made its link, and below them what else there is.

    What has no link is offered nowhere: a mark of it leads nowhere. Raises ValueError when a link is malformed.
    """
    for link in links.values():
        if not set(link) <= set(printable[:94]) - set('<>"') or len(link) > 900:
            raise ValueError("a link takes up to 900 printable ASCII characters")
    by_name: dict[str, str] = {str(action): link for action, link in links.items()}
    text, html = (_MARK.sub(lambda found: by_name.get(found[1], ""), each) for each in (message.text, message.html))
    placed = set(_MARK.findall(message.html or message.text))
    below = {action: link for action, link in links.items() if action not in placed or action == "unsubscribe"}
    if not message.why and not below:
        return text, html
    return text.rstrip("\n") + _text(message.why, below), _into(html, _page(message.why, below)) if html else ""


def _text(why: str, links: Mapping[Action, str]) -> str:
    lines = [*([why] if why else []), *(f"{LABELS[action]}: {link}" for action, link in links.items())]
    return "\n\n-- \n" + "\n".join(lines) + "\n"


def _page(why: str, links: Mapping[Action, str]) -> str:
    offers = [
        f'<a href="{markup.escape(link)}" style="color:#475467">{LABELS[action]}</a>' for action, link in links.items()
    ]
    said = [*([markup.escape(why)] if why else []), *([" &middot; ".join(offers)] if offers else [])]
    style = "margin:0;padding:0 12px 24px;text-align:center;font:13px/1.5 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;color:#667085"
    return f'<p style="{style}">{"<br>".join(said)}</p>'


def _into(html: str, end: str) -> str:
    """The page with `end` as the last thing of its body."""
    found = list(_END.finditer(html))
    place = found[-1].start() if found else len(html)
    return html[:place] + end + html[place:]
