"""`show` of leads, contacts, companies and deals: a card, as text or as JSON."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.acting import acting
from hub.cli.options import Config, Json
from hub.cli.output import (
    WHAT,
    Column,
    Kind,
    Money,
    in_zone,
    print_json,
    print_mapping,
    print_table,
    stdout,
)

if TYPE_CHECKING:
    from hub.views.card_forms import AnyCard
    from hub.views.parts import CompanyDuplicate, DealLine, Provenance, Section
    from hub.views.records import Record

_HELP = {
    "lead": "lead/12, a lead's number, a public id, or source/stream/id of a record.",
    "contact": "contact/5, a contact's number, a public id, or source/stream/id of a record.",
    "company": "contact/7, or a company's number.",
    "deal": "deal/7, or a deal's number.",
}
_WORDS = 60  # of a line of the timeline


def add_show(app: typer.Typer, kind: str) -> None:
    """Add `show` to the commands of a kind of record."""

    @app.command("show", help=f"Show the card of a {kind}: its fields and what hangs on it.")
    def show(
        name: Annotated[str, typer.Argument(help=_HELP[kind])],
        sources: Annotated[
            bool, typer.Option("--sources", help="Show where each value comes from.")
        ] = False,
        every: Annotated[
            bool, typer.Option("--all", help="Show the whole timeline (at most 500 activities).")
        ] = False,
        limit: Annotated[
            int, typer.Option("--limit", min=1, max=500, help="Activities of the timeline.")
        ] = 20,
        json: Json = False,
        config: Config = None,
    ) -> None:
        from hub.actions.reading import show as read
        from hub.cli.session import opened_database
        from hub.views.cards import MOST

        with opened_database(config) as (database, _settings), database.engine.begin() as conn:
            card = read(
                acting(conn), kind, name, activities=MOST if every else limit, with_sources=sources
            )
        if json:
            print_json(card)
        else:
            _print(card)


def _print(card: "AnyCard") -> None:
    record: Record = next(
        getattr(card, kind)
        for kind in ("lead", "contact", "company", "deal")
        if hasattr(card, kind)
    )
    owner = record.owner.email or record.owner.name if record.owner else "nobody"
    stdout.print(
        f"{record.record}  {record.name or '(no name)'}  ·  owner {owner}", highlight=False
    )
    _print_state(record)
    _warn_of_tickets(card)
    _print_tickets(card)
    _print_tasks(card)
    _print_fields(record, card.sections)
    _print_own(card)
    _print_timeline(card)
    if card.links:
        print_mapping("Links", {link.name: link.url for link in card.links})


def _print_state(record: "Record") -> None:
    """Say what became of a record that is not worked on any more."""
    converted_at = getattr(record, "converted_at", None)
    if converted_at is not None:
        became = getattr(record, "contact_record", None)
        stdout.print(f"converted {in_zone(converted_at)}" + (f", to {became}" if became else ""))
    if record.archived_at is not None:
        stdout.print(f"archived {in_zone(record.archived_at)}", style="yellow")


def _warn_of_tickets(card: "AnyCard") -> None:
    open_n = sum(one.is_open for one in card.tickets)
    if open_n:
        stdout.print(f"{open_n} open ticket{'s' if open_n > 1 else ''}", style="yellow")
    stdout.print()


def _print_fields(record: "Record", sections: "Sequence[Section]") -> None:
    """Print the layout's sections; a field without a value is left out."""
    amounts = _amounts(record)
    for section in sections:
        values = {
            field.label: amounts.get(field.name) or _value(record, field.name)
            for field in section.fields
            if not amounts or field.name != "currency"  # it is shown with the amount
        }
        filled = {label: value for label, value in values.items() if value not in ("", None)}
        if filled:
            print_mapping(section.name, filled)


def _amounts(record: "Record") -> dict[str, Money]:
    """Return the amounts of a deal by the names of their fields; a deal has a currency."""
    from hub.views.records import Deal

    if not isinstance(record, Deal):
        return {}
    return {
        "value": Money(record.value, record.currency),
        "weighted_value": Money(record.weighted_value, record.currency),
    }


def _value(record: "Record", name: str) -> Any:
    if name.startswith("custom_fields."):
        return _cell(record.custom_fields.get(name.removeprefix("custom_fields.")))
    value = _cell(getattr(record, name, None))
    linked = getattr(record, f"{name}_record", None)
    return f"{value or ''} ({linked})".strip() if linked else value


