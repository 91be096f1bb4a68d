"""A model's text without what its reader would not see, and as its reader would see it; pure."""

import html
import re
import unicodedata

from markdown_it import MarkdownIt
from markdown_it.token import Token

# More than any page of prose; what a model writes beyond it is cut at a line.
MOST_LETTERS = 40_000
# Lists in lists, quotes in quotes: deeper ones are left out.
MOST_NESTED = 20
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
# `**12**%` and `1**2**3` are one number each; so is `1\\,234`.
_IN_A_NUMBER = re.compile(r"(\*{1,3}|_{1,3}|`)(\d[\d.,]*)\1(?=[\d%])|(?<=\d)(\*{1,3}|_{1,3}|`)(\d[\d.,]*)\3")
_ESCAPED = re.compile(r"\\(?=[.,%$\-+~<>()])")
_RAISED = "\N{SUPERSCRIPT ONE}\N{SUPERSCRIPT TWO}\N{SUPERSCRIPT THREE}"
_JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}\N{SOFT HYPHEN}"
# Signs that are read as a comma, a point, a percent sign or a hyphen in a number of another script.
_MARKS = str.maketrans(
    {
        "\N{ARABIC DECIMAL SEPARATOR}": ".",
        "\N{ARABIC THOUSANDS SEPARATOR}": ",",
        "\N{ARABIC PERCENT SIGN}": "%",
        "\N{FULLWIDTH PERCENT SIGN}": "%",
        "\N{FULLWIDTH COMMA}": ",",
        "\N{FULLWIDTH FULL STOP}": ".",
        "\N{FULLWIDTH DOLLAR SIGN}": "$",
        "\N{FULLWIDTH HYPHEN-MINUS}": "-",
        "\N{SMALL PERCENT SIGN}": "%",
        "\N{NON-BREAKING HYPHEN}": "-",
        "\N{HYPHEN}": "-",
    }
)


def parser() -> MarkdownIt:
    """Return the reader of markdown: CommonMark and tables; HTML is text, and no address becomes a link by itself."""
    options = {"html": False, "linkify": False, "maxNesting": MOST_NESTED}
    return MarkdownIt("js-default", options).disable(["strikethrough"])


def clear(markdown: str) -> str:
    """Return a text without what can't be seen: comments, signs without width or that turn others round.

    Digits of every script become our own, entities what they stand for, and marks within a number go. Clearing twice
    changes nothing more.
    """
    text = _unescaped(_cut(markdown).replace("\r\n", "\n").replace("\r", "\n"))
    text = "".join(_seen(sign) for sign in text).translate(_MARKS)
    for _ in range(5):
        without = _IN_A_NUMBER.sub(r"\2\4", _ESCAPED.sub("", _COMMENT.sub("", text)))
        if without == text:
            break
        text = without
    return text.strip("\n") + "\n" if text.strip() else ""


def _cut(text: str) -> str:
    if len(text) <= MOST_LETTERS:
        return text
    kept, line_end, _ = text[:MOST_LETTERS].rpartition("\n")
    return kept if line_end else text[:MOST_LETTERS]


def _unescaped(text: str) -> str:
    """The text with its entities read, those within entities too, since a page would show what they stand for."""
    for _ in range(8):
        read = html.unescape(text)
        if read == text:
            return text
        text = read
    return text.replace("&", "and")


def _seen(sign: str) -> str:
    if sign.isascii():
        return sign if sign.isprintable() or sign in "\n\t" else " "
    digit = unicodedata.decimal(sign, None)
    if digit is not None:
        return str(digit)
    category = unicodedata.category(sign)
    if category == "No" and sign not in _RAISED:
        # A fraction or a number in a circle is read as what it stands for, apart from the digits before it.
        return f" {unicodedata.normalize('NFKC', sign)} ".replace("\N{FRACTION SLASH}", "/")
    if sign in _JOINERS or category in ("Cf", "Cs", "Co", "Cn"):
        return ""
    if category in ("Cc", "Zl", "Zp"):
        return "\n" if category != "Cc" else " "
    # A blank that is drawn: letters of Korean and Braille without ink.
    return " " if sign in "\u3164\u115f\u1160\uffa0\u2800" else sign


def as_read(markdown: str) -> str:
    """Return what a reader of the page sees of a text: no marks, no addresses behind words, a line for each block."""
    return "\n".join(_words(block.children or []) for block in parser().parse(markdown) if _has_words(block)) + "\n"


def _has_words(token: Token) -> bool:
    return token.type == "inline"


def _words(inline: list[Token]) -> str:
    told = []
    for token in inline:
        if token.type in ("text", "code_inline"):
            told.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            told.append("\n")
        elif token.type == "image":
            told.append(_words(token.children or []))
    return "".join(told)
