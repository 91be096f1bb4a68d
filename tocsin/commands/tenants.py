"""`tocsin tenants`: whose schedules there are, from their first day to their last."""

import argparse
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tocsin.complaints import Complaint
from tocsin.installation import author, changing, opened, record
from tocsin.terminal import counted, show_facts, show_json, show_row, show_table, with_json

if TYPE_CHECKING:
    from collections import Counter

    from api.tenants import Tenant
    from db.pool import Connection
    from db.store import Store
    from tocsin.copies import Wanted


def add(commands: Any) -> None:
    """Adds the parsers."""
    verbs = commands.add_parser("tenants", help="tenants").add_subparsers(metavar="VERB", required=True)
    create = verbs.add_parser("create", help="make a tenant")
    create.add_argument("slug", metavar="SLUG")
    create.add_argument("--name", metavar="NAME", help="how people call it (the slug)")
    create.set_defaults(do=_create)
    listing = verbs.add_parser("list", help="every tenant")
    listing.set_defaults(do=_list)
    for name, words, do in (
        ("show", "one tenant with its settings", _show),
        ("set", "change its name and settings", _set),
        ("suspend", "pause its schedules and shut its tokens out", _suspend),
        ("reinstate", "end its suspension, and resume what it paused", _reinstate),
        ("export", "write every row that it has into a file, a JSON object a line, without secrets", _export),
        ("delete", "erase it whole: every row that it has, in one transaction", _delete),
    ):
        parser = verbs.add_parser(name, help=words)
        parser.add_argument("slug", metavar="SLUG")
        parser.set_defaults(do=do)
        if name == "set":
            parser.add_argument(
                "changes",
                nargs="+",
                metavar="NAME=VALUE",
                help="such as name=Acme defaultTimezone=Europe/Paris quotas.schedules=100 sender=null; JSON, or text",
            )
        if name == "export":
            parser.add_argument("-o", "--output", required=True, metavar="FILE", help="made anew, for your eyes only")
            parser.add_argument(
                "--files",
                metavar="FOLDER",
                help="made anew: also copy there what its runs kept in the store of ARTIFACT_URL, each under its row's id",
            )
        if name == "delete":
            parser.add_argument("--yes", action="store_true", help="needed: nothing brings it back")
    for parser in verbs.choices.values():
        with_json(parser)


def _create(args: argparse.Namespace) -> int:
    from api import tenants

    with changing() as conn:
        made = tenants.create(conn, args.slug, args.name)
        _record(conn, "created", None, made)
    return show_row(args, made, f"made the tenant {made.slug}")


def _list(args: argparse.Namespace) -> int:
    from api import shapes, tenants

    with opened() as conn:
        found = sorted(tenants.list_all(conn), key=lambda each: each.slug)
    if args.is_json:
        show_json([shapes.plain(each) for each in found])
    else:
        rows = [(each.slug, each.name, each.status, each.created_at) for each in found]
        show_table(("SLUG", "NAME", "STATUS", "CREATED"), rows, "no tenants yet")
    return 0


def _show(args: argparse.Namespace) -> int:
    from api import shapes, tenants

    with opened() as conn:
        found = tenants.get(conn, args.slug)
    if args.is_json:
        show_json(shapes.plain(found))
    else:
        show_facts(shapes.plain(found))
    return 0


def _set(args: argparse.Namespace) -> int:
    from api import tenants

    name, settings = _changes(args.changes)
    with changing() as conn:
        before = tenants.get(conn, args.slug)
        after = tenants.edit(conn, args.slug, name=name, settings=settings)
        _record(conn, "edited", before, after)
    return show_row(args, after, f"changed the tenant {after.slug}")


def _changes(words: list[str]) -> tuple[str | None, dict[str, Any]]:
    """The name and the settings that the words give. Raises Complaint."""
    name, settings = None, dict[str, Any]()
    for word in words:
        path, equals, text = word.partition("=")
        first, _, second = path.partition(".")
        if not equals or not first:
            raise Complaint(f"takes NAME=VALUE, got {word!r}")
        if path == "name":
            name = text
        elif second:
            settings.setdefault(first, {})[second] = _value(text)
        else:
            settings[first] = _value(text)
    return name, settings


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _suspend(args: argparse.Namespace) -> int:
    from api import tenants

    with changing() as conn:
        before = tenants.get(conn, args.slug)
        after = tenants.suspend(conn, args.slug)
        _record(conn, "suspended", before, after)
    return show_row(args, after, f"suspended the tenant {after.slug}")


