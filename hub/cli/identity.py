"""What `hub explain`, `hub merge`, `hub unmerge`, `hub edit` and `hub review` do."""

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.acting import acting
from hub.cli.arguments import Assignments, Person
from hub.cli.assignments import read_assignments
from hub.cli.formatting import moment_in
from hub.cli.options import Config, Json, Who
from hub.cli.output import Column, print_json, print_mapping, print_table, stdout, zone
from hub.cli.tables import cell
from hub.model.verdicts import Judgement

if TYPE_CHECKING:
    from hub.views.parts import Provenance

review_app = typer.Typer(
    help="Review likely duplicate people, and companies of the same name.",
    no_args_is_help=True,
)


def explain(
    person: Person,
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Also write an HTML page with a chart of the weights."),
    ] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Show where each value of a person came from, and why its records were merged."""
    from hub.actions.identity.explain import explain as read
    from hub.cli.cards import show_deals
    from hub.cli.consent import show_card
    from hub.cli.explain_page import account_text, render
    from hub.cli.html import write_page
    from hub.cli.session import opened_database
    from hub.etl.model_in_use import active_model

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        found = read(acting(conn), person)
        same_at = active_model(conn).same
    if html is not None:
        write_page(html, render(found, same_at))
    if json:
        print_json(found)
        return
    print_mapping(
        "Person",
        {
            "lead": found.lead,
            "contact": found.contact,
            "public id": found.public_id,
            "absorbed": ", ".join(map(str, found.absorbed)) or None,
            "account": account_text(found),
        },
    )
    print_table(
        "Records",
        ("record", "trust", "role", "last changed"),
        [(r.record, r.trust, r.role, "gone" if r.gone else r.at) for r in found.records],
    )
    show_deals(found.deals)
    print_table(
        "Fields",
        ("field", Column("value", keep=9), Column("from", keep=8), "rule", "rule", "against"),
        [
            (name, _said(name, f.value), f.record, f.rule, f.by, _against(name, f))
            for name, f in found.fields.items()
        ],
    )
    show_card(found.consents)
    print_table(
        "Links",
        ("judgement", "bits", "made by", "records", "because"),
        [
            (link.judgement, f"{link.weight:+.1f}", link.made_by, f"{link.a}\n{link.b}",
             "\n".join(f"{why.words} {why.bits:+.1f}" for why in link.reasons))
            for link in found.links
        ],
        empty="none; this person has one record",
    )  # fmt: skip


def _said(name: str, value: Any) -> str:
    """Return a value of a field; a moment in the zone of the person who acts."""
    from hub.model.entities import LEAD_FIELDS

    moments = {field.name for field in LEAD_FIELDS if field.kind == "datetime"}
    is_moment = name in moments and isinstance(value, str)
    return cell(moment_in(value), zone()) if is_moment else _brief(value)


def _against(name: str, field: "Provenance") -> str:
    return "\n".join(
        f"{_said(name, loser.value)} ({loser.record})"
        for loser in field.against
        if loser.value != field.value
    )


def _brief(value: Any) -> str:
    text = value if isinstance(value, str) else json_module.dumps(value, ensure_ascii=False)
    # an address or an id is whole, so that it can be copied
    is_short = len(text) <= 60 or " " not in text[:60]  # noqa: PLR2004 the width of a column
    return text if is_short else f"{text[:59]}…"


def merge(
    first: Person, second: Person, who: Who = None, json: Json = False, config: Config = None
) -> None:
    """Merge two people, or two companies; `hub unmerge` separates them again."""
    from hub.actions.identity.merge import merge as act
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        done = act(acting(conn, who), first, second)
    if json:
        print_json(done)
    else:
        stdout.print(f"{first} and {second} are merged", highlight=False)


def unmerge(person: Person, who: Who = None, json: Json = False, config: Config = None) -> None:
    """Separate a merged person, company or record again; the two stay separate."""
    from hub.actions.identity.merge import unmerge as act
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        done = act(acting(conn, who), person)
    if json:
        print_json(done)
    else:
        stdout.print(f"{person} is separate again", highlight=False)


def edit(
    person: Person,
    assignments: Assignments,
    take_back: Annotated[
        bool,
        typer.Option(
            "--take-back",
            help="Undo the edits of these fields; give names of fields without values.",
        ),
    ] = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Edit fields of a person or company; these values override every source."""
    from hub.actions.people import edit as actions
    from hub.cli.session import opened_database

    values = {} if take_back else read_assignments(assignments)
    with opened_database(config) as (database, settings), database.engine.begin() as conn:
        if take_back:
            changed = {
                name: actions.take_back(acting(conn, who), person, name) for name in assignments
            }
        else:
            region = settings.company.default_region
            actions.edit(acting(conn, who), person, values, region=region)
            changed = dict.fromkeys(values, 1)
    if json:
        from hub.views.results import RecordEdited

        print_json(RecordEdited(person, tuple(changed), sum(changed.values())))
    else:
        done = "taken back" if take_back else "kept"
        stdout.print(f"{', '.join(changed)}: {done}", highlight=False)


