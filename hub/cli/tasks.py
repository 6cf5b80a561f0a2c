"""What `hub task` does."""

from typing import Annotated

import typer

from hub.cli.acting import acted, acting
from hub.cli.activities import say
from hub.cli.options import Config, Json, Who
from hub.cli.output import print_json, print_table

task_app = typer.Typer(help="Add, list, complete, reopen and give tasks.", no_args_is_help=True)
Task = Annotated[str, typer.Argument(help="The task's number, or task/12.")]
On = Annotated[
    str | None, typer.Option("--on", help="lead/12, contact/5, deal/7, or a person's own names.")
]


@task_app.command("add")
def task_add(
    content: Annotated[str, typer.Argument(help="What is to be done.")],
    on: On = None,
    due: Annotated[
        str | None, typer.Option("--due", help="By when, in your time zone: tomorrow 9:00.")
    ] = None,
    remind: Annotated[str | None, typer.Option("--remind", help="When to remind.")] = None,
    owner: Annotated[
        str | None, typer.Option("--owner", help="Whose it is, by e-mail; else yours.")
    ] = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Write a task, on a record or on nothing."""
    from hub.actions.activities.task import add

    times = {"due_at": due, "remind_at": remind}
    given = {"content": content, **{f: v for f, v in times.items() if v is not None}}
    done = acted(config, lambda conn: add(acting(conn, who), given, on=on, owner=owner))
    say(done.name, "kept", json=json)


@task_app.command("done")
def task_done(name: Task, who: Who = None, json: Json = False, config: Config = None) -> None:
    """Say that a task is done."""
    from hub.actions.activities.task import complete

    done = acted(config, lambda conn: complete(acting(conn, who), name))
    say(done.name, "done", json=json)


@task_app.command("reopen")
def task_reopen(name: Task, who: Who = None, json: Json = False, config: Config = None) -> None:
    """Say that a task is not done after all."""
    from hub.actions.activities.task import reopen

    done = acted(config, lambda conn: reopen(acting(conn, who), name))
    say(done.name, "open", json=json)


@task_app.command("give")
def task_give(
    name: Task,
    to: Annotated[str, typer.Option("--to", help="Whose it is now, by e-mail.")],
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Give a task to somebody else."""
    from hub.actions.activities.task import give

    done = acted(config, lambda conn: give(acting(conn, who), name, to))
    say(done.name, f"is {to}'s", json=json)


@task_app.command("list")
def task_list(
    on: On = None,
    owner: Annotated[str | None, typer.Option("--owner", help="By e-mail.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Tasks at most.")] = 100,
    json: Json = False,
    config: Config = None,
) -> None:
    """Show the tasks that wait, those due first before all."""
    from hub.actions.activities.task import waiting

    found = acted(config, lambda conn: waiting(acting(conn), on=on, owner=owner, limit=limit))
    if json:
        print_json(found)
        return
    print_table(
        "Tasks",
        ("task", "due", "owner", "on", "what"),
        [
            (f"task/{t.id}", t.due_at, t.owner,
             next((f"{kind}/{n}" for kind, n in (("deal", t.deal_id), ("lead", t.lead_id),
                                                 ("contact", t.contact_id)) if n), None),
             t.content)
            for t in found
        ],
    )  # fmt: skip
