"""What `hub match` does: show the model in use, train another."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection

from hub.cli.output import print_mapping, print_table
from hub.db.engine import Database
from hub.db.locks import identity_lock
from hub.errors import ConfigError
from hub.etl.model_in_use import active_model
from hub.etl.rematch_preview import preview as rematch_preview
from hub.matching.keys import MatchView, view
from hub.matching.model import DEFAULT
from hub.matching.training import train
from hub.model.verdicts import Trust
from hub.records import derivations, identity, models

_SHOWN = 25


def read_model(database: Database) -> dict[str, Any]:
    """Return the model in use and the versions there are; of the facts only their sizes."""
    with database.engine.begin() as conn:
        model = active_model(conn)
        versions = [{"version": m.version, "trained_at": m.trained_at.isoformat(), "is_active": m.is_active} for m in models.every(conn)]  # fmt: skip
    document = model.document()
    facts = document.pop("facts")
    document["weights"] = model.weights
    document["facts"] = facts and {
        "n": facts["n"],
        "name_correlation": facts["name_correlation"],
        "values": {kind: len(found) for kind, found in facts["counts"].items()},
        "shared_phones": len(facts["shared_phones"]),
        "shared_mailboxes": len(facts["shared_mailboxes"]),
        "public_domains": len(facts["public_domains"]),
    }
    return {**document, "shipped": DEFAULT.version, "versions": versions}


def show_model(document: dict[str, Any]) -> None:
    """Print a model as tables."""
    print_mapping("Model", {k: document[k] for k in ("version", "same", "unsure", "prior")})
    print_table(
        "Levels",
        ("comparison", "level", "m", "u", "bits"),
        [
            (comparison, level, f"{m:.4g}", f"{u:.4g}", f"{document['weights'][comparison][level]:+.1f}")
            for comparison, found in document["comparisons"].items()
            for level, (m, u) in found.items()
        ],
    )  # fmt: skip
    for title in ("trained", "facts"):
        if document[title]:
            print_mapping(title.capitalize(), document[title])


def rescore_all(database: Database, which: str) -> dict[str, Any]:
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
        return asdict(rematch_preview(conn, model))


def show_rescored(document: dict[str, Any]) -> None:
    """Print what would be joined and what would be split."""
    for name in ("joins", "splits"):
        print_table(
            f"{name.capitalize()}: {len(document[name])}",
            ("part", "other changes"),
            [
                (", ".join(parts[0]), "\n".join(", ".join(part) for part in parts[1:]))
                for parts in document[name][:_SHOWN]
            ],
        )
    print_mapping(
        "Rescored",
        {
            "model": document["model"],
            "records": document["records"],
            "reviews": document["reviews"],
        },
    )


def rescore_from_start(database: Database) -> dict[str, Any]:
    """Note that all people are to be matched again; returns how many records that are."""
    with database.engine.begin() as conn:
        derivations.restart(conn, ["keys", "model"])
        return {"queued": len(identity.every_person(conn))}


def train_model(database: Database) -> dict[str, Any]:
    """Train on all people's records, store the model, make it the one in use.

    Raises:
        ConfigError: Splink is missing, or the records prove too little.
    """
    with database.engine.begin() as conn:
        model = train(_people(conn))
    with database.engine.begin() as conn:
        identity_lock(conn)
        version = models.add(conn, model.document())
    return {"version": version, **model.trained}


def _people(conn: Connection) -> list[MatchView]:
    views = [
        view(r.id, r.stable_key, Trust(r.trust), r.values)
        for r in identity.every_person(conn)
        if not r.is_gone
    ]
    if not views:
        raise ConfigError("there are no people to train on", hint="hub sync")
    return views
