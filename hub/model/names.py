"""Names of records as people type them: one grammar, and one error for a missing record. Pure.

    deal/7                  a record of the CRM, by kind and number
    7                       the same, of the command's kind; a lead where any kind fits
    zendesk/users/9         a record of a source: source, stream and id
    0b5f…-…                 a public id

Not here: looking them up (`hub.actions.lookup`, `hub.actions.targets`).
"""

from hub.errors import ActionError
from hub.frozen import dataclass

KINDS = ("lead", "contact", "deal", "ticket", "task", "note", "call", "visit", "message")
_LONGEST = 18  # digits that surely fit a bigint
_SHOWN = 100
_HINTS = {
    "person": "name lead/12, contact/5, a public id, or a record: salesforce/leads/00Q…",
    "deal": "name its number; hub deal list shows them",
    "ticket": "name its number here, or its record: zendesk/tickets/9",
    "activity": "name it as `hub activities` does: task/12, note/3, call/7",
}


@dataclass(frozen=True, slots=True)
class RowName:
    """A record of the CRM; the number is None if it cannot exist."""

    kind: str
    number: int | None


@dataclass(frozen=True, slots=True)
class RecordName:
    """A record of a source."""

    source: str
    stream: str
    source_id: str


@dataclass(frozen=True, slots=True)
class PublicId:
    """A name that is neither of the others."""

    id: str


Name = RowName | RecordName | PublicId


def read(said: str, kind: str = "lead") -> Name:
    """Return the record that a text names; a number alone is a record of `kind`."""
    if not said.isprintable():
        return RowName(kind, None)
    if said.count("/") >= 2:  # noqa: PLR2004 two slashes part source, stream and id
        return RecordName(*said.split("/", 2))
    before, slash, rest = said.rpartition("/")
    if slash and before in KINDS:
        return RowName(before, _number(rest))
    return RowName(kind, _number(said)) if _is_number(said) else PublicId(said)


def number_of(said: str, kind: str) -> int | None:
    """Return the number of a record of `kind`: 7 of `7` and of `deal/7`; None of other names."""
    name = read(said, kind)
    return name.number if isinstance(name, RowName) and name.kind == kind else None


def full(said: str, kind: str = "lead") -> str:
    """Return a full name, valid in every command: a number alone gets its kind."""
    return f"{kind}/{said}" if _is_number(said) else said


def missing(said: str, kind: str) -> ActionError:
    """Return the error that there is no such record; of the kind `person`, no such person."""
    shown = full(said, kind)[:_SHOWN]
    if kind == "person":
        message = f"there is no person named {said[:_SHOWN]!r}"
    elif shown.startswith(f"{kind}/") and shown.isprintable():
        message = f"there is no {shown}"
    else:
        message = f"there is no {kind} {shown!r}"
    return ActionError(message, resource=kind, code="not_found", hint=_HINTS.get(kind))


def _is_number(said: str) -> bool:
    return said.isascii() and said.isdigit()


def _number(said: str) -> int | None:
    return int(said) if _is_number(said) and len(said) <= _LONGEST else None
