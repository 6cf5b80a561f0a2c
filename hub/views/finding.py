"""Find records by a text: a name, an e-mail address, a telephone number in any form, a company, a deal.

In: an open connection and a text. Out: the records that have it, the closest first. What a text is asked
of depends on its form:

- with an `@`: addresses that begin so, and every address that a source ever gave for a person;
- of digits: numbers with these digits, with any country code and any signs between the digits;
- else names of people, companies and deals: whole ones, then those that begin so, then those that contain
  it; last, addresses that begin with it.

The indexes are those of smart lists and of matching; nothing is written for this. Not here: who may read.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from hub.crm import cards
from hub.errors import ActionError
from hub.frozen import dataclass
from hub.lists import document, pages
from hub.lists.catalogues import FIXED
from hub.lists.predicates import Asking
from hub.lists.related import own_company
from hub.matching.key_hash import hashes
from hub.matching.keys import keys, view
from hub.model.verdicts import Trust
from hub.records import identity, match_keys

_KIND = {"lead": "lead", "person": "contact", "company": "contact", "deal": "deal"}
_SHORTEST = 2
_LONGEST = 100
_NUMBER = re.compile(r"[\d\s()+./\-]{5,}")
_FEWEST_DIGITS = 5
_SIGNIFICANT = 9  # digits of a number that are the same in every form of it
_SAME = 50  # records that share an address or a number, at most

Ask = tuple[str, str]  # a field and an operation
_PERSON: tuple[tuple[Ask, ...], ...] = (
    (("name", "is"),),
    (("last_name", "starts with"),),
    (("name", "contains"), ("own_company", "contains")),
)
_OTHER: tuple[tuple[Ask, ...], ...] = (
    (("name", "is"),),
    (("name", "starts with"),),
    (("name", "contains"),),
)
_NAMES = {"lead": _PERSON, "person": _PERSON, "company": _OTHER, "deal": _OTHER}
_ASKED = {
    **FIXED,
    **{
        object_: replace(one, fields={**one.fields, "own_company": own_company(one.table)})
        for object_, one in FIXED.items()
        if object_ in {"lead", "person"}
    },
}
"""The fields of each kind; a person is also found by the company's name that its own record gives."""
_WHOLE, _BEGINNING, _PART = range(3)
_NEW = "hub/new/"  # sorts like any other record; nothing is stored under it
_PARTIES = ("lead", "person", "company")


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that was found.

    Args:
        record: its name: `lead/12`, `contact/5`, `deal/7`.
        kind: lead, contact, company or deal.
        name: as people read it; null of a record without a name.
        company: the company's name.
        email: the address.
        phone: telephone, else mobile number.
        owner: address of the owner.
        matched: what has the text: `name`, `company`, `email`, `phone` or `deal`.
    """

    record: str
    kind: str
    name: str | None
    company: str | None
    email: str | None
    phone: str | None
    owner: str | None
    matched: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    Args:
        text: what was looked for.
        items: the closest first.
        has_more: whether there are more than were asked for.
    """

    text: str
    items: tuple[Hit, ...]
    has_more: bool


def find(conn: Connection, said: str, asking: Asking, *, limit: int = 20) -> Found:
    """Return the records that have a text.

    Args:
        conn: an open transaction.
        said: the text.
        asking: who asks, and when.
        limit: records at most.

    Raises:
        ActionError: the text is too short, or no record can have it.
    """
    wanted = " ".join(said.split())
    if not _SHORTEST <= len(wanted) <= _LONGEST or not wanted.isprintable():
        raise ActionError(
            f"a text of {_SHORTEST} to {_LONGEST} letters is looked for",
            resource="record", field="text", code="invalid",
            hint="hub find Martin, hub find zoe@acme.example, hub find 06 12 34 56 78",
        )  # fmt: skip
    search = _Search(conn, asking, limit + 1)
    found: dict[tuple[str, int], str] = {}
    for key, matched in search.places(wanted):
        found.setdefault(key, matched)
        if len(found) > limit:
            break
    hits = _hits(conn, list(found.items())[:limit], wanted)
    return Found(wanted, hits, len(found) > limit)


Place = tuple[tuple[str, int], str]  # kind and number of a row, and what matched


