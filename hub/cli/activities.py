"""What `hub task`, `note`, `call`, `visit`, `message`, `outcome`, `activity` and `activities` do."""

from typing import Annotated, Any

import typer

from hub.cli.acting import acted, acting
from hub.cli.arguments import Assignments
from hub.cli.options import Config, Json, Who
from hub.cli.output import WHAT, print_json, print_mapping, print_table, stdout
from hub.errors import ConfigError

note_app = typer.Typer(help="Add notes to a lead, a contact or a deal.", no_args_is_help=True)
call_app = typer.Typer(help="Log calls.", no_args_is_help=True)
visit_app = typer.Typer(help="Log visits.", no_args_is_help=True)
message_app = typer.Typer(help="Log e-mails, texts and chats.", no_args_is_help=True)
outcome_app = typer.Typer(help="Add and list outcomes of calls and visits.", no_args_is_help=True)
activity_app = typer.Typer(help="Change or archive an activity.", no_args_is_help=True)

On = Annotated[
    str,
    typer.Argument(metavar="NAME", help="lead/12, contact/5, deal/7, or a person's own names."),
]
Activity = Annotated[str, typer.Argument(help="As `hub activities` shows it: call/7, note/3.")]
At = Annotated[str | None, typer.Option("--at", help="When, in your time zone: 2026-12-01 9:00.")]
Incoming = Annotated[
    bool, typer.Option("--incoming", help="The customer called or wrote; default: a user did.")
]
Outcome = Annotated[str | None, typer.Option("--outcome", help="As `hub outcome list` names it.")]
Summary = Annotated[str | None, typer.Option("--summary", help="Summary of what was said.")]


def written(
    kind: str, on: str, given: dict[str, Any], *, who: Who, json: bool, config: Config
) -> None:
    """Log one activity and say its name."""
    from hub.actions.activities.activity import write

    told = {field: value for field, value in given.items() if value is not None}
    done = acted(config, lambda conn: write(acting(conn, who), kind, on, told))
    say(done.name, "kept", json=json)


def say(name: str, words: str, *, json: bool) -> None:
    """Say what became of an activity."""
    if json:
        from hub.views.results import ActivityChanged

        print_json(ActivityChanged(name))
    else:
        stdout.print(f"{name}: {words}", highlight=False)


@note_app.command("add")
def note_add(
    on: On,
    content: Annotated[str, typer.Argument(help="Text of the note.")],
    important: Annotated[bool, typer.Option("--important", help="Mark the note.")] = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Write a note."""
    given = {"content": content, "is_important": important}
    written("note", on, given, who=who, json=json, config=config)


@call_app.command("log")
def call_log(
    on: On,
    outcome: Outcome = None,
    summary: Summary = None,
    at: At = None,
    incoming: Incoming = False,
    missed: Annotated[bool, typer.Option("--missed", help="The call was not answered.")] = False,
    duration: Annotated[int | None, typer.Option("--seconds", help="Duration.")] = None,
    phone: Annotated[str | None, typer.Option("--phone", help="Phone number.")] = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Log a call."""
    given = {
        "made_at": at, "is_incoming": incoming, "is_missed": missed, "duration_s": duration,
        "phone_number": phone, "outcome": outcome, "summary": summary,
    }  # fmt: skip
    written("call", on, given, who=who, json=json, config=config)


@visit_app.command("log")
def visit_log(
    on: On,
    outcome: Outcome = None,
    summary: Summary = None,
    at: At = None,
    address: Annotated[str | None, typer.Option("--address", help="Where.")] = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Log a visit."""
    given = {"visited_at": at, "address": address, "outcome": outcome, "summary": summary}
    written("visit", on, given, who=who, json=json, config=config)


@message_app.command("log")
def message_log(
    on: On,
    kind: Annotated[str, typer.Argument(help="email, text or chat.")],
    content: Annotated[str | None, typer.Argument(help="Text of the message.")] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="Subject of an e-mail.")] = None,
    address: Annotated[str | None, typer.Option("--address", help="Theirs.")] = None,
    at: At = None,
    incoming: Incoming = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Log a message: an e-mail, a text, a chat."""
    given = {
        "kind": kind, "content": content, "subject": subject, "address": address, "sent_at": at,
        "is_incoming": incoming,
    }  # fmt: skip
    written("message", on, given, who=who, json=json, config=config)


@outcome_app.command("add")
def outcome_add(
    kind: Annotated[str, typer.Argument(help="call or visit.")],
    name: Annotated[str, typer.Argument(help="Name of the outcome.")],
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Add an outcome that calls or visits may have."""
    from hub.actions.activities.outcome import add

    number = acted(config, lambda conn: add(acting(conn, who), kind, name))
    if json:
        from hub.views.results import WordAdded

        print_json(WordAdded(number, kind, name))
    else:
        stdout.print(f"{kind}: {name}", highlight=False)


@outcome_app.command("list")
def outcome_list(json: Json = False, config: Config = None) -> None:
    """Show the outcomes of calls and visits."""
    from hub.crm.pick_lists import OUTCOMES, options

    found = acted(config, lambda conn: options(conn, OUTCOMES))
    if json:
        print_json(found)
    else:
        print_table("Outcomes", ("of", "name"), [(one.kind, one.name) for one in found])


@activity_app.command("edit")
def activity_edit(
    name: Activity,
    assignments: Assignments,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Edit an activity; its history keeps the former values."""
    from hub.actions.activities.activity import edit

    given = dict(_assignment(text) for text in assignments)
    done = acted(config, lambda conn: edit(acting(conn, who), name, given))
    say(done.name, "changed", json=json)


@activity_app.command("archive")
def activity_archive(
    name: Activity,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Archive an activity: it leaves every list and every count."""
    from hub.actions.activities.activity import archive

    done = acted(config, lambda conn: archive(acting(conn, who), name))
    say(done.name, "archived", json=json)


def _assignment(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"{text!r} is no assignment", hint="write FIELD=VALUE, summary=Hello")
    if value in ("true", "false"):
        return name, value == "true"
    if name == "duration_s" and value.isascii() and value.isdigit():
        return name, int(value)
    return name, value or None


def activities(
    name: On,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Largest number of entries.")] = 100,
    json: Json = False,
    config: Config = None,
) -> None:
    """Show the activities and tasks of a record, the newest first."""
    from hub.actions.activities.timeline import of

    found = acted(config, lambda conn: of(acting(conn), name, limit))
    if json:
        print_json(found)
        return
    print_mapping("Record", {
        "record": found.record,
        "last activity at": found.last_activity_at,
        "last communication at": found.last_communication_at,
        "next task at": found.next_task_at,
        "first response at": found.first_response_at,
        "days since last communication": found.days_since_last_communication,
    })  # fmt: skip
    print_table(
        "Activities",
        ("activity", "at", "by", "outcome", WHAT),
        [(e.record, e.at, e.who, e.outcome, e.words) for e in found.timeline.items],
    )
    if found.timeline.has_more:
        stdout.print(f"older activities: --limit {2 * limit}", highlight=False)