def _reinstate(args: argparse.Namespace) -> int:
    from api import tenants

    with changing() as conn:
        before = tenants.get(conn, args.slug)
        after = tenants.reinstate(conn, args.slug)
        _record(conn, "reinstated", before, after)
    return show_row(args, after, f"reinstated the tenant {after.slug}")


def _export(args: argparse.Namespace) -> int:
    from db.store import StoreUnavailable
    from tocsin.copies import copy

    file, folder = Path(args.output), Path(args.files) if args.files else None
    store = _store(needed=True) if folder else None
    made: list[Path] = []
    try:
        # Made anew: nobody else can have it open, or have it lead elsewhere.
        file.touch(0o600, exist_ok=False)
        made.append(file)
        if folder:
            folder.mkdir(0o700)
            made.append(folder)
        rows, files = _export_rows(args.slug, file)
        # No transaction waits for them.
        missing = copy(store, counted(files, "files"), folder) if store and folder else []
    except BaseException as error:
        for path in made:  # half an export is none
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        if isinstance(error, FileExistsError):
            raise Complaint(f"{error.filename} is there already; name what is not") from None
        if isinstance(error, StoreUnavailable):
            raise Complaint(str(error)) from None
        if isinstance(error, OSError):
            raise Complaint(f"cannot write {error.filename or args.output}: {error.strerror}") from None
        raise
    if args.is_json:
        show_json({"file": args.output, "rows": rows} | ({"files": args.files, "missing": missing} if folder else {}))
        return 0
    print(f"wrote {rows.total()} rows of the tenant {args.slug} to {args.output}")
    if folder:
        print(f"copied {len(files) - len(missing)} files to {args.files}")
        if missing:
            print(f"no more in the store, or not as they were: {', '.join(missing)}")
    return 0


def _export_rows(slug: str, file: Path) -> "tuple[Counter[str], list[Wanted]]":
    """The number of rows of each table that were written, and the files that there are rows of."""
    from collections import Counter

    from api import leaving, tenants
    from db.jsonb import dumps
    from tocsin.copies import wanted

    rows: Counter[str] = Counter()
    files = []
    with changing() as conn, file.open("w", encoding="utf-8") as out:
        tenant = tenants.get(conn, slug)
        for row in leaving.export(conn, slug):
            out.write(dumps({"table": row.name, "row": row.content}) + "\n")
            rows[row.name] += 1
            if row.name == "artifacts":
                files.append(wanted(row.content))
        record(conn, None, "tenant.exported", ("tenant", tenant.id), None, {"slug": slug, "rows": rows})
    return rows, files


def _store(*, needed: bool = False) -> "Store | None":
    """The store of files; None where none is set. Raises BadSetting, and Complaint where one is needed."""
    from config.environ import read
    from db.store import Store

    url = read(("ARTIFACT_URL",))["ARTIFACT_URL"]
    if url is None and needed:
        raise Complaint("ARTIFACT_URL is not set, so there is no store to copy files from")
    return Store(url) if url else None


def _delete(args: argparse.Namespace) -> int:
    from api import leaving, tenants
    from db.store import StoreUnavailable

    if not args.yes:
        with opened() as conn:
            tenants.get(conn, args.slug)
        raise Complaint(f"erases all that the tenant {args.slug} has, for good; say it again with --yes")
    store = _store()
    try:
        with opened() as conn:
            gone = leaving.erase(conn, args.slug, author(), store)
    except StoreUnavailable as error:
        raise Complaint(
            f"erased the rows of the tenant {args.slug}; its files go within hours by a ticker: {error}"
        ) from None
    if args.is_json:
        show_json({"slug": args.slug, "rows": gone})
    else:
        print(f"erased the tenant {args.slug} with {sum(gone.values())} rows")
    return 0


def _record(conn: "Connection", what: str, before: "Tenant | None", after: "Tenant") -> None:
    from api.shapes import plain

    record(conn, None, f"tenant.{what}", ("tenant", after.id), before and plain(before), plain(after))
