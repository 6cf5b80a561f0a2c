"""What `hub list` does: keep, show, run, count, share and remove smart lists."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.acting import acting
from hub.cli.formatting import count as number
from hub.cli.listing import print_page
from hub.cli.options import Config, Json, Who
from hub.cli.output import print_json, print_mapping, print_table, stdout
from hub.errors import ConfigError

if TYPE_CHECKING:
    from hub.actions.setup.smart_list import ShownList
    from hub.lists.document import ListDocument
    from hub.views.saved_lists import SavedListView

list_app = typer.Typer(
    help="Save, run and share lists of leads, people, companies and deals.",
    no_args_is_help=True,
)
Name = Annotated[str, typer.Argument(help="A list's name or number, or object/name.")]
SomeName = Annotated[
    str | None, typer.Argument(help="A list's name or number; none with --where or --file.")
]
Object = Annotated[str, typer.Option("--object", help="lead, person, company or deal.")]
File = Annotated[Path | None, typer.Option("--file", help="The list as a document, YAML or JSON.")]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where", help="A condition, as `status is New`. A record must meet all conditions."
    ),
]
Any_ = Annotated[
    bool, typer.Option("--any", help="A record must meet one of the conditions, not all.")
]
Sort = Annotated[
    str | None, typer.Option("--sort", help="Field to sort by; -field sorts descending.")
]
Columns = Annotated[
    list[str] | None, typer.Option("--column", help="Field to show; repeat the option for more.")
]


@list_app.command("add")
def list_add(
    name: Annotated[str, typer.Argument(help="Name of the list.")],
    object_: Object = "lead",
    file: File = None,
    where: Where = None,
    any_: Any_ = False,
    sort: Sort = None,
    columns: Columns = None,
    shared: Annotated[bool, typer.Option("--share", help="Let other users use the list.")] = False,
    template: Annotated[
        bool, typer.Option("--template", help="Save it as a template for the team; admins only.")
    ] = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Save a list."""
    from hub.actions.setup import smart_list
    from hub.cli.session import opened_database

    document = _document(object_, file, where, any_=any_, sort=sort, columns=columns)
    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        ctx = acting(conn, who)
        kept = smart_list.add(ctx, name, document, is_shared=shared, is_template=template)
        (made,) = smart_list.shown(ctx, [kept])
    if json:
        print_json(_described(made))
    else:
        stdout.print(f"list {kept.id} {kept.name!r} is saved", highlight=False)


