"""What `hub lead` and `hub contact` do before a lead is converted, and who owns what."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from hub.cli.acting import acted, acting
from hub.cli.arguments import Fields, NewCompany
from hub.cli.assigning import add_assign
from hub.cli.assignments import read_assignments
from hub.cli.cards import add_show
from hub.cli.company import company_link, company_unlink
from hub.cli.deal import deal_app
from hub.cli.lead import lead_app
from hub.cli.listing import add_list
from hub.cli.options import Config, Json, Who
from hub.cli.output import print_json, print_table, stdout
from hub.errors import ConfigError

contact_app = typer.Typer(
    help="Add, show and assign contacts; link them to a company.", no_args_is_help=True
)
add_show(contact_app, "contact")
add_list(contact_app, "contact")
for app, kind in ((lead_app, "lead"), (contact_app, "contact"), (deal_app, "deal")):
    add_assign(app, kind)

Company = Annotated[str | None, typer.Option("--company", help="Name of the company.")]
Employer = Annotated[
    str | None,
    typer.Option("--company", help="Name of the company, or an existing company, as contact/12."),
]
Email = Annotated[str | None, typer.Option("--email", help="E-mail address.")]
Phone = Annotated[str | None, typer.Option("--phone", help="Telephone number.")]


def _add_add(app: typer.Typer, kind: str, words: str) -> None:
    """Add `add` to the commands of a kind of record."""

    @app.command("add", help=f"Add {words} by hand. A likely duplicate is refused.")
    def add_person(
        first_name: Annotated[str | None, typer.Option("--first-name", help="First name.")] = None,
        last_name: Annotated[str | None, typer.Option("--last-name", help="Last name.")] = None,
        company: Employer = None,
        new_company: NewCompany = False,
        email: Email = None,
        phone: Phone = None,
        mobile: Annotated[str | None, typer.Option("--mobile", help="Mobile number.")] = None,
        title: Annotated[str | None, typer.Option("--title", help="Job title.")] = None,
        source: Annotated[str | None, typer.Option("--source", help="Lead source.")] = None,
        tags: Annotated[
            list[str] | None, typer.Option("--tag", help="A tag; repeat the option for more.")
        ] = None,
        fields: Fields = None,
        owner: Annotated[
            str | None,
            typer.Option(
                "--owner", help="Owner: e-mail of a user or name of a group (default: you)."
            ),
        ] = None,
        force: Annotated[
            bool,
            typer.Option("--force", help="Add the person, even if a likely duplicate exists."),
        ] = False,
        who: Who = None,
        json: Json = False,
        config: Config = None,
    ) -> None:
        from hub.actions.companies.choice import choice_of, is_number
        from hub.actions.people.add_person import add
        from hub.cli.session import opened_database
        from hub.db.transactions import run_transaction

        taken = company if company is not None and is_number(company) else None
        chosen = choice_of(taken, new_company=new_company)
        given = _given(
            fields, first_name=first_name, last_name=last_name,
            company=company if taken is None else None,
            email=email, phone=phone, mobile=mobile, title=title, source=source, tags=tags,
        )  # fmt: skip
        with opened_database(config) as (database, settings):
            region = settings.company.default_region
            done = run_transaction(
                database.engine,
                lambda conn: add(
                    acting(conn, who),
                    kind,
                    given,
                    region=region,
                    owner=owner,
                    force=force,
                    company=chosen,
                ),
            )
        if json:
            print_json(done)
        else:
            at = f", of the company contact/{done.company_id}" if done.company_id else ""
            stdout.print(f"{done.name} added{at}", highlight=False)


_add_add(lead_app, "lead", "a lead")
_add_add(contact_app, "contact", "a contact")
contact_app.command("link")(company_link)
contact_app.command("unlink")(company_unlink)


@lead_app.command("duplicates")
@contact_app.command("duplicates")
def duplicates(
    name: Annotated[str | None, typer.Option("--name", help="Full name.")] = None,
    email: Email = None,
    phone: Phone = None,
    company: Company = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Find likely duplicates of a person before the person is added."""
    from hub.actions.identity.duplicates import likely
    from hub.actions.typed import canonical, named
    from hub.cli.session import opened_database

    given = {**named(name), **_given(None, email=email, phone=phone, company=company)}
    with opened_database(config) as (database, settings), database.engine.begin() as conn:
        values = canonical("lead", given, region=settings.company.default_region)
        found = likely(acting(conn), values)
    if json:
        print_json(found)
        return
    print_table(
        "Likely duplicates",
        ("record", "who", "e-mail", "company", "owner", "matcher"),
        [
            (p.name, p.who, p.email, p.company, p.owner, f"{p.judgement} {p.bits:+.1f}")
            for p in found
        ],
        empty="none",
    )


@lead_app.command("status")
def lead_status(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME… STATUS", help="Leads, followed by the status.")
    ],
    reason: Annotated[
        str | None, typer.Option("--reason", help="Reason, for an unqualified status.")
    ] = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Set the status of leads; an unqualified status needs a reason."""
    from hub.actions.leads.status import set_status

    *leads, status = names
    if not leads:
        raise ConfigError("the leads are missing", hint="hub lead status lead/12 Working")
    changed = acted(
        config, lambda conn: set_status(acting(conn, who), leads, status, reason=reason)
    )
    if json:
        from hub.views.results import StatusSet

        print_json(StatusSet(changed))
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
    """List the statuses of leads, or add one."""
    from hub.actions.leads.status import add_status
    from hub.crm.statuses import statuses

    def act(conn: Any) -> list[Any]:
        if add is not None:
            add_status(acting(conn, who), add, is_unqualified=unqualified)
        return statuses(conn)

    found = acted(config, act)
    if json:
        print_json(found)
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
    """List the reasons for unqualified leads, or add one."""
    from hub.actions.leads.status import add_reason
    from hub.crm.pick_lists import REASONS, options

    def act(conn: Any) -> list[str]:
        if add is not None:
            add_reason(acting(conn, who), add)
        return [one.name for one in options(conn, REASONS, "lead_unqualified")]

    found = acted(config, act)
    if json:
        from hub.views.results import Word

        print_json([Word("lead", name) for name in found])
    else:
        print_table("Reasons", ("reason",), [(name,) for name in found])


def _given(other: Sequence[str] | None, **typed: Any) -> dict[str, Any]:
    return {f: value for f, value in typed.items() if value} | read_assignments(other or [])
