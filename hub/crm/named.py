"""The things that a team gives names: statuses, stages, reasons, tags, users. By name, and by number.

One vocabulary of kinds, for lists that hold numbers, for rename and removal, and for the hints of errors.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, text

from hub.crm import words
from hub.frozen import dataclass
from hub.model.words import FOLDED

BY_NUMBER = frozenset(
    {"stage", "pipeline", "loss_reason", "deal_reason", "outcome", "user", "group"}
)
"""The kinds whose number is in the records; records hold the names of all others as text."""
WORDS = frozenset({"tag", "source", "choice"})
"""The kinds that have no table of their own: records bring them, and `crm.word` numbers them."""
LABELS: Mapping[str, str] = {
    "status": "status",
    "lead_reason": "reason why a lead is unqualified",
    "loss_reason": "reason why a deal is lost",
    "deal_reason": "reason why a deal is unqualified",
    "pipeline": "pipeline",
    "stage": "stage",
    "outcome": "outcome",
    "user": "member of the team",
    "group": "group",
    "tag": "tag",
    "source": "source",
    "choice": "choice",
    "field": "custom field",
}
_REASON = "SELECT id, name, '', '' FROM crm.reason WHERE kind = '{}' ORDER BY id"
_SQL: Mapping[str, str] = {
    "status": "SELECT id, name, '', '' FROM crm.lead_status ORDER BY position, id",
    "lead_reason": _REASON.format("lead_unqualified"),
    "loss_reason": _REASON.format("loss"),
    "deal_reason": _REASON.format("deal_unqualified"),
    "pipeline": "SELECT id, name, '', '' FROM crm.pipeline ORDER BY position, id",
    "stage": (
        "SELECT s.id, s.name, p.name, '' FROM crm.stage s JOIN crm.pipeline p ON p.id = s.pipeline_id "
        "WHERE s.archived_at IS NULL "
        "ORDER BY p.position, p.id, s.position, s.id"
    ),
    "outcome": "SELECT id, name, kind, '' FROM crm.outcome ORDER BY kind, id",
    "user": (
        "SELECT id, coalesce(email, name), '', CASE WHEN email IS NULL THEN '' ELSE name END "
        'FROM crm."user" ORDER BY id'
    ),
    "group": (
        "SELECT id, name, '', '' FROM crm.distribution_group WHERE removed_at IS NULL ORDER BY id"
    ),
}


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing with a name.

    Args:
        kind: one of `LABELS`.
        id: its number.
        name: today's.
        within: of a stage its pipeline, of an outcome call or visit; names are unique within it.
        also: another name that finds it: of a user the name beside the address.
    """

    kind: str
    id: int
    name: str
    within: str = ""
    also: str = ""

    @property
    def full(self) -> str:
        """Return the name with what it is unique within."""
        return f"{self.within}/{self.name}" if self.within else self.name


def things(conn: Connection, kind: str, scope: str = "") -> list[Thing]:
    """Return all things of a kind in their order; of words those with a number that are in use."""
    if kind in WORDS:
        known = words.of_kind(conn, kind, scope)
        return [Thing(kind, w.id, w.name) for w in known if w.today == w.name]
    return [Thing(kind, *row) for row in conn.execute(text(_SQL[kind]))]


def meant(known: Sequence[Thing], said: str) -> list[Thing]:
    """Return the things that a name means: by full name, name, or other name; several within several."""
    plain = said.strip()
    if known and known[0].kind in WORDS and known[0].kind not in FOLDED:
        return [t for t in known if t.name == plain]  # tags and choices differ by case
    wanted = plain.casefold()
    if not wanted:  # most things have no other name: an empty text is not it
        return []
    for names in (_full, _name, _also):
        if found := [t for t in known if names(t) == wanted]:
            return found
    return []


def _full(thing: Thing) -> str:
    return thing.full.casefold()


def _name(thing: Thing) -> str:
    return thing.name.casefold()


def _also(thing: Thing) -> str:
    return thing.also.casefold()


def spoken(thing: Thing, known: Sequence[Thing]) -> str:
    """Return how a thing is called: by its name, with what it is within where others share the name."""
    same = [t for t in known if t.name.casefold() == thing.name.casefold()]
    return thing.full if len(same) > 1 else thing.name