@list_app.command("show")
def list_show(
    name: Annotated[
        str | None, typer.Argument(help="A list's name or number; all of them if none.")
    ] = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """List the lists available to you, or print one as a document."""
    from hub.actions.setup import smart_list
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        ctx = acting(conn, who)
        kept = smart_list.visible(ctx) if name is None else [smart_list.find(ctx, name)]
        found = smart_list.shown(ctx, kept)
    if name is not None:
        _show_one(found[0], json=json)
    else:
        _show_all("Lists", found, json=json)


@list_app.command("templates")
def list_templates(json: Json = False, config: Config = None) -> None:
    """List the templates: those of the hub, and those that an admin saved."""
    from hub.actions.setup import smart_list
    from hub.cli.session import opened_database
    from hub.lists.templates import templates

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        ctx = acting(conn)
        own = [one for one in smart_list.visible(ctx) if one.is_template]
        found = smart_list.shown(ctx, [*own, *templates()])
    _show_all("Templates", found, json=json)


@list_app.command("edit")
def list_edit(
    name: Name,
    file: File = None,
    where: Where = None,
    any_: Any_ = False,
    sort: Sort = None,
    columns: Columns = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Replace the filter, order and columns of a list."""
    from hub.actions.setup import smart_list
    from hub.cli.session import opened_database

    if file is None and where is None:
        raise ConfigError("the new filter is missing", hint="hub list edit NAME --where, or --file")
    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        ctx = acting(conn, who)
        object_ = smart_list.find(ctx, name).document.object
        document = _document(object_, file, where, any_=any_, sort=sort, columns=columns)
        (done,) = smart_list.shown(ctx, [smart_list.edit(ctx, name, document)])
    if json:
        print_json(_described(done))
    else:
        stdout.print(f"list {done.saved.id} {done.saved.name!r} is changed", highlight=False)


@list_app.command("rename")
def list_rename(
    name: Name,
    new: Annotated[str, typer.Argument(help="New name.")],
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Rename a list."""
    from hub.actions.setup import smart_list
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        ctx = acting(conn, who)
        (done,) = smart_list.shown(ctx, [smart_list.rename(ctx, name, new)])
    if json:
        print_json(_described(done))
    else:
        stdout.print(f"list {done.saved.id} is named {done.saved.name!r}", highlight=False)


@list_app.command("run")
def list_run(
    name: SomeName = None,
    object_: Object = "lead",
    file: File = None,
    where: Where = None,
    any_: Any_ = False,
    sort: Sort = None,
    columns: Columns = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=1000, help="Largest number of rows.")
    ] = 50,
    after: Annotated[
        str | None,
        typer.Option("--after", help="Continue after this mark, which the page before printed."),
    ] = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Show a page of a saved list, or of the given conditions."""
    from hub.actions.setup import smart_list
    from hub.cli.session import opened_database
    from hub.views import lists

    said = _filter_document(name, object_, file, where, any_=any_, sort=sort, columns=columns)
    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        document = said or smart_list.find(acting(conn, who), name or "").document
        query = smart_list.query(acting(conn, who), document)
        page = lists.page(conn, query, limit=limit, after=after)
    if json:
        print_json(page)
    else:
        print_page(name or document.object, page)


@list_app.command("count")
def list_count(
    name: SomeName = None,
    object_: Object = "lead",
    file: File = None,
    where: Where = None,
    any_: Any_ = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="Count exactly beyond 10,000; this may take long.")
    ] = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Count the records of a list, exactly up to 10,000."""
    from hub.actions.setup import smart_list
    from hub.cli.session import opened_database

    said = _filter_document(name, object_, file, where, any_=any_)
    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        document = said or smart_list.find(acting(conn, who), name or "").document
        found = smart_list.count(acting(conn, who), document, exact=exact)
    if json:
        from hub.views.results import ListCount

        print_json(ListCount(found.n, found.is_exact))
    else:
        more = "" if found.is_exact else "more than "
        stdout.print(f"{more}{number(found.n)}", highlight=False)


@list_app.command("share")
def list_share(
    name: Name,
    off: Annotated[bool, typer.Option("--off", help="Stop sharing the list.")] = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Share one of your lists with the team."""
    from hub.actions.setup import smart_list
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        ctx = acting(conn, who)
        done = smart_list.share(ctx, name, is_shared=not off)
        (shown,) = smart_list.shown(ctx, [done])
    if json:
        print_json(_described(shown))
    else:
        whom = "shared with the team" if done.is_shared else "private again"
        stdout.print(f"{done.name} is {whom}", highlight=False)


@list_app.command("remove")
def list_remove(name: Name, who: Who = None, json: Json = False, config: Config = None) -> None:
    """Remove a list; its records stay."""
    from hub.actions.setup import smart_list
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        ctx = acting(conn, who)
        done = smart_list.remove(ctx, name)
        (shown,) = smart_list.shown(ctx, [done])
    if json:
        print_json(_described(shown))
    else:
        stdout.print(f"{done.name} is removed", highlight=False)


def _filter_document(
    name: str | None, object_: str, file: Path | None, where: list[str] | None, **more: Any
) -> "ListDocument | None":
    """Return what the command line says; None where it names a saved list."""
    if (name is None) is (file is None and where is None):
        raise ConfigError(
            "the list is missing: give a name or conditions", hint="hub list run NAME, or --where"
        )
    if name is not None:
        if any(more.values()):
            raise ConfigError(
                "a saved list has its own order and columns", hint="hub list show NAME"
            )
        return None
    return _document(object_, file, where, **more)


def _document(
    object_: str,
    file: Path | None,
    where: list[str] | None,
    *,
    any_: bool = False,
    sort: str | None = None,
    columns: list[str] | None = None,
) -> "ListDocument":
    from hub.lists.document import read
    from hub.lists.shorthand import condition

    if file is not None:
        if where:
            raise ConfigError(
                "a file and conditions were given; one of them is allowed", hint="omit one of them"
            )
        said = _file(file)
    else:
        conditions = [condition(words) for words in where or ()]
        said = {"object": object_, "filter": {"any" if any_ and conditions else "all": conditions}}
    if sort is not None:
        said["sort"] = sort
    if columns:
        said["columns"] = columns
    return read(said)


def _file(path: Path) -> dict[str, Any]:
    import yaml

    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as exc:
        raise ConfigError(f"{path} cannot be read as YAML or JSON") from exc
    if not isinstance(said, dict):
        raise ConfigError(f"{path} is not a list", hint="docs/lists.md shows an example")
    return said


def _described(shown: "ShownList") -> "SavedListView":
    from hub.views.saved_lists import of_list

    return of_list(shown.saved, shown.broken)


def _show_one(shown: "ShownList", *, json: bool) -> None:
    import yaml

    said = _described(shown)
    if json:
        print_json(said)
        return
    print_mapping(said.name, {key: getattr(said, key) for key in _TITLE})
    parts = {key: getattr(said, key) for key in ("object", "filter", "sort")}
    more = {key: list(getattr(said, key)) for key in ("columns", "broken")}
    filled = {key: value for key, value in {**parts, **more}.items() if value not in (None, [])}
    stdout.print(
        yaml.safe_dump(filled, sort_keys=False, allow_unicode=True), markup=False, highlight=False
    )


_TITLE = ("id", "name", "shared", "template")


def _show_all(title: str, found: "list[ShownList]", *, json: bool) -> None:
    if json:
        print_json([_described(one) for one in found])
        return
    print_table(
        title,
        ("id", "name", "of", "whose"),
        [
            (one.id, one.name, one.document.object,
             "the team's" if one.user_id is None else "shared" if one.is_shared else "own")
            for one in (shown.saved for shown in found)
        ],
    )  # fmt: skip
