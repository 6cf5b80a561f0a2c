"""What `hub match` takes: show, train, rescore."""

from dataclasses import asdict
from typing import Annotated

import typer

from hub.cli.options import Config, Json
from hub.cli.output import print_json, print_mapping, stdout
from hub.errors import ConfigError

WHO_MATCHES = "hub up matches all people again in the background; hub upgrade does it now"

match_app = typer.Typer(
    help="Show, train and compare models that match people.", no_args_is_help=True
)


@match_app.command("show")
def match_show(json: Json = False, config: Config = None) -> None:
    """Show the model in use: levels, weights, thresholds, what it was trained on."""
    from hub.cli.matching import read_model, show_model
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _):
        model = read_model(database)
    if json:
        print_json(model)
    else:
        show_model(model)


@match_app.command("train")
def match_train(json: Json = False, config: Config = None) -> None:
    """Train a model on the records of this hub, activate it, and match all people again."""
    from hub.cli.matching import train_model
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _):
        trained = train_model(database)
    if json:
        print_json(trained)
    else:
        print_mapping("Trained", asdict(trained))
        stdout.print(WHO_MATCHES, highlight=False)


@match_app.command("rescore")
def match_rescore(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the effect; change nothing.")
    ] = False,
    model: Annotated[
        str, typer.Option("--model", help="With --dry-run: active, shipped or trained (just now).")
    ] = "active",
    json: Json = False,
    config: Config = None,
) -> None:
    """Match all people again; --dry-run shows which would be merged or split."""
    from hub.cli.matching import rescore_all, rescore_from_start, show_rescored
    from hub.cli.session import opened_database

    if not dry_run and model != "active":
        raise ConfigError(
            "only the active model can match all people", hint="hub match train, or add --dry-run"
        )
    with opened_database(config) as (database, _):
        if dry_run:
            rescored = rescore_all(database, model)
            (print_json if json else show_rescored)(rescored)
            return
        queued = rescore_from_start(database)
    if json:
        print_json(queued)
    else:
        stdout.print(WHO_MATCHES, highlight=False)