@review_app.command("list")
def review_list(
    limit: Annotated[int, typer.Option("--limit", min=1, help="Largest number of pairs.")] = 100,
    json: Json = False,
    config: Config = None,
) -> None:
    """List open questions: pairs of records, and names of companies."""
    from hub.actions.companies.questions import open_questions
    from hub.actions.identity.review import open_pairs
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        pairs = open_pairs(acting(conn), limit)
        names = open_questions(acting(conn), limit)
    if json:
        print_json([*pairs, *names])
    else:
        if names:
            print_table(
                "Companies of the same name: one company or several?",
                ("question", "company", "name", "city", "website", "people", "deals"),
                [
                    (q.name if n == 0 else "", f"contact/{c.id}", c.name, c.city, c.website,
                     c.people_n, c.deals_n)
                    for q in names for n, c in enumerate(q.companies)
                ],
            )  # fmt: skip
        print_table(
            "Review",
            ("bits", "records", "because"),
            [
                (f"{p.weight:+.1f}", f"{p.a}\n{p.b}",
                 "\n".join(f"{why.words} {why.bits:+.1f}" for why in p.reasons))
                for p in pairs
            ],
        )  # fmt: skip


Question = Annotated[
    str, typer.Argument(help="company/NAME, or a record, as `hub review list` shows it.")
]
Other = Annotated[str | None, typer.Argument(help="The other record of a pair.")]


@review_app.command("accept")
def review_accept(
    first: Question,
    second: Other = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Decide that two records are one person, or companies of a name one company."""
    _decide(first, second, Judgement.SAME, who=who, json=json, config=config)


@review_app.command("reject")
def review_reject(
    first: Question,
    second: Other = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Decide that two records are two people, or that companies of a name differ."""
    _decide(first, second, Judgement.DIFFERENT, who=who, json=json, config=config)


def _decide(
    first: str, second: str | None, judgement: Judgement, *, who: Who, json: bool, config: Config
) -> None:
    from hub.actions.identity.review import decide
    from hub.cli.session import opened_database

    if second is None:
        _answer(first, judgement, who=who, json=json, config=config)
        return
    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        decide(acting(conn, who), first, second, judgement)
    if json:
        from hub.views.results import PairJudged

        print_json(PairJudged(first, second, judgement.value))
    else:
        what = "one" if judgement is Judgement.SAME else "different"
        stdout.print(f"{first} and {second}: {what}", highlight=False)


def _answer(name: str, judgement: Judgement, *, who: Who, json: bool, config: Config) -> None:
    from hub.actions.companies.questions import answer
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        done = answer(acting(conn, who), name, judgement)
    if json:
        print_json(done)
        return
    left = ", ".join(f"contact/{number}" for number in done.companies)
    what = "one company" if judgement is Judgement.SAME else "different companies"
    stdout.print(f"{done.name}: {what}: {left}", highlight=False)
