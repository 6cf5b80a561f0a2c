"""Likely duplicates: of a person who is about to be added, and of an existing person.

In: canonical values, or a person. Out: the people who may be the same, the likeliest first. The matcher
judges, as it does when records arrive. Not here: deciding (`hub.actions.identity`).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection

from hub.crm import cards
from hub.etl.match import views_of
from hub.etl.model_in_use import active_model
from hub.frozen import dataclass
from hub.matching.key_hash import hashes, limit_of
from hub.matching.keys import MatchView, keys, view
from hub.matching.scoring import asked
from hub.model.entities import folded_names
from hub.model.records import JsonValue
from hub.model.verdicts import Judgement, Trust
from hub.records import identity, match_keys
from hub.views.parts import Duplicate

_NEW = "hub/new/"  # sorts like any other record; nothing is stored under it
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Likely:
    """A person who may be meant.

    Args:
        entity_id: who.
        name: how people name the record: lead/12, contact/5.
        judgement: same or unsure, as the matcher says; `alike` where all that was typed agrees.
        bits: the weight of the best of their records; 0 of who is only alike.
        who: the person's name.
        email: as the record shows it.
        company: as the record shows it.
        owner: e-mail of the owner.
    """

    entity_id: int
    name: str
    judgement: str
    bits: float
    who: str
    email: str | None
    company: str | None
    owner: str | None


Scored = dict[int, tuple[float, str]]  # entity → bits and judgement


def likely(
    conn: Connection, values: Mapping[str, JsonValue], *, limit_n: int = _SHOWN
) -> list[Likely]:
    """Return the people who may be meant, the likeliest first.

    Args:
        conn: an open connection.
        values: canonical values of a person.
        limit_n: people at most.
    """
    return _shown(conn, _alike(conn, values))[:limit_n]


def of_person(conn: Connection, entity_id: int) -> tuple[Duplicate, ...]:
    """Return who may be the same as a person: those in review first, then the likeliest.

    People that a user or a source has declared different are left out.
    """
    values = _values(conn, entity_id)
    found = _alike(conn, values) if values else {}
    asked_about = cards.in_review(conn, entity_id)
    for other in {entity_id, *cards.judged_apart(conn, entity_id)}:
        found.pop(other, None)
    found |= {other: (bits, "in review") for other, bits in asked_about.items()}
    shown = sorted(_shown(conn, found), key=lambda one: one.judgement != "in review")
    return tuple(
        Duplicate(
            one.name, one.who or None, one.email, one.company, one.owner, one.judgement, one.bits
        )
        for one in shown[:_SHOWN]
    )


_PERSON = folded_names("lead")


def _values(conn: Connection, entity_id: int) -> dict[str, Any]:
    """Return a person's values as a record would have them."""
    row = cards.person_values(conn, entity_id)
    return {name: row[name] for name in _PERSON if row.get(name) is not None}


def _alike(conn: Connection, values: Mapping[str, JsonValue]) -> Scored:
    new = view(0, _NEW, Trust.TRUSTED, values)
    ids = match_keys.some_holders(conn, {h: limit_of(h) for h in hashes(keys(new))})
    model = active_model(conn)
    found: Scored = {}
    for other in views_of(conn, identity.load_records(conn, ids)).values():
        if other.entity_id is None:
            continue
        scored = asked(new, other, model)
        if scored is not None and scored.judgement is not Judgement.DIFFERENT:
            said = (scored.weight, scored.judgement.value)
        elif _agree(new, other) or (other.typed and _agree(new, other.typed)):
            said = (0.0, "alike")
        else:
            continue
        found[other.entity_id] = max(said, found.get(other.entity_id, said))
    return found


def _agree(new: MatchView, other: MatchView) -> bool:
    """Tell whether all that was typed is found there; the matcher asks for more than a name alone."""
    a, b = new.traits, other.traits
    mails = {m.address for m in a.mailboxes}
    told = (
        (mails, {m.address for m in b.mailboxes}),
        (set(a.tails), set(b.tails)),
        ({a.last_text} - {""}, {b.last_text}),
        ({a.first_text} - {""}, {b.first_text}),
        ({a.company_text} - {""}, {b.company_text}),
    )
    return any(typed for typed, _ in told) and all(
        not typed or typed & known for typed, known in told
    )


def _shown(conn: Connection, found: Mapping[int, tuple[float, str]]) -> list[Likely]:
    rows = {row["entity_id"]: row for row in cards.parties(conn, list(found))}
    people = [
        Likely(
            entity, row["name"], said, bits, row["who"], row["email"], row["company"], row["owner"]
        )
        for entity, (bits, said) in found.items()
        if (row := rows.get(entity)) is not None
    ]
    return sorted(people, key=lambda p: (-p.bits, p.entity_id))


def names(people: Iterable[Likely]) -> str:
    """Return the people in one line."""
    return ", ".join(f"{p.name} ({p.who or p.email or p.company or 'nameless'})" for p in people)
