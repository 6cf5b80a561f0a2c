"""What `hub lead` and `hub contact` do before a lead is converted, and who owns what."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from hub.cli.activities import acted, as_json
from hub.cli.assigning import add_assign
from hub.cli.deal import deal_app
from hub.cli.lead import lead_app
from hub.cli.options import Config, Json, Who, actor
from hub.cli.output import print_json, print_table, stdout
from hub.errors import ConfigError

contact_app = typer.Typer(help="Contacts: add, like, assign.", no_args_is_help=True)
for app, kind in ((lead_app, "lead"), (contact_app, "contact"), (deal_app, "deal")):
    add_assign(app, kind)

First = Annotated[str | None, typer.Option("--first-name", help="First name.")]
Last = Annotated[str | None, typer.Option("--last-name", help="Last name.")]
Company = Annotated[str | None, typer.Option("--company", help="Name of the company.")]
Email = Annotated[str | None, typer.Option("--email", help="E-mail address.")]
Phone = Annotated[str | None, typer.Option("--phone", help="Telephone number.")]
Mobile = Annotated[str | None, typer.Option("--mobile", help="Mobile number.")]
Title = Annotated[str | None, typer.Option("--title", help="What they do there.")]
Source = Annotated[str | None, typer.Option("--source", help="Where they come from.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="A tag; may be said again.")]
Other = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Any other field; custom_fields.KEY too."),
]
Owner = Annotated[
    str | None, typer.Option("--owner", help="A person's e-mail or a group's name; else you.")
]
Anyway = Annotated[
    bool, typer.Option("--anyway", help="Add them, though somebody like them is there.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to `hub`; those of leads join `lead_app`."""
    app.add_typer(contact_app, name="contact")


@lead_app.command("add")
def lead_add(
    first_name: First = None,
    last_name: Last = None,
    company: Company = None,
    email: Email = None,
    phone: Phone = None,
    mobile: Mobile = None,
    title: Title = None,
    source: Source = None,
    tags: Tags = None,
    other: Other = None,
    owner: Owner = None,
    anyway: Anyway = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Add a lead by hand; refused where somebody like them is there already."""
    given = _given(other, first_name=first_name, last_name=last_name, organization_name=company,
                   email=email, phone=phone, mobile=mobile, title=title, lead_source=source,
                   tags=tags)  # fmt: skip
    _add("lead", given, owner=owner, anyway=anyway, who=who, json=json, config=config)


@contact_app.command("add")
def contact_add(
    first_name: First = None,
    last_name: Last = None,
    company: Company = None,
    email: Email = None,
    phone: Phone = None,
    mobile: Mobile = None,
    title: Title = None,
    tags: Tags = None,
    other: Other = None,
    owner: Owner = None,
    anyway: Anyway = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Add a person who is a contact; refused where somebody like them is there already."""
    given = _given(other, first_name=first_name, last_name=last_name, organization_name=company,
                   email=email, phone=phone, mobile=mobile, title=title, tags=tags)  # fmt: skip
    _add("contact", given, owner=owner, anyway=anyway, who=who, json=json, config=config)


@lead_app.command("like")
@contact_app.command("like")
def like(
    name: Annotated[str | None, typer.Option("--name", help="A whole name.")] = None,
    email: Email = None,
    phone: Phone = None,
    company: Company = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Show who is there already and may be meant, before anything is typed in."""
    _like(name, email, phone, company, json=json, config=config)


@lead_app.command("status")
def lead_status(
    names: Annotated[list[str], typer.Argument(metavar="NAME… STATUS", help="Leads, then status.")],
    reason: Annotated[
        str | None, typer.Option("--reason", help="Why, of an unqualified lead.")
    ] = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Say where leads stand; an unqualified one needs a reason."""
    from hub.actions.status import set_status

    *leads, status = names
    if not leads:
        raise ConfigError("no lead is named", hint="hub lead status lead/12 Working")
    changed = acted(config, lambda conn: set_status(conn, actor(who), leads, status, reason=reason))
    if json:
        print_json({"changed": changed})
    else:
        stdout.print(f"{changed} changed", highlight=False)


@lead_app.command("statuses")
def lead_statuses(
    add: Annotated[str | None, typer.Option("--add", help="A new status.")] = None,
    unqualified: Annotated[
        bool, typer.Option("--unqualified", help="The new status needs a reason.")
    ] = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Show the statuses of leads, or add one."""
    from hub.actions.status import add_status
    from hub.crm.statuses import statuses

    def act(conn: Any) -> list[Any]:
        if add is not None:
            add_status(conn, actor(who), add, is_unqualified=unqualified)
        return statuses(conn)

    found = acted(config, act)
    if json:
        print_json(as_json(found))
    else:
        rows = [(s.name, "needs a reason" if s.is_unqualified else "") for s in found]
        print_table("Statuses", ("status", ""), rows)


@lead_app.command("reasons")
def lead_reasons(
    add: Annotated[str | None, typer.Option("--add", help="A new reason.")] = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Show why a lead may be unqualified, or add a reason."""
    from hub.actions.status import add_reason
    from hub.crm.statuses import reasons

    def act(conn: Any) -> list[str]:
        if add is not None:
            add_reason(conn, actor(who), add)
        return reasons(conn)

    found = acted(config, act)
    if json:
        print_json(found)
    else:
        print_table("Reasons", ("reason",), [(name,) for name in found])


def _given(other: Sequence[str] | None, **typed: Any) -> dict[str, Any]:
    given = {field: value for field, value in typed.items() if value}
    for text in other or ():
        field, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"{text!r} is no assignment", hint="write --set FIELD=VALUE")
        given[field] = value
    return given


def _add(
    kind: str, given: dict[str, Any], *, owner: str | None, anyway: bool, who: Who, json: bool,
    config: Config,
) -> None:  # fmt: skip
    from hub.actions.add_person import add
    from hub.cli.opening import opened_database
    from hub.db.turn import turn

    with opened_database(config) as (database, settings):
        region = settings.company.default_region
        done = turn(
            database.engine,
            lambda conn: add(
                conn, actor(who), kind, given, region=region, owner=owner, anyway=anyway
            ),
        )
    if json:
        print_json(asdict(done))
    else:
        stdout.print(f"{done.name} added", highlight=False)


def _like(
    name: str | None, email: str | None, phone: str | None, company: str | None, *, json: bool,
    config: Config,
) -> None:  # fmt: skip
    from hub.actions.duplicates import likely
    from hub.actions.typed import canonical, named
    from hub.cli.opening import opened_database

    given = {**named(name), **_given(None, email=email, phone=phone, organization_name=company)}
    with opened_database(config) as (database, settings), database.engine.begin() as conn:
        values = canonical("lead", given, region=settings.company.default_region)
        found = likely(conn, values)
    if json:
        print_json(as_json(list(found)))
        return
    print_table(
        "Likely there already",
        ("record", "who", "e-mail", "company", "owner", "matcher"),
        [
            (p.name, p.who, p.email, p.company, p.owner, f"{p.judgement} {p.bits:+.1f}")
            for p in found
        ],
    )
