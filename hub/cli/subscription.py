"""What `hub subscription` does: addresses that are sent events, and what became of these events."""

from typing import Annotated

import typer

from hub.cli.acting import acted, acting
from hub.cli.options import Config, Json, Who
from hub.cli.output import print_json, print_line, print_table, stdout

subscription_app = typer.Typer(
    help="Add, list and remove subscriptions of other programs, such as Zapier, to events.",
    no_args_is_help=True,
)
Number = Annotated[int, typer.Argument(metavar="ID", help="Number of the subscription.")]


@subscription_app.command("add")
def subscription_add(
    url: Annotated[str, typer.Argument(metavar="URL", help="Address that receives the event.")],
    event: Annotated[
        str,
        typer.Option(
            "--event",
            help="lead.created, lead.assigned, lead.converted or deal.stage_changed.",
        ),
    ],
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Add a subscription: post an event to an address from now on; print its secret."""
    from hub.actions.setup import subscriptions
    from hub.cli.session import opened_database
    from hub.db.transactions import run_transaction
    from hub.model import open_addresses

    with opened_database(config) as (database, settings):
        allowed = open_addresses.networks(settings.subscriptions.allowed_networks)
        made = run_transaction(
            database.engine,
            lambda conn: subscriptions.add(
                acting(conn, who), url, event, home=settings.home, allowed=allowed
            ),
        )
    if json:
        print_json(made)
        return
    print_line("Added", f"subscription {made.id} of {made.event}")
    print_line("Secret", made.secret)


@subscription_app.command("list")
def subscription_list(who: Who = None, json: Json = False, config: Config = None) -> None:
    """List the subscriptions: who made them, what waits, what was given up."""
    from hub.actions.setup import subscriptions

    found = acted(config, lambda conn: subscriptions.listed(acting(conn, who)))
    if json:
        print_json(found)
        return
    print_table(
        "Subscriptions",
        ("id", "event", "receiver", "waiting", "given up", "delivered", "last error", "made by", "made"),
        [
            (s.id, s.event, s.receiver, s.waiting, s.given_up, s.delivered_at, s.last_error, s.made_by,
             s.made_at)
            for s in found
        ],
    )  # fmt: skip


@subscription_app.command("deliveries")
def subscription_deliveries(
    number: Number,
    state: Annotated[
        str | None, typer.Option("--state", help="pending, done, dead or dropped.")
    ] = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """List the newest events of a subscription, with attempts and errors."""
    from hub.actions.setup import subscriptions

    found = acted(config, lambda conn: subscriptions.deliveries(acting(conn, who), number, state))
    if json:
        print_json(found)
        return
    print_table(
        "Deliveries",
        ("event id", "event", "record", "at", "state", "attempts", "next", "status", "error"),
        [
            (d.event_id, d.event, d.record, d.at, d.state, d.attempts, d.next_at, d.status, d.error)
            for d in found
        ],
    )  # fmt: skip


@subscription_app.command("replay")
def subscription_replay(
    number: Number,
    event_id: Annotated[
        str | None,
        typer.Option("--event-id", help="Only this event, also one that was delivered."),
    ] = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Replay the events that were given up; their ids stay."""
    from hub.actions.setup import subscriptions

    done = acted(config, lambda conn: subscriptions.replay(acting(conn, who), number, event_id))
    if json:
        print_json(done)
    else:
        word = "event is" if done.events == 1 else "events are"
        stdout.print(f"{done.events} {word} sent again by the worker", highlight=False)


@subscription_app.command("secret")
def subscription_secret(
    number: Number,
    renew: Annotated[
        bool, typer.Option("--renew", help="Let a new secret sign from now on.")
    ] = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Print the secret by which a receiver checks the signature."""
    from hub.actions.setup import subscriptions
    from hub.cli.session import opened_database
    from hub.db.transactions import run_transaction

    with opened_database(config) as (database, settings):
        found = run_transaction(
            database.engine,
            lambda conn: subscriptions.secret(
                acting(conn, who), number, home=settings.home, renew=renew
            ),
        )
    if json:
        print_json(found)
    else:
        stdout.print(found.secret, highlight=False, soft_wrap=True)


@subscription_app.command("remove")
def subscription_remove(
    number: Number, who: Who = None, json: Json = False, config: Config = None
) -> None:
    """Remove a subscription; what still waits is not sent."""
    from hub.actions.setup import subscriptions

    done = acted(config, lambda conn: subscriptions.remove(acting(conn, who), number))
    if json:
        print_json(done)
    else:
        dropped = f", and {done.dropped} waiting events" if done.dropped else ""
        print_line("Removed", f"subscription {done.id} of {done.event}{dropped}")
