"""Check an account's answers against the hub before anything is read: its pipelines, stages and users.

In: `answers.yaml` of a source. A wrong answer would refuse records, or leave them without an owner, and a dry
run of hours would be the first to say so. Not here: the shape of the file (`hub.mappings.tailoring`).
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sqlalchemy import Connection

from hub.crm import owners, pipelines
from hub.errors import ConfigError
from hub.etl.context import Hub
from hub.mappings.folders import ANSWERS
from hub.mappings.tailoring import Answers
from hub.migration.fields import answers_for


def check_answers(hub: Hub, source: str) -> None:
    """Refuse answers that name a pipeline, a stage or a user that the hub does not have.

    Raises:
        ConfigError: at least one does; the message names all of them.
    """
    answers = answers_for(hub, source)
    with hub.engine.begin() as conn:
        wrong = [*_pipelines(conn, answers), *_owners(conn, answers)]
    if wrong:
        path = Path(str(hub.settings.mappings_dir)) / source / ANSWERS
        raise ConfigError(
            "\n".join(f"{path}: {one}" for one, _ in wrong),
            hint="; ".join(dict.fromkeys(hint for _, hint in wrong)),
        )


def _pipelines(conn: Connection, answers: Answers) -> Iterator[tuple[str, str]]:
    known = {one.name: [s.name for s in one.stages] for one in pipelines.read(conn)}
    for record_type, to in answers.pipelines.items():
        if to is None:
            continue
        stages = next((own for name, own in known.items() if _same(name, to.pipeline)), None)
        if stages is None:
            add = f"hub pipeline add {to.pipeline!r} --stages 'First stage:10,Second stage:50'"
            yield (
                f"pipelines.{record_type}: there is no pipeline {to.pipeline!r}",
                f"name one of {', '.join(known)}; or {add} makes it",
            )
            continue
        for stage in dict.fromkeys(filter(None, to.stages.values())):
            if not any(_same(stage, one) for one in stages):
                yield (
                    f"pipelines.{record_type}.stages: {to.pipeline} has no stage {stage!r}{_near(stage, stages)}",
                    f"the stages of {to.pipeline} are {', '.join(stages)}",
                )


def _owners(conn: Connection, answers: Answers) -> Iterator[tuple[str, str]]:
    users: Mapping[str, owners.User] = owners.users_by_email(conn)
    for id_, email in answers.owners.items():
        user = users.get(email.casefold()) if email else None
        if email and (user is None or not user.is_active):
            active = sorted(one for one, user in users.items() if user.is_active)
            yield (
                f"owners.{id_}: {email} is no active user{_near(email, active)}",
                "hub user list shows the users; people: in hub.yaml adds one",
            )


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _near(said: str, known: Sequence[str]) -> str:
    found = difflib.get_close_matches(said, known, n=1, cutoff=0.85)
    return f"; the nearest is {found[0]!r}" if found else ""
