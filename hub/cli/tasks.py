"""What `hub task` does."""

from typing import Annotated

import typer

from hub.cli.acting import acted, acting
from hub.cli.activities import say
from hub.cli.options import Config, Json, Who
from hub.cli.output import WHAT, print_json, print_table

task_app = typer.Typer(help="Add, list, complete, reopen and assign tasks.", no_args_is_help=True)
Task = Annotated[str, typer.Argument(help="The task's number, or task/12.")]
On = Annotated[
    str | None, typer.Option("--on", help="lead/12, contact/5, deal/7, or a person's own names.")
]


@task_app.command("add")
def task_add(
    content: Annotated[str, typer.Argument(help="Text of the task.")],
    on: On = None,
    due: Annotated[
        str | None, typer.Option("--due", help="Due time, in your time zone, as `tomorrow 9:00`.")
    ] = None,
    remind: Annotated[str | None, typer.Option("--remind", help="When to remind.")] = None,
    owner: Annotated[
        str | None, typer.Option("--owner", help="Owner, by e-mail (default: you).")
    ] = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Add a task, with or without a record."""
    from hub.actions.activities.task import add

    times = {"due_at": due, "remind_at": remind}
    given = {"content": content, **{f: v for f, v in times.items() if v is not None}}
    done = acted(config, lambda conn: add(acting(conn, who), given, on=on, owner=owner))
    say(done.name, "saved", json=json)


@task_app.command("done")
def task_done(name: Task, who: Who = None, json: Json = False, config: Config = None) -> None:
    """Complete a task."""
    from hub.actions.activities.task import complete

    done = acted(config, lambda conn: complete(acting(conn, who), name))
    say(done.name, "done", json=json)


@task_app.command("reopen")
def task_reopen(name: Task, who: Who = None, json: Json = False, config: Config = None) -> None:
    """Reopen a completed task."""
    from hub.actions.activities.task import reopen

    done = acted(config, lambda conn: reopen(acting(conn, who), name))
    say(done.name, "open", json=json)


@task_app.command("assign")
def task_assign(
    name: Task,
    to: Annotated[str, typer.Option("--to", help="New owner, by e-mail.")],
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Assign a task to another user."""
    from hub.actions.activities.task import assign

    done = acted(config, lambda conn: assign(acting(conn, who), name, to))
    say(done.name, f"is assigned to {to}", json=json)


@task_app.command("list")
def task_list(
    on: On = None,
    owner: Annotated[str | None, typer.Option("--owner", help="By e-mail.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Largest number of tasks.")] = 100,
    json: Json = False,
    config: Config = None,
) -> None:
    """List the open tasks, those due first at the top."""
    from hub.actions.activities.task import open_tasks

    found = acted(config, lambda conn: open_tasks(acting(conn), on=on, owner=owner, limit=limit))
    if json:
        print_json(found)
        return
    print_table(
        "Tasks",
        ("task", "due", "owner", "on", WHAT),
        [
            (f"task/{t.id}", t.due_at, t.owner,
             next((f"{kind}/{n}" for kind, n in (("deal", t.deal_id), ("lead", t.lead_id),
                                                 ("contact", t.contact_id)) if n), None),
             t.content)
            for t in found
        ],
    )  # fmt: skip
