"""A page's words without its marks: as lines of plain text, and as the sections of a report; pure."""

from collections.abc import Iterator, Sequence

from markdown_it.token import Token

from workers.formats.report import Column, Section


def words_of(tokens: Sequence[Token]) -> str:
    """Return what stands in a line, without its marks."""
    told = []
    for token in tokens:
        if token.type in ("text", "code_inline"):
            told.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            told.append(" ")
    return "".join(told)


def lines(tokens: Sequence[Token]) -> Iterator[str]:
    """Return the text's lines: headings, items and a table's rows, each on one."""
    lists: list[int | None] = []
    begin = ""
    row: list[str] | None = None
    for token in tokens:
        if token.type.endswith("_list_open"):
            lists.append(int(token.attrs.get("start", 1)) if token.type.startswith("ordered") else None)
        elif token.type.endswith("_list_close"):
            lists.pop()
        elif token.type == "list_item_open":
            begin = _marker(lists)
        elif token.type in ("tr_open", "tr_close"):
            if row is not None:
                yield " | ".join(row)
            row = [] if token.type == "tr_open" else None
        elif token.type == "inline" and row is not None:
            row.append(words_of(token.children or []))
        else:
            yield from _own_lines(token, begin)
            begin = "" if token.type == "inline" else begin
        if not lists and token.type.endswith(("_list_close", "paragraph_close", "heading_close", "table_close")):
            yield ""


def _marker(lists: list[int | None]) -> str:
    """What stands before an item; the next one of its list has the next number."""
    number = lists[-1]
    lists[-1] = None if number is None else number + 1
    return "  " * (len(lists) - 1) + ("- " if number is None else f"{number}. ")


def _own_lines(token: Token, begin: str) -> Iterator[str]:
    if token.type == "inline":
        yield begin + words_of(token.children or [])
    elif token.type in ("fence", "code_block"):
        yield from token.content.splitlines()
    elif token.type == "html_block":
        yield f"[Chart: {token.meta['alt']}]"


def sections(tokens: Sequence[Token], charts: dict[str, Section]) -> Iterator[Section]:
    """Return the text as a report's sections: one for each heading with its words, one for each table and chart."""
    heading = ""
    words: list[str] = []
    is_heading = False
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.type in ("heading_open", "table_open", "html_block"):
            yield from _told(heading, words)
            words = []
            heading = heading if token.type != "heading_open" else ""
        if token.type == "heading_open":
            is_heading = True
        elif token.type == "table_open":
            end = next(place for place in range(at, len(tokens)) if tokens[place].type == "table_close")
            yield _table(heading, tokens[at:end])
            at = end
        elif token.type == "html_block":
            yield charts[token.info]
        elif token.type == "inline":
            told = words_of(token.children or [])
            heading = told if is_heading else heading
            words += [] if is_heading else [told]
            is_heading = False
        elif token.type in ("fence", "code_block"):
            words += token.content.splitlines()
        at += 1
    yield from _told(heading, words)


def _told(heading: str, words: list[str]) -> Iterator[Section]:
    if words:
        yield Section(heading, (Column("text", label=" "),), [(line,) for line in words])


def _table(heading: str, tokens: Sequence[Token]) -> Section:
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(words_of(token.children or []))
    head, *others = rows
    columns = tuple(Column(f"c{place}", label=name or " ") for place, name in enumerate(head))
    return Section(heading, columns, [tuple(row) for row in others])