@dataclass(frozen=True, slots=True)
class _Search:
    """One search; nothing further is asked once enough is found.

    Args:
        conn: an open transaction.
        asking: who asks, and when.
        limit: records that each question gives at most.
    """

    conn: Connection
    asking: Asking
    limit: int

    def places(self, said: str) -> Iterator[Place]:
        """Yield the places to look for a text, the closest first; one record may come twice."""
        if "@" in said:
            yield from self._same("email", {"email": said.lower()})
            yield from self._listed(said, ("email", "starts with"))
            if said.startswith("@"):
                yield from self._listed(said, ("email", "contains"))
            return
        digits = re.sub(r"\D", "", said)
        if _NUMBER.fullmatch(said) and len(digits) >= _FEWEST_DIGITS:
            bare = digits.lstrip("0")
            yield from self._same("phone", {"phone": f"+{bare}"})
            yield from self._listed(
                bare[-_SIGNIFICANT:], ("phone", "contains"), ("mobile", "contains")
            )
            if not said.isdigit():
                return  # parts of a number are no words of a name
        yield from self._named(said)
        if " " not in said and len(said) > _SHORTEST:
            yield from self._listed(said, ("email", "starts with"))

    def _same(self, matched: str, values: dict[str, Any]) -> Iterator[Place]:
        """Yield the people whose records have an address or a number, by the keys of matching."""
        own = [key for key in keys(view(0, _NEW, Trust.TRUSTED, values)) if key[0] == matched]
        wanted = dict.fromkeys(hashes(own), _SAME)
        records = identity.load_records(self.conn, match_keys.some_holders(self.conn, wanted))
        entities = {one.entity_id for one in records.values() if one.entity_id is not None}
        for row in cards.parties(self.conn, sorted(entities)):
            kind, _, number = row["name"].partition("/")
            yield (kind, int(number)), matched

    def _listed(self, said: str, *asks: Ask) -> Iterator[Place]:
        matched = "email" if asks[0][0] == "email" else "phone"
        for object_ in _PARTIES:
            for number in self._ids(object_, asks, said):
                yield (_KIND[object_], number), matched

    def _named(self, said: str) -> Iterator[Place]:
        """Yield who is called so, of every kind; then names that begin with it, then those with it inside."""
        words = said.split()
        has_long = any(len(word) > _SHORTEST for word in words)
        steps = [_BEGINNING]  # of one word: a whole name is the first one that begins with it
        if has_long:  # only three letters or more are in an index
            steps = [_WHOLE, *steps, _PART] if len(words) > 1 else [*steps, _PART]
        for step in steps:
            wanted = said if has_long else words[-1]
            for object_, asks in _NAMES.items():
                matched = "name" if object_ in {"lead", "person"} else object_
                for number in self._ids(object_, asks[step], wanted):
                    yield (_KIND[object_], number), matched

    def _ids(self, object_: str, asks: Sequence[Ask], said: str) -> list[int]:
        """Return the records of which one of some fields has a text: by name, deals the newest first."""
        asked = document.read(
            {
                "object": object_,
                "filter": {"any": [{"field": f, "op": op, "value": said} for f, op in asks]},
                "sort": None if object_ == "deal" else "name",
            }
        )
        query = pages.ready(self.conn, asked, _ASKED[object_], self.asking)
        return pages.ids(self.conn, query, self.limit)


def _hits(conn: Connection, found: Sequence[Place], said: str) -> tuple[Hit, ...]:
    rows = {(row["kind"], row["id"]): row for row in cards.named(conn, [key for key, _ in found])}
    return tuple(_hit(rows[key], matched, said) for key, matched in found if key in rows)


def _hit(row: Mapping[str, Any], matched: str, said: str) -> Hit:
    if matched == "name" and any(one not in _bare(row["name"]) for one in _bare(said).split()):
        matched = "company"
    return Hit(
        f"{row['kind']}/{row['id']}", "company" if row["is_company"] else row["kind"], row["name"],
        row["company"], row["email"], row["phone"], row["owner"], matched,
    )  # fmt: skip


def _bare(said: str | None) -> str:
    """Return a text in small letters without accents."""
    parts = unicodedata.normalize("NFD", (said or "").casefold())
    return "".join(one for one in parts if not unicodedata.combining(one))
