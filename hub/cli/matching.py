"""What `hub match` does: show the model in use, train another."""

from dataclasses import asdict

from sqlalchemy import Connection

from hub.cli.output import print_mapping, print_table
from hub.db.engine import Database
from hub.db.locks import identity_lock
from hub.errors import ConfigError
from hub.etl.model_in_use import active_model
from hub.etl.rematch_preview import Rescored
from hub.etl.rematch_preview import preview as rematch_preview
from hub.matching.keys import MatchView, view
from hub.matching.model import DEFAULT
from hub.matching.training import train
from hub.model.verdicts import Trust
from hub.records import derivations, identity, models
from hub.views.match_models import MatchModel, RematchQueued, TrainedModel, match_model

_SHOWN = 25


def read_model(database: Database) -> MatchModel:
    """Return the model in use and the versions there are; of the facts only their sizes."""
    with database.engine.begin() as conn:
        return match_model(active_model(conn), models.every(conn))


def show_model(model: MatchModel) -> None:
    """Print a model as tables."""
    print_mapping("Model", {n: getattr(model, n) for n in ("version", "same", "unsure", "prior")})
    print_table(
        "Levels",
        ("comparison", "level", "m", "u", "bits"),
        [
            (comparison, level, f"{m:.4g}", f"{u:.4g}", f"{model.weights[comparison][level]:+.1f}")
            for comparison, found in model.comparisons.items()
            for level, (m, u) in found.items()
        ],
    )
    if model.trained:
        print_mapping("Trained", model.trained)
    if model.facts:
        print_mapping("Facts", asdict(model.facts))


def rescore_all(database: Database, which: str) -> Rescored:
    """Return what a model would join and split: `active`, `shipped`, or `trained` just now.

    Raises:
        ConfigError: there is no such model, or the records prove too little to train one.
    """
    with database.engine.begin() as conn:
        if which == "active":
            model = active_model(conn)
        elif which == "shipped":
            model = DEFAULT
        elif which == "trained":
            model = train(_people(conn))
        else:
            raise ConfigError(
                f"there is no model {which!r}", hint="known: active, shipped, trained"
            )
        return rematch_preview(conn, model)


def show_rescored(found: Rescored) -> None:
    """Print what would be joined and what would be split."""
    for name, pile in (("Joins", found.joins), ("Splits", found.splits)):
        print_table(
            f"{name}: {len(pile)}",
            ("part", "other changes"),
            [
                (", ".join(parts[0]), "\n".join(", ".join(part) for part in parts[1:]))
                for parts in pile[:_SHOWN]
            ],
        )
    print_mapping(
        "Rescored",
        {"model": found.model, "records": found.records, "reviews": found.reviews},
    )


def rescore_from_start(database: Database) -> RematchQueued:
    """Note that all people are to be matched again; returns how many records that are."""
    with database.engine.begin() as conn:
        derivations.restart(conn, ["keys", "model"])
        return RematchQueued(len(identity.every_person(conn)))


def train_model(database: Database) -> TrainedModel:
    """Train on all people's records, store the model, make it the one in use.

    Raises:
        ConfigError: Splink is missing, or the records prove too little.
    """
    with database.engine.begin() as conn:
        model = train(_people(conn))
    with database.engine.begin() as conn:
        identity_lock(conn)
        version = models.add(conn, model.document())
    return TrainedModel(version, **model.trained)


def _people(conn: Connection) -> list[MatchView]:
    views = [
        view(r.id, r.stable_key, Trust(r.trust), r.values)
        for r in identity.every_person(conn)
        if not r.is_gone
    ]
    if not views:
        raise ConfigError("there are no people to train on", hint="hub sync")
    return views