def _cell(value: Any) -> Any:
    """Return a value as a line of text shows it."""
    from datetime import datetime

    from hub.views.records import Owner

    shown: dict[type, Callable[[Any], Any]] = {
        datetime: in_zone,
        Owner: lambda owner: owner.email or owner.name,
        bool: lambda is_so: "yes" if is_so else "no",
        list: lambda many: ", ".join(str(_cell(one)) for one in many),
        tuple: lambda many: ", ".join(str(_cell(one)) for one in many),
        dict: lambda parts: ", ".join(str(one) for one in parts.values() if one),
        str: lambda words: " ".join(words.split()),
    }
    return shown.get(type(value), lambda same: same)(value)


def _print_tickets(card: "AnyCard") -> None:
    _table(
        "Tickets",
        ("ticket", "status", "subject", "person", "updated"),
        [(t.source_record, t.status, t.subject, t.person, t.updated_at) for t in card.tickets],
    )


def _print_tasks(card: "AnyCard") -> None:
    from hub.views.card_forms import CompanyCard

    if isinstance(card, CompanyCard):
        _table(
            "Open tasks",
            ("task", "due", "on", "owner", WHAT),
            [(t.record, t.due_at, t.on, t.owner, t.content) for t in card.tasks.items],
        )
        if card.tasks.has_more:
            stdout.print(f"more tasks: hub task list --on {card.company.record}", highlight=False)
    elif card.next_task:
        task = card.next_task
        rows = [(task.record, task.due_at, task.owner, task.content)]
        _table("Next task", ("task", "due", "owner", WHAT), rows)


def _print_timeline(card: "AnyCard") -> None:
    _table(
        "Timeline",
        ("activity", "at", "by", "outcome", WHAT),
        [
            (e.record, e.at, e.who, e.outcome, " ".join((e.words or "").split())[:_WORDS])
            for e in card.timeline.items
        ],
    )
    if card.timeline.has_more:
        stdout.print("older activities: --all", highlight=False)


def _print_own(card: "AnyCard") -> None:
    """Print what only some kinds of card have."""
    from hub.views.card_forms import CompanyCard, DealCard

    if isinstance(card, DealCard):
        _print_deal(card)
        return
    if isinstance(card, CompanyCard):
        _table(
            "People",
            ("record", "name", "title", "e-mail", "phone", "owner"),
            [(p.record, p.name, p.title, p.email, p.phone, p.owner) for p in card.people.items],
        )
        if card.people.has_more:
            stdout.print("more people: hub contact list --company, or --json", highlight=False)
    show_deals(card.deals)
    if isinstance(card, CompanyCard):
        _print_company_duplicates(card.duplicates)
    else:
        _table(
            "Likely duplicates",
            ("record", "name", "e-mail", "company", "matcher"),
            [
                (d.record, d.name, d.email, d.company, f"{d.judgement} {d.bits:+.1f}")
                for d in card.duplicates
            ],
        )
    if card.sources is not None:
        _print_sources(card.sources)


def _print_company_duplicates(duplicates: "Sequence[CompanyDuplicate]") -> None:
    _table(
        "Likely duplicates",
        (
            "company", "name", "city", Column("website", keep=2), Column("people", keep=3),
            Column("deals", keep=3), "judgement", Column("because", Kind.TEXT),
        ),
        [
            (d.record, d.name, d.city, d.website, d.people, d.deals, d.judgement, d.why)
            for d in duplicates
        ],
    )  # fmt: skip
    for question in dict.fromkeys(d.question for d in duplicates if d.question):
        stdout.print(f"one company: hub review accept {question}", highlight=False)
        stdout.print(f"several companies: hub review reject {question}", highlight=False)


def show_deals(deals: "Sequence[DealLine]") -> None:
    """Print the deals of a person or company; nothing where there are none."""
    _table(
        "Deals",
        ("deal", "name", "stage", Column("value", Kind.MONEY), "owner"),
        [(d.record, d.name, d.stage, Money(d.value, d.currency), d.owner) for d in deals],
    )


def _print_deal(card: Any) -> None:
    _table("Contacts", ("contact", "name", "role"), [
        (c.record, c.name, c.role) for c in card.contacts
    ])  # fmt: skip
    _table("Stages", ("from", "to", "by", "at"), [
        (s.from_stage, s.to_stage, s.who, s.at) for s in card.stages
    ])  # fmt: skip
    _table("Criteria", ("asks for", "else", "met"), [
        (c.asks_for, c.severity, "yes" if c.is_met else "no") for c in card.criteria
    ])  # fmt: skip


def _print_sources(sources: "Sequence[Provenance]") -> None:
    _table(
        "Where values come from",
        ("field", "value", "record", "rule", "against"),
        [
            (s.field, _cell(s.value), s.record or s.by, s.rule, len(s.against) or "")
            for s in sources
        ],
    )


def _table(title: str, columns: Sequence[str | Column], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table; one without rows is left out of a card."""
    if rows:
        print_table(title, columns, [tuple(map(_cell, row)) for row in rows])
